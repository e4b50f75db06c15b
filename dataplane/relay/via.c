// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/relay/via.h"

// The place of an rport without a value, which via.rport does not tell. As the first parameter or
// the last one it cannot be within a quoted string, and needs no search.
static const uint8_t *find_bare_rport(struct view params)
{
	static const char rport[] = ";rport";
	const size_t n = sizeof(rport) - 1;
	const uint8_t *last = params.at + params.len - n;

	if (params.len >= n && memcmp(last, rport, n) == 0)
		return last + 1;
	if (params.len > n && memcmp(params.at, rport, n) == 0 && params.at[n] == ';')
		return params.at + 1;
	return sip_param_find(params, VIEW("rport")).at;
}

static void set_rport(
	struct sip_edits *edits, struct text *text, const struct request *rq, uint16_t port)
{
	const struct sip_via *via = &rq->via;
	bool bare = via->rport.len == 0;
	const uint8_t *mark = text->at, *at = bare ? find_bare_rport(via->params) : via->rport.at;

	if (bare)
		text_add(text, VIEW("rport="));
	text_add_number(text, port);
	sip_edits_add(edits, (size_t)(at - rq->m->bytes.at),
		bare ? sizeof("rport") - 1 : via->rport.len, text_since(text, mark));
}

// In the place where it stands, or behind all other parameters.
static void set_received(
	struct sip_edits *edits, struct text *text, const struct request *rq, struct view ip)
{
	struct view old = rq->via.received;
	const uint8_t *mark = text->at;
	size_t at = (size_t)rq->via_at.span.at + rq->via_at.span.len;

	if (old.at != NULL)
		at = (size_t)(old.at - rq->m->bytes.at);
	else
		text_add(text, VIEW(";received="));
	text_add(text, ip);
	sip_edits_add(edits, at, old.len, text_since(text, mark));
}

// Nearly everybody writes rport without a value, as the last parameter: both become one edit.
static bool set_both(struct sip_edits *edits, struct text *text, const struct request *rq,
	uint16_t port, struct view ip)
{
	const struct sip_via *via = &rq->via;
	const size_t n = sizeof(";rport") - 1;
	size_t end = (size_t)rq->via_at.span.at + rq->via_at.span.len;
	const uint8_t *mark = text->at;

	if (via->rport.len > 0 || via->received.at != NULL || via->params.len < n ||
		via->params.at + via->params.len != rq->m->bytes.at + end ||
		memcmp(rq->m->bytes.at + end - n, ";rport", n) != 0)
		return false;
	text_add(text, VIEW("="));
	text_add_number(text, port);
	text_add(text, VIEW(";received="));
	text_add(text, ip);
	sip_edits_insert(edits, end, text_since(text, mark));
	return true;
}

static bool is_source(struct view host, const struct ip_addr *source, struct view source_text)
{
	struct ip_addr ip;

	if (source->family == IP_V4)
		return view_equal(host, source_text);
	if (host.len < 2 || host.at[0] != '[')
		return false;
	host = view_of(host.at + 1, host.len - 2);
	// IPv6 may be written in many ways.
	return view_equal_nocase(host, source_text) ||
		(ip_parse(host, &ip) == 0 && ip_equal(&ip, source));
}

void via_add_source(struct sip_edits *edits, struct text *text, const struct request *rq,
	const struct endpoint *source)
{
	const struct sip_via *via = &rq->via;
	char ip_text[IP_TEXT_BYTES];
	struct view ip = view_of(ip_text, ip_format(&source->ip, ip_text));

	if (via->has_rport && set_both(edits, text, rq, source->port, ip))
		return;
	if (via->has_rport)
		set_rport(edits, text, rq, source->port);
	// A received that is there was not written by us and would be believed by the next one.
	if (via->has_rport || via->received.at != NULL || !is_source(via->host, &source->ip, ip))
		set_received(edits, text, rq, ip);
}

struct endpoint via_response_address(const struct request *rq, const struct endpoint *source)
{
	struct endpoint to = *source;

	// maddr is not followed: it would let a sender aim responses at anybody.
	// rport is a datagram's way back: a connection's own port cannot be connected to.
	if (!rq->has_via || (rq->via.has_rport && source->transport == TRANSPORT_UDP))
		return to;
	to.port = rq->via.port != 0                  ? rq->via.port
		: source->transport == TRANSPORT_TLS ? 5061
						     : 5060;
	return to;
}
