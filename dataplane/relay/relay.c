// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/relay/job.h"
#include "dataplane/relay/stamp.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define CACHE_LINE_BYTES 64
// Prefetched: so many messages ahead, and so much more than came in, since a Via is added.
#define WRITE_AHEAD        3
#define WRITTEN_MORE_BYTES 192

struct relay *relay_new(const struct relay_listener listeners[], unsigned n_listeners,
	uint16_t worker, uint64_t counters[REASON_N])
{
	struct relay *r = calloc(1, sizeof(*r));
	uint8_t key[SIPHASH_KEY_BYTES];

	if (r == NULL)
		return NULL;
	if (self_init(&r->self, listeners, n_listeners) < 0 ||
		getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key)) {
		free(r);
		errno = EINVAL;
		return NULL;
	}
	r->fallback_key = siphash_key_from(key);
	r->worker = worker;
	r->counters = counters;
	relay_set_policy(r, NULL, NULL);
	return r;
}

void relay_free(struct relay *r)
{
	free(r);
}

void relay_set_policy(struct relay *r, struct decider *decider, const struct image *image)
{
	r->decider = image != NULL ? decider : NULL;
	r->image = decider != NULL ? image : NULL;
	if (r->image != NULL) {
		r->body_bytes_max = image_info(image)->body_bytes_max;
		r->stamp = image_stamp(image);
		stamp_prepare(r);
		marks_init(&r->marks, &image_info(image)->relay_key);
	} else {
		r->body_bytes_max = UINT32_MAX;
		r->stamp = VIEW_NONE;
		marks_init(&r->marks, &r->fallback_key);
	}
}

static void finish(struct relay *r, struct job *job, enum reason reason)
{
	job->out->reason = reason;
	r->counters[reason]++;
}

// Before policy an ACK ends as an ACK, whatever was wrong with it.
static void refuse_early(struct relay *r, struct job *job, enum reason reason)
{
	answer_refusal(r, job, reason, IMAGE_RULE_NONE);
	finish(r, job, job->message.method == SIP_M_ACK ? REASON_sip_ack_malformed : reason);
}

static void refuse(struct relay *r, struct job *job, enum reason reason, image_rule_id rule)
{
	answer_refusal(r, job, reason, rule);
	finish(r, job, reason);
}

static uint64_t loop_digest(const struct relay *r, const struct job *job)
{
	const struct request *rq = &job->request;
	const struct marks_loop input = {
		.request_uri = sip_view(rq->m, rq->m->request_uri),
		.target = rq->routes.any ? rq->route.uri_text : VIEW_NONE,
		.call_id = rq->call_id,
		.from_tag = rq->from.tag,
		.cseq = rq->cseq.number,
		.side = r->self.list[job->in->listener].side,
	};

	return marks_loop(&r->marks, &input);
}

// memmem() builds a table for a needle that long. This one's first byte is rare enough.
static bool contains(struct view hay, struct view needle)
{
	const uint8_t *at = hay.at, *end = hay.at + hay.len;

	while ((size_t)(end - at) >= needle.len) {
		at = memchr(at, needle.at[0], (size_t)(end - at) - needle.len + 1);
		if (at == NULL)
			return false;
		if (memcmp(at, needle.at, needle.len) == 0)
			return true;
		at++;
	}
	return false;
}

// RFC 3261 §16.3 step 4: the request has been here, and nothing that decides its way has changed
// since. Nobody without the key can write that digest, so it need not be parsed out of its Via.
static bool has_looped(const struct job *job)
{
	const struct sip_message *m = &job->message;
	uint8_t bytes[sizeof(";" MARKS_LOOP_PARAM) + TEXT_HEX64_BYTES];
	struct text param = text_over(bytes, sizeof(bytes));

	text_add(&param, VIEW(";" MARKS_LOOP_PARAM "="));
	text_add_hex64(&param, job->loop);
	for (const struct sip_header *h = sip_header_first(m, SIP_H_VIA); h != NULL;
		h = sip_header_next(m, h)) {
		if (contains(sip_view(m, h->value), text_view(&param)))
			return true;
	}
	return false;
}

// OPTIONS to the relay itself: its address, no user, nothing further in Route.
static bool is_for_relay(const struct relay *r, const struct request *rq)
{
	return rq->m->method == SIP_M_OPTIONS && !rq->routes.any && rq->target->user.len == 0 &&
		self_is(&r->self, rq->target);
}

