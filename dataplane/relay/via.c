// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/relay/via.h"

// Sets a parameter of the top Via, in the place where it stands or behind all others.
static void set_param(struct sip_edits *edits, struct text *text, const struct request *rq,
	struct view name, struct view value)
{
	struct view old = sip_param_find(rq->via.params, name);
	const uint8_t *mark = text->at;
	size_t at = (size_t)rq->via_at.span.at + rq->via_at.span.len, cut = 0;

	if (old.at != NULL) {
		at = (size_t)(old.at - rq->m->bytes.at);
		// Without a value, what was found is the name.
		cut = old.len > 0 ? old.len : name.len;
	} else {
		text_add(text, VIEW(";"));
	}
	if (old.len == 0) {
		text_add(text, name);
		text_add(text, VIEW("="));
	}
	text_add(text, value);
	sip_edits_add(edits, at, cut, text_since(text, mark));
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

	// A received that is there was not written by us and would be believed by the next one.
	if (via->has_rport || via->received.at != NULL || !is_source(via->host, &source->ip, ip))
		set_param(edits, text, rq, VIEW("received"), ip);
	if (via->has_rport) {
		uint8_t digits[5];
		struct text port = text_over(digits, sizeof(digits));

		text_add_number(&port, source->port);
		set_param(edits, text, rq, VIEW("rport"), text_view(&port));
	}
}

struct endpoint via_response_address(const struct request *rq, const struct endpoint *source)
{
	struct endpoint to = *source;

	// maddr is not followed: it would let a sender aim responses at anybody.
	if (!rq->has_via || rq->via.has_rport)
		return to;
	to.port = rq->via.port != 0 ? rq->via.port : 5060;
	return to;
}
