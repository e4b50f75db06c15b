// SPDX-License-Identifier: BSD-3-Clause

#include "tests/load/callee.h"

#include "lib/base/text.h"
#include "lib/sip/reply.h"
#include "lib/sip/value.h"

#define ANSWER_BYTES_MAX 4096
#define FIELDS_BYTES_MAX 2048
#define STATUS_OK        200
#define STATUS_ALTERED   400
#define SIP_PORT         5060

// What a response adds to the topmost Via, and where that sends it.
struct source_edits {
	struct sip_edits edits;
	struct text text;
	uint8_t bytes[128];
};

// RFC 3261 §18.2.1, RFC 3581 §4.
static void add_source(struct source_edits *e, const struct sip_via *via,
	const struct sip_value *where, const struct way *from)
{
	const uint8_t *start = e->edits.source.at, *mark = e->text.at;
	const uint8_t *rport = sip_param_find(via->params, VIEW("rport")).at;
	char ip[IP_TEXT_BYTES];

	if (rport == NULL)
		return;
	if (via->rport.len == 0)
		text_add(&e->text, VIEW("rport="));
	text_add_number(&e->text, from->remote.port);
	sip_edits_add(&e->edits, (size_t)(rport - start),
		via->rport.len > 0 ? via->rport.len : sizeof("rport") - 1,
		text_since(&e->text, mark));
	if (via->received.len > 0)
		return;
	mark = e->text.at;
	text_add(&e->text, VIEW(";received="));
	text_add(&e->text, view_of(ip, ip_format(&from->remote.ip, ip)));
	sip_edits_insert(
		&e->edits, (size_t)where->span.at + where->span.len, text_since(&e->text, mark));
}

// RFC 3261 §18.2.2: back to where it came from, to the port that Via names if it does not ask for
// its own.
static struct way way_back(const struct sip_via *via, const struct way *from)
{
	struct way back = *from;

	if (from->transport == TRANSPORT_UDP && !via->has_rport)
		back.remote.port = via->port != 0 ? via->port : SIP_PORT;
	return back;
}

// What makes a dialog (RFC 3261 §12.1.1), and what a subscription wants to know (RFC 6665 §4.2.1).
static void add_dialog_fields(struct text *t, const struct sip_message *m)
{
	const struct sip_header *h = sip_header_first(m, SIP_H_RECORD_ROUTE);

	if (!sip_method_makes_dialog((enum sip_method)m->method))
		return;
	for (; h != NULL; h = sip_header_next(m, h)) {
		text_add(t, VIEW("Record-Route: "));
		text_add(t, sip_view(m, h->value));
		text_add(t, VIEW("\r\n"));
	}
	text_add(t, VIEW("Contact: <"));
	text_add(t, sip_view(m, m->request_uri));
	text_add(t, VIEW(">\r\n"));
	if (m->method == SIP_M_SUBSCRIBE)
		text_add(t, VIEW("Expires: 28800\r\n"));
}

static void answer(
	struct callee *c, const struct sip_message *m, const struct way *from, unsigned status)
{
	struct source_edits source = {0};
	uint8_t out[ANSWER_BYTES_MAX], fields[FIELDS_BYTES_MAX];
	struct text t = text_over(fields, sizeof(fields));
	struct sip_address to;
	struct sip_value where;
	struct sip_via via;
	struct sip_reply reply = {.request = m, .status = status};
	struct way back;
	size_t n_bytes;

	if (sip_top_via(m, &via, &where) < 0 || sip_to(m, &to) < 0) {
		c->counts.n_unsent++;
		return;
	}
	source.text = text_over(source.bytes, sizeof(source.bytes));
	sip_edits_init(&source.edits, m->bytes);
	if (from->transport == TRANSPORT_UDP)
		add_source(&source, &via, &where, from);
	add_dialog_fields(&t, m);
	reply.via_edits = &source.edits;
	reply.to_tag = to.tag.len == 0 ? VIEW("fedload") : VIEW_NONE;
	reply.fields = text_view(&t);
	n_bytes = t.overflow ? 0 : sip_reply_write(&reply, out, sizeof(out));
	back = way_back(&via, from);
	if (n_bytes > 0 && station_send(c->station, &back, view_of(out, n_bytes)) == 0)
		c->counts.n_answered++;
	else
		c->counts.n_unsent++;
}

void callee_hear(struct callee *c, const struct sip_message *m, const struct way *from)
{
	struct request_mark mark;
	unsigned status = STATUS_OK;

	if (m->method == SIP_M_ACK)
		return;
	c->counts.n_requests++;
	if (!requests_recognise(m, &mark)) {
		c->counts.n_foreign++;
	} else if (!requests_is_whole(c->requests, m, &mark)) {
		c->counts.n_altered++;
		status = STATUS_ALTERED;
	}
	answer(c, m, from, status);
}
