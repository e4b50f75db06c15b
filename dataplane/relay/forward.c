// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/relay/hop.h"
#include "dataplane/relay/job.h"
#include "dataplane/relay/parcel.h"
#include "dataplane/relay/stamp.h"
#include "dataplane/relay/via.h"
#include "lib/policy/mix.h"

#include <endian.h>

#define MAX_FORWARDS_DEFAULT 70 // RFC 3261 §8.1.1.6

// A field that request_identify() or request_check() has found.
static const struct sip_header *field(const struct sip_message *m, enum sip_header_id id)
{
	return &m->headers[m->first[id] - 1];
}

// RFC 3261 §8.1.1.7; the cookie too in any case, as a token is.
static bool has_cookie(struct view branch)
{
	// 0x20 where there is a letter, which tells upper from lower case.
	static const uint8_t fold[8] = {0x20, 0, 0x20, 0x20, 0, 0x20, 0x20, 0};
	static const uint8_t cookie[8] = {'z', '9', 'h', 'g', '4', 'b', 'k', 0};
	uint64_t is, lower, wanted;

	if (branch.len < sizeof(is))
		return false;
	memcpy(&is, branch.at, sizeof(is));
	memcpy(&lower, fold, sizeof(lower));
	memcpy(&wanted, cookie, sizeof(wanted));
	return ((is | lower) & htole64(UINT64_MAX >> 8)) == wanted;
}

static void begin_marks(const struct relay *r, struct job *job)
{
	const struct request *rq = &job->request;
	struct marks_via *marks = &job->marks;

	marks->way.worker = r->worker;
	marks->way.listener = (uint8_t)job->in->listener;
	marks->way.conn = job->in->conn;
	marks->way.to = via_response_address(rq, &job->in->source);
	marks->egress = r->self.list[job->hop.listener].side;
	marks->sent_by = rq->via.sent_by;
	marks->branch = rq->via.branch;
	if (has_cookie(marks->branch))
		return;
	marks->branch = VIEW_NONE;
	marks->branch_hash = marks_branch_2543(&r->marks, rq->call_id, rq->from.tag,
		rq->cseq.number, sip_view(rq->m, rq->m->request_uri));
}

void forward_mark(const struct relay *r, struct job *const jobs[], unsigned n)
{
	struct marks_via *list[MARKS_AT_ONCE];

	for (unsigned i = 0; i < n; i++) {
		begin_marks(r, jobs[i]);
		list[i] = &jobs[i]->marks;
	}
	marks_make(&r->marks, list, n);
}

// §16.6 step 8.
static void add_via(struct text *t, const struct job *job, const struct listener *out)
{
	const struct marks_via *marks = &job->marks;

	text_add(t, out->via);
	text_add_hex64(t, marks->branch_hash);
	text_add(t, VIEW(";" MARKS_WAY_PARAM "="));
	way_back_add(t, marks->way_bytes, marks->n_way_bytes);
	text_add(t, VIEW(";" MARKS_LOOP_PARAM "="));
	text_add_hex64(t, job->loop);
	text_add(t, VIEW("\r\n"));
}

// §16.6 step 4, RFC 5658: the side that the request leaves by on top, below it the one that it
// came by where the two are not of one kind.
static void add_record_routes(struct text *t, const struct listener *in, const struct listener *out)
{
	text_add(t, out->record_route);
	if (in->side != out->side || in->local.ip.family != out->local.ip.family ||
		in->local.transport != out->local.transport)
		text_add(t, in->record_route);
}

static void edit_record_route(struct sip_edits *edits, struct text *t, const struct job *job,
	const struct listener *in, const struct listener *out)
{
	const struct sip_message *m = &job->message;
	const struct sip_header *there = sip_header_first(m, SIP_H_RECORD_ROUTE);
	const uint8_t *mark = t->at;

	if (!sip_method_makes_dialog(m->method))
		return;
	if (there == NULL)
		there = field(m, SIP_H_VIA);
	add_record_routes(t, in, out);
	sip_edits_insert(edits, there->name.at, text_since(t, mark));
}

