// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/relay/job.h"
#include "dataplane/relay/parcel.h"
#include "dataplane/relay/via.h"
#include "lib/sip/reply.h"

// Further header fields of a refusal. One that does not fit is left out.
#define FIELDS_BYTES 1024
// Of a rule's source in ms-diagnostics.
#define SOURCE_BYTES_MAX 200

// With a 503: what keeps a request from its next hop is mostly over within seconds.
#define RETRY_AFTER_S 10

// As far as request_identify() could read the request.
static void add_tag(const struct relay *r, const struct request *rq, struct text *tag)
{
	if (!rq->has_to || rq->to.tag.len > 0)
		return;
	text_add(tag, VIEW(MARKS_TAG_PREFIX));
	text_add_hex64(tag, marks_tag(&r->marks, rq->call_id, rq->from.tag, rq->cseq.number));
}

static void write_answer(
	const struct relay *r, struct job *job, unsigned status, struct view fields)
{
	const struct request *rq = &job->request;
	uint8_t via_bytes[128], tag_bytes[MARKS_TAG_BYTES];
	struct text via_text = text_over(via_bytes, sizeof(via_bytes));
	struct text tag = text_over(tag_bytes, sizeof(tag_bytes));
	struct sip_reply reply = {.request = &job->message, .status = status, .fields = fields};
	struct sip_edits edits;

	if (sip_header_first(&job->message, SIP_H_VIA) == NULL)
		return;
	sip_edits_init(&edits, job->message.bytes);
	if (rq->has_via)
		via_add_source(&edits, &via_text, rq, &job->in->source);
	reply.via_edits = &edits;
	add_tag(r, rq, &tag);
	reply.to_tag = text_view(&tag);
	job->out->len = sip_reply_write(&reply, job->out->bytes, job->out->room);
	job->out->listener = job->in->listener;
	job->out->destination = via_response_address(rq, &job->in->source);
	job->out->conn = job->in->conn;
	job->out->worker = r->worker;
	job->out->is_response = true;
	job->out->status = (uint16_t)status;
	job->out->branch = 0; // of no request that left
	job->out->kind = PARCEL_KEEP;
}

void answer_ok(const struct relay *r, struct job *job)
{
	write_answer(r, job, 200, VIEW_NONE);
}

// As the inside of a quoted-string (RFC 3261 §25.1).
static void add_quoted(struct text *t, struct view v)
{
	for (size_t i = 0; i < v.len; i++) {
		uint8_t c = v.at[i] >= 0x20 && v.at[i] != 0x7f ? v.at[i] : ' ';

		if (c == '"' || c == '\\')
			text_add(t, VIEW("\\"));
		text_add(t, view_of(&c, 1));
	}
}

static void add_rule(struct text *t, const struct image *image, image_rule_id rule)
{
	struct view source = image_rule_source(image, rule);

	if (source.len > SOURCE_BYTES_MAX)
		source.len = SOURCE_BYTES_MAX;
	text_add(t, VIEW(" ("));
	add_quoted(t, source);
	text_add(t, VIEW(":"));
	text_add_number(t, image_rule_line(rule));
	text_add(t, VIEW(")"));
}

// Inside, everything an administrator wants; outside, only what the status says anyway.
static void add_diagnostics(struct text *t, const struct relay *r, unsigned listener,
	enum reason reason, image_rule_id rule)
{
	const struct listener *l = &r->self.list[listener];

	text_add(t, VIEW("ms-diagnostics: "));
	text_add_number(t, reason_diagnostic(reason));
	text_add(t, VIEW(";reason=\""));
	if (l->side == SIDE_INSIDE) {
		add_quoted(t, view_string(reason_text(reason)));
		if (rule != IMAGE_RULE_NONE && r->image != NULL)
			add_rule(t, r->image, rule);
	} else {
		text_add(t, sip_status_phrase(reason_sip_status(reason)));
	}
	text_add(t, VIEW("\";source=\""));
	add_quoted(t, l->sent_by);
	text_add(t, VIEW("\"\r\n"));
}

// 420 names what was not understood (RFC 3261 §16.3 step 5): here all of it.
static void add_unsupported(struct text *t, const struct sip_message *m)
{
	for (const struct sip_header *h = sip_header_first(m, SIP_H_PROXY_REQUIRE); h != NULL;
		h = sip_header_next(m, h)) {
		uint8_t *mark = t->at;

		text_add(t, VIEW("Unsupported: "));
		text_add(t, sip_view(m, h->value));
		text_add(t, VIEW("\r\n"));
		if (t->overflow) {
			t->at = mark;
			t->overflow = false;
			return;
		}
	}
}

void answer_refusal(const struct relay *r, struct job *job, enum reason reason, image_rule_id rule)
{
	uint8_t bytes[FIELDS_BYTES];
	struct text fields = text_over(bytes, sizeof(bytes));

	if (job->message.method == SIP_M_ACK || reason_sip_status(reason) == 0)
		return;
	add_diagnostics(&fields, r, job->in->listener, reason, rule);
	if (reason == REASON_sip_proxy_require)
		add_unsupported(&fields, &job->message);
	// RFC 5630 §5.1.1.1
	if (reason == REASON_sip_sips_downgrade) {
		text_add(&fields, VIEW("Warning: 380 "));
		text_add(&fields, r->self.list[job->in->listener].sent_by);
		text_add(&fields, VIEW(" \"SIPS Not Allowed\"\r\n"));
	}
	write_answer(r, job, reason_sip_status(reason), text_view(&fields));
}

void answer_undeliverable(const struct relay *r, struct job *job, enum reason reason)
{
	const struct request *rq = &job->request;
	uint8_t bytes[FIELDS_BYTES], tag_bytes[MARKS_TAG_BYTES];
	struct text fields = text_over(bytes, sizeof(bytes));
	struct text tag = text_over(tag_bytes, sizeof(tag_bytes));
	struct sip_reply reply = {
		.request = &job->message,
		.status = reason_sip_status(reason),
		.n_vias_cut = 1,
	};

	add_diagnostics(&fields, r, job->out->listener, reason, IMAGE_RULE_NONE);
	if (reply.status == 503) {
		text_add(&fields, VIEW("Retry-After: "));
		text_add_number(&fields, RETRY_AFTER_S);
		text_add(&fields, VIEW("\r\n"));
	}
	add_tag(r, rq, &tag);
	reply.to_tag = text_view(&tag);
	reply.fields = text_view(&fields);
	job->out->len = sip_reply_write(&reply, job->out->bytes, job->out->room);
	job->out->status = (uint16_t)reply.status;
}