// Empty for a URI whose host is no name. Brackets may hold what ip_parse() does not take (RFC 5118
// §4.10).
static struct view domain_of(const struct sip_uri *uri)
{
	if (uri->scheme == SIP_SCHEME_OTHER || uri->ip.family != IP_NONE || uri->host.len == 0 ||
		uri->host.at[0] == '[')
		return VIEW_NONE;
	return uri->host;
}

// Puts the request to the policy. REASON_none; or why there is nothing to judge.
static enum reason ask(struct relay *r, struct job *job)
{
	const struct listener *in = &r->self.list[job->in->listener];
	const struct request *rq = &job->request;
	struct policy_query *query = &r->queries[r->n_asked];

	// A partner's address is no proof where one is asked for; a server of ours may have no
	// other.
	if (in->local.transport == TRANSPORT_TLS && in->side == SIDE_OUTSIDE &&
		job->in->card == NULL)
		return REASON_identity_unproved;
	query->from = domain_of(&rq->from.uri);
	if (query->from.len == 0)
		return REASON_from_no_domain;
	query->to = domain_of(rq->target);
	if (query->to.len == 0)
		query->to = domain_of(&rq->to.uri);
	if (query->to.len == 0)
		return REASON_to_no_domain;
	query->side = in->side;
	query->source = job->in->source.ip;
	query->card = job->in->card;
	query->card_serial = job->in->card_serial;
	r->asked[r->n_asked++] = job;
	return REASON_none;
}

// All checks before policy, in the order of §16.3.
static enum reason check_request(struct relay *r, struct job *job)
{
	struct request *rq = &job->request;
	enum reason fault = request_check(rq);

	if (fault == REASON_none)
		fault = request_route(rq, &r->self);
	if (fault != REASON_none)
		return fault;
	job->loop = loop_digest(r, job);
	if (has_looped(job))
		return REASON_sip_loop;
	if (sip_header_first(&job->message, SIP_H_PROXY_REQUIRE) != NULL)
		return REASON_sip_proxy_require;
	if (job_body_bytes(job) > r->body_bytes_max)
		return REASON_sip_body_too_large;
	return REASON_none;
}

static bool is_ack_to_refusal(const struct relay *r, const struct request *rq)
{
	return rq->m->method == SIP_M_ACK && rq->has_to && rq->to.tag.len == MARKS_TAG_BYTES &&
		marks_tag_is(rq->to.tag,
			marks_tag(&r->marks, rq->call_id, rq->from.tag, rq->cseq.number));
}

static void read_request(struct relay *r, struct job *job, enum reason fault)
{
	struct request *rq = &job->request;
	enum reason identified = request_identify(rq, &job->message);

	if (fault == REASON_none)
		fault = identified;
	if (fault == REASON_none && is_ack_to_refusal(r, rq)) {
		finish(r, job, REASON_sip_ack_absorbed);
		return;
	}
	if (fault == REASON_none)
		fault = check_request(r, job);
	if (fault != REASON_none) {
		refuse_early(r, job, fault);
		return;
	}
	if (r->decider == NULL) {
		refuse(r, job, REASON_no_policy, IMAGE_RULE_NONE);
		return;
	}
	if (is_for_relay(r, rq)) {
		answer_ok(r, job);
		finish(r, job, REASON_sip_options_answered);
		return;
	}
	fault = ask(r, job);
	if (fault != REASON_none)
		refuse(r, job, fault, IMAGE_RULE_NONE);
}

// RFC 5626 §3.5.1: over UDP nobody waits for an answer to it.
static bool is_keepalive(struct view payload)
{
	for (size_t i = 0; i < payload.len; i++) {
		if (payload.at[i] != '\r' && payload.at[i] != '\n')
			return false;
	}
	return payload.len > 0;
}

enum reason relay_read(struct relay *r, unsigned i, struct view bytes, size_t *n_bytes)
{
	struct job *job = &r->jobs[i];
	enum reason fault = sip_message_parse(bytes, SIP_STREAM, &job->message);

	job->fault = (uint16_t)fault;
	*n_bytes = job->message.bytes.len;
	return fault;
}

uint32_t relay_read_head(struct relay *r, unsigned i, struct view head)
{
	struct job *job = &r->jobs[i];

	job->fault = (uint16_t)sip_message_parse(head, SIP_HEAD, &job->message);
	return job->message.has_length ? job->message.content_length : 0;
}