// §16.6 step 3.
static void edit_max_forwards(struct sip_edits *edits, struct text *t, const struct request *rq)
{
	const struct sip_message *m = rq->m;
	const uint8_t *mark = t->at;
	const struct sip_header *h;

	if (!rq->has_max_forwards) {
		text_add(t, VIEW("Max-Forwards: "));
		text_add_number(t, MAX_FORWARDS_DEFAULT);
		text_add(t, VIEW("\r\n"));
		h = field(m, SIP_H_VIA);
		sip_edits_insert(edits, h->name.at, text_since(t, mark));
		return;
	}
	h = field(m, SIP_H_MAX_FORWARDS);
	text_add_number(t, rq->max_forwards - 1);
	sip_edits_add(edits, h->value.at, h->value.len, text_since(t, mark));
}

static void cut_field(struct sip_edits *edits, const struct sip_header *h)
{
	sip_edits_cut(edits, h->name.at, (size_t)(h->end - h->name.at));
}

// Cuts the Route values outside [front, back]; front->h NULL: all of them; back->h NULL: to the
// end.
static void cut_routes(struct sip_edits *edits, const struct sip_message *m,
	const struct sip_value *front, const struct sip_value *back)
{
	for (const struct sip_header *h = sip_header_first(m, SIP_H_ROUTE); h != NULL;
		h = sip_header_next(m, h)) {
		size_t value_end = (size_t)h->value.at + h->value.len, back_end;

		if (front->h == NULL || h < front->h || (back->h != NULL && h > back->h)) {
			cut_field(edits, h);
			continue;
		}
		if (h == front->h && front->span.at > h->value.at)
			sip_edits_cut(edits, h->value.at, (size_t)(front->span.at - h->value.at));
		back_end = (size_t)back->span.at + back->span.len;
		if (h == back->h && back_end < value_end)
			sip_edits_cut(edits, back_end, value_end - back_end);
	}
}

// The value behind `front`, h NULL when front is the last that stays.
static struct sip_value value_behind(const struct request *rq, const struct sip_value *front)
{
	struct sip_values values = sip_values_of(rq->m, SIP_H_ROUTE);
	const struct sip_value *back = &rq->routes.back;
	struct sip_value value = {.h = NULL};

	if (back->h == front->h && back->span.at == front->span.at)
		return value;
	while (sip_values_next(&values, &value) > 0) {
		if (value.h == front->h && value.span.at == front->span.at)
			return sip_values_next(&values, &value) > 0 ? value
								    : (struct sip_value){.h = NULL};
	}
	return (struct sip_value){.h = NULL};
}

// §16.6 step 6: the next hop is a strict router. Its URI becomes the Request-URI, and the
// Request-URI the last Route value.
static void edit_strict(struct sip_edits *edits, const struct request *rq, struct sip_value *front)
{
	const struct sip_message *m = rq->m;
	const struct sip_uri *strict = &rq->route.uri;
	struct view uri = rq->new_uri.len > 0 ? rq->new_uri : sip_view(m, m->request_uri);
	const struct sip_header *last = &m->headers[m->last[SIP_H_ROUTE] - 1];
	struct view text = strict->text;

	// A Request-URI has no header fields (RFC 3261 §19.1.1).
	if (strict->headers.len > 0)
		text.len = (size_t)(strict->headers.at - 1 - text.at);
	sip_edits_add(edits, m->request_uri.at, m->request_uri.len, text);
	*front = value_behind(rq, front);
	sip_edits_insert(edits, last->end, VIEW("Route: <"));
	sip_edits_insert(edits, last->end, uri);
	sip_edits_insert(edits, last->end, VIEW(">\r\n"));
}

static void edit_routes(struct sip_edits *edits, const struct request *rq)
{
	const struct sip_message *m = rq->m;
	struct sip_value front = rq->routes.front;

	if (sip_header_first(m, SIP_H_ROUTE) == NULL)
		return;
	if (rq->routes.any && !rq->route.uri.has_lr)
		edit_strict(edits, rq, &front);
	else if (rq->new_uri.len > 0)
		sip_edits_add(edits, m->request_uri.at, m->request_uri.len, rq->new_uri);
	cut_routes(edits, m, &front, &rq->routes.back);
}

enum reason forward_route(
	struct relay *r, struct job *job, const struct verdict *verdict, struct view to)
{
	enum reason fault = stamp_judge(r, job, verdict);

