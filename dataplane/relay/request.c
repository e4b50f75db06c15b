// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/relay/request.h"

#include <errno.h>

// Keeps the first fault.
static void note(enum reason *fault, int error)
{
	if (error == 0 || *fault != REASON_none)
		return;
	*fault = error == -ENOENT ? REASON_sip_missing_header : REASON_sip_bad_header;
}

static bool is_repeated(const struct sip_message *m, enum sip_header_id id)
{
	return m->first[id] != m->last[id];
}

enum reason request_identify(struct request *rq, const struct sip_message *m)
{
	enum reason fault = REASON_none;
	int error;

	rq->m = m;
	rq->new_uri = VIEW_NONE;
	rq->routes.any = false;
	rq->routes.front.h = NULL;
	rq->routes.back.h = NULL;
	error = sip_top_via(m, &rq->via, &rq->via_at);
	rq->has_via = error == 0;
	note(&fault, error);
	error = sip_to(m, &rq->to);
	rq->has_to = error == 0;
	note(&fault, error);
	error = sip_from(m, &rq->from);
	if (error < 0)
		rq->from.tag = VIEW_NONE;
	note(&fault, error);
	error = sip_call_id(m, &rq->call_id);
	if (error < 0)
		rq->call_id = VIEW_NONE;
	note(&fault, error);
	error = sip_cseq(m, &rq->cseq);
	if (error < 0)
		rq->cseq.number = 0;
	note(&fault, error);
	if (is_repeated(m, SIP_H_FROM) || is_repeated(m, SIP_H_TO) ||
		is_repeated(m, SIP_H_CALL_ID) || is_repeated(m, SIP_H_CSEQ) ||
		is_repeated(m, SIP_H_MAX_FORWARDS))
		fault = REASON_sip_duplicate_header;
	return fault;
}

enum reason request_check(struct request *rq)
{
	const struct sip_message *m = rq->m;
	int error = sip_max_forwards(m, &rq->max_forwards);

	// Step 1, reasonable syntax of what a proxy reads. Header fields in a Request-URI are not
	// allowed there (RFC 3261 §19.1.1); RFC 4475 §3.1.2.11 wants them refused or ignored.
	if (error == -EINVAL)
		return REASON_sip_bad_header;
	rq->has_max_forwards = error == 0;
	if (!view_equal(rq->cseq.method_text, sip_view(m, m->method_text)))
		return m->method == SIP_M_OTHER ? REASON_sip_method_mismatch
						: REASON_sip_cseq_mismatch;
	if (sip_request_uri(m, &rq->uri) < 0 || rq->uri.headers.len > 0)
		return REASON_sip_bad_uri;
	// Steps 2 and 3.
	if (rq->uri.scheme == SIP_SCHEME_OTHER)
		return REASON_sip_scheme;
	if (rq->has_max_forwards && rq->max_forwards == 0)
		return REASON_sip_max_forwards;
	rq->target = &rq->uri;
	return REASON_none;
}

// A Record-Route URI of ours: no user, this relay's host, lr.
static bool is_our_route(const struct self *self, const struct sip_uri *uri)
{
	return uri->has_lr && uri->user.len == 0 && self_is(self, uri);
}

// §16.4: a strict router put our Record-Route URI into the Request-URI and the Request-URI behind
// the other Route values. The last one goes back.
static enum reason take_last(struct request *rq)
{
	struct sip_values values = sip_values_of(rq->m, SIP_H_ROUTE);
	struct sip_value value, last = {.h = NULL}, before = {.h = NULL};
	struct sip_address address;
	int more;

	while ((more = sip_values_next(&values, &value)) > 0) {
		before = last;
		last = value;
	}
	if (more < 0)
		return REASON_sip_bad_header;
	if (last.h == NULL)
		return REASON_none;
	if (sip_address_parse(sip_view(rq->m, last.span), &address) < 0)
		return REASON_sip_bad_header;
	if (address.uri.scheme == SIP_SCHEME_OTHER)
		return REASON_sip_scheme;
	rq->new_uri = address.uri_text;
	rq->taken = address.uri;
	rq->target = &rq->taken;
	rq->routes.any = before.h != NULL;
	rq->routes.back = before;
	return REASON_none;
}

static bool is_same_value(const struct sip_value *a, const struct sip_value *b)
{
	return a->h == b->h && a->span.at == b->span.at;
}

// Leaves the first value that is not ours in front. All of ours go, both of a pair (RFC 5658) and
// several pairs where relays of ours met.
static enum reason take_ours(struct request *rq, const struct self *self)
{
	struct sip_values values = sip_values_of(rq->m, SIP_H_ROUTE);
	struct request_routes *routes = &rq->routes;
	struct sip_value value;
	int more;

	while ((more = sip_addresses_next(&values, &rq->route, &value)) > 0) {
		if (!self_is(self, &rq->route.uri)) {
			routes->front = value;
			routes->any = true;
			break;
		}
		if (routes->back.h != NULL && is_same_value(&value, &routes->back))
			break;
	}
	return more < 0 ? REASON_sip_bad_header : REASON_none;
}

enum reason request_route(struct request *rq, const struct self *self)
{
	enum reason fault;

	if (sip_header_first(rq->m, SIP_H_ROUTE) == NULL)
		return REASON_none;
	if (is_our_route(self, &rq->uri)) {
		fault = take_last(rq);
		if (fault != REASON_none)
			return fault;
		// The one Route there was is the Request-URI now.
		if (rq->new_uri.len > 0 && !rq->routes.any)
			return REASON_none;
	}
	rq->routes.any = false;
	fault = take_ours(rq, self);
	if (fault != REASON_none)
		return fault;
	if (rq->routes.any) {
		if (rq->route.uri.scheme == SIP_SCHEME_OTHER)
			return REASON_sip_scheme;
		rq->target = &rq->route.uri;
	}
	return REASON_none;
}