// Stage one: what kind of message it is. Everything but an acceptable request ends here.
static void read_message(struct relay *r, struct job *job)
{
	struct sip_message *m = &job->message;
	enum reason fault = job->fault;

	job->out->len = 0;
	job->out->conn = 0;
	job->out->again = false;
	if (!job->in->is_read && is_keepalive(job->in->payload)) {
		finish(r, job, REASON_sip_keepalive);
		return;
	}
	if (!job->in->is_read)
		fault = sip_message_parse(job->in->payload, SIP_DATAGRAM, m);
	else if (fault != REASON_sip_not_sip && job->in->fault != REASON_none)
		fault = job->in->fault;
	if (fault == REASON_sip_not_sip)
		finish(r, job, fault);
	else if (m->is_request)
		read_request(r, job, fault);
	else
		finish(r, job,
			fault == REASON_none ? response_relay(r, job)
					     : REASON_sip_response_malformed);
}

// A name that does not decide where a request goes: its block counts all the same.
static bool name_is_blocked(struct relay *r, const struct sip_uri *uri,
	const struct policy_query *query, struct match *match)
{
	struct view name = domain_of(uri);

	// Mostly it is the same as the one that does, in the same spelling.
	if (name.len == 0 || view_equal(name, query->to) || view_equal_nocase(name, query->to))
		return false;
	return policy_blocks(r->decider, name, match);
}

// Behind a Route the Request-URI says where a request goes in the end, and To what it was first
// meant for.
static bool end_is_blocked(struct relay *r, const struct job *job, const struct policy_query *query,
	struct match *match)
{
	const struct request *rq = &job->request;
	const struct sip_uri *uri = rq->new_uri.len > 0 ? &rq->taken : &rq->uri;

	return (uri != rq->target && name_is_blocked(r, uri, query, match)) ||
		name_is_blocked(r, &rq->to.uri, query, match);
}

// Stage three: a judged request has a next hop, or its refusal leaves.
static void settle(struct relay *r, struct job *job, const struct policy_query *query,
	const struct verdict *verdict)
{
	struct match match;
	enum reason fault;

	if (!verdict->allowed) {
		refuse(r, job, verdict->reason, verdict->rule);
		return;
	}
	if (end_is_blocked(r, job, query, &match)) {
		refuse(r, job, REASON_to_blocked, match.rule);
		return;
	}
	job->pair_hash = verdict->pair_hash;
	job->sender_hash = verdict->from.domain_hash;
	job->to_hash = verdict->to.domain_hash;
	job->to = query->to;
	job->own_peer = verdict->from.list == IMAGE_LOCAL ? verdict->from.peer : verdict->to.peer;
	fault = forward_route(r, job, verdict, query->to);
	if (fault != REASON_none) {
		refuse(r, job, fault, verdict->rule);
		return;
	}
	r->rules[r->n_leaving] = verdict->rule;
	r->leaving[r->n_leaving++] = job;
}

// The buffer that a job is written to lay with the device until now.
static void prefetch_out(const struct job *job)
{
	size_t n_bytes = job->in->payload.len + WRITTEN_MORE_BYTES;

	if (n_bytes > job->out->room)
		n_bytes = job->out->room;
	for (size_t at = 0; at < n_bytes; at += CACHE_LINE_BYTES)
		__builtin_prefetch(job->out->bytes + at, 1);
}

// Stage four: what leaves is written.
static void write_leaving(struct relay *r)
{
	unsigned n = r->n_leaving;

	for (unsigned i = 0; i < n && i < WRITE_AHEAD; i++)
		prefetch_out(r->leaving[i]);
	for (unsigned i = 0; i < n; i++) {
		enum reason reason;

		if (i % MARKS_AT_ONCE == 0)
			forward_mark(
				r, r->leaving + i, n - i < MARKS_AT_ONCE ? n - i : MARKS_AT_ONCE);
		if (i + WRITE_AHEAD < n)
			prefetch_out(r->leaving[i + WRITE_AHEAD]);
		reason = forward_write(r, r->leaving[i]);
		if (reason == REASON_sip_request_relayed)
			finish(r, r->leaving[i], reason);
		else
			refuse(r, r->leaving[i], reason, r->rules[i]);
	}
}

void relay_burst(struct relay *r, const struct relay_in in[], struct relay_out out[], unsigned n)
{
	r->n_asked = 0;
	r->n_leaving = 0;
	for (unsigned i = 0; i < n; i++) {
		struct job *job = &r->jobs[i];

		job->in = &in[i];
		job->out = &out[i];
		read_message(r, job);
	}
	if (r->n_asked == 0)
		return;
	policy_decide(r->decider, r->queries, r->verdicts, r->n_asked);
	for (unsigned i = 0; i < r->n_asked; i++)
		settle(r, r->asked[i], &r->queries[i], &r->verdicts[i]);
	write_leaving(r);
}