	if (fault != REASON_none)
		return fault;
	return hop_choose(r, job, verdict, to, &job->hop);
}

// Of the two users, not only of their domains: the same for every request of a dialog that goes the
// same way (RFC 3261 §12.2.1.1).
static uint32_t hash_pair(const struct job *job)
{
	const struct request *rq = &job->request;
	struct view from = rq->from.uri.user, to = rq->to.uri.user;

	return (uint32_t)mix_bytes(mix_bytes(job->pair_hash, from.at, from.len), to.at, to.len);
}

static void describe_tls(const struct relay *r, struct job *job)
{
	const struct found *found = &r->found[job - r->jobs];

	job->out->certificate = image_peer_at(r->image, job->own_peer)->certificate;
	job->out->names_hop = job->hop.to == &found->to;
	if (job->out->names_hop) {
		// Control has it proved before the connection is up.
		job->out->domain = view_of(found->domain.text, found->domain.len);
	} else {
		job->out->domain = job->to;
		job->out->domain_hash = job->to_hash != 0 ? job->to_hash : 1;
	}
}

// FEATURES R5. A To tag is of a dialog (RFC 3261 §12.2).
static enum parcel_kind kind_of(const struct request *rq, enum sip_method method)
{
	if (method == SIP_M_ACK || method == SIP_M_BYE || method == SIP_M_CANCEL)
		return PARCEL_KEEP;
	return rq->to.tag.len > 0 ? PARCEL_DIALOG : PARCEL_REQUEST;
}

// What is to be known of a request that leaves by a stream or came by one.
static void describe(const struct relay *r, struct job *job)
{
	struct relay_out *out = job->out;
	enum sip_method method = (enum sip_method)job->message.method;

	out->is_response = false;
	out->kind = kind_of(&job->request, method);
	out->method = (uint8_t)method;
	out->n_slots = job->hop.connections;
	out->status = 0;
	out->worker = job->marks.way.worker;
	out->pair_hash = hash_pair(job);
	out->sender = job->request.from.uri.host;
	out->sender_hash = job->sender_hash;
	out->branch = job->marks.branch_hash;
	out->certificate = 0;
	out->domain = VIEW_NONE;
	out->names_hop = false;
	out->domain_hash = 0;
	if (out->destination.transport == TRANSPORT_TLS)
		describe_tls(r, job);
	out->again = job->in->conn != 0 && out->destination.transport == TRANSPORT_UDP &&
		method != SIP_M_ACK;
}

enum reason forward_write(const struct relay *r, struct job *job)
{
	const struct listener *in = &r->self.list[job->in->listener];
	const struct listener *out = &r->self.list[job->hop.listener];
	const struct request *rq = &job->request;
	uint8_t bytes[RELAY_GROWTH_BYTES];
	struct text text = text_over(bytes, sizeof(bytes));
	struct sip_edits edits;

	sip_edits_init(&edits, job->message.bytes);
	add_via(&text, job, out);
	text_add(&text, stamp_line(r, job));
	sip_edits_insert(&edits, field(rq->m, SIP_H_VIA)->name.at, text_view(&text));
	edit_record_route(&edits, &text, job, in, out);
	via_add_source(&edits, &text, rq, &job->in->source);
	edit_max_forwards(&edits, &text, rq);
	edit_routes(&edits, rq);
	stamp_cut(r, job, &edits);
	if (text.overflow || edits.overflow)
		return REASON_sip_too_many_headers;
	// A body that no buffer holds fits no datagram, also where the link's fragments would.
	if (job->hop.to->transport == TRANSPORT_UDP &&
		(job->in->is_head || edits.n_bytes > out->datagram_bytes_max))
		return REASON_sip_too_large_for_hop;
	job->out->len = sip_edits_write(&edits, job->out->bytes, job->out->room);
	if (job->out->len == 0)
		return REASON_sip_too_large_for_hop;
	job->out->listener = job->hop.listener;
	job->out->destination = *job->hop.to;
	if (job->hop.to->transport != TRANSPORT_UDP || job->in->conn != 0)
		describe(r, job);
	return REASON_sip_request_relayed;
}
