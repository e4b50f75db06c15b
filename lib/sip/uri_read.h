// SPDX-License-Identifier: BSD-3-Clause
// The reader of a URI, on its own or within a larger value: inlined for the sources of lib/sip, so
// that their lexer stays in registers.

#pragma once

#include <errno.h>

#include "lib/sip/lex.h"
#include "lib/sip/uri.h"

enum sip_uri_place {
	SIP_URI_ENCLOSED, // in angle brackets, or on its own
	SIP_URI_BARE,     // an addr-spec: ',', ';' and '?' are not of it (RFC 3261 §20)
};

// Every '%' begins "%" HEX HEX.
static bool uri_escapes_are_whole(struct view v)
{
	for (size_t i = 0; i < v.len; i++) {
		if (v.at[i] != '%')
			continue;
		if (v.len - i < 3 || !lex_is(v.at[i + 1], LEX_HEX) || !lex_is(v.at[i + 2], LEX_HEX))
			return false;
	}
	return true;
}

static enum transport uri_transport_of(struct view name)
{
	if (LEX_NAME_IS(name, "udp"))
		return TRANSPORT_UDP;
	if (LEX_NAME_IS(name, "tcp"))
		return TRANSPORT_TCP;
	return LEX_NAME_IS(name, "tls") ? TRANSPORT_TLS : TRANSPORT_NONE;
}

// The part before '@', if there is one, from offset at on. Where the host begins; 0 if malformed.
LEX_INLINE size_t uri_read_user(struct sip_uri *u, struct lex *x, size_t at, enum lex_class class)
{
	struct lex start = *x;
	bool escapes = false;
	size_t colon = 0;

	for (; lex_is(x->c, class) || x->c == ':'; lex_step(x)) {
		if (x->c == ':' && colon == 0)
			colon = x->pos;
		escapes |= x->c == '%';
	}
	if (x->c != '@') {
		*x = start;
		return at;
	}
	u->user = lex_view(x, at, colon != 0 ? colon : x->pos);
	if (u->user.len == 0 || (escapes && !uri_escapes_are_whole(lex_view(x, at, x->pos))))
		return 0;
	at = x->pos + 1;
	lex_step(x);
	return at;
}

// A literal address is one; a name whose last label begins with a digit is none (toplabel).
static bool uri_read_dotted(struct sip_uri *u)
{
	struct view host = u->host;
	const uint8_t *dot = memrchr(host.at, '.', host.len);

	if (!lex_is_digit(dot != NULL ? dot[1] : host.at[0]))
		return true;
	return ip_parse(host, &u->ip) == 0 && u->ip.family == IP_V4;
}

LEX_INLINE int uri_read_port(struct sip_uri *u, struct lex *x)
{
	size_t from = x->pos + 1;
	uint32_t port;

	lex_step(x);
	if (!lex_number(lex_view(x, from, x->pos), UINT16_MAX, &port) || port == 0 ||
		port > UINT16_MAX)
		return -EINVAL;
	u->port = (uint16_t)port;
	return 0;
}

// host [":" port] from offset at on.
LEX_INLINE int uri_read_hostport(struct sip_uri *u, struct lex *x, size_t at)
{
	size_t end;

	if (x->c == '[' && x->pos == at) {
		end = lex_skip_ipv6(x, &u->ip);
		if (end == 0 || end != x->pos)
			return -EINVAL;
		u->host = lex_view(x, at, end);
	} else {
		end = lex_skip_class(x, LEX_HOST);
		if (end == at || x->at[at] == '.' || x->at[at] == '-')
			return -EINVAL;
		u->host = lex_view(x, at, end);
		if (lex_is_digit(x->at[end - 1]) && !uri_read_dotted(u))
			return -EINVAL;
	}
	return x->c == ':' ? uri_read_port(u, x) : 0;
}

LEX_INLINE void uri_note_param(struct sip_uri *u, struct view name, struct view value)
{
	if (LEX_NAME_IS(name, "lr"))
		u->has_lr = true;
	else if (LEX_NAME_IS(name, "transport") && value.at != NULL)
		u->transport = (uint8_t)uri_transport_of(value);
}

// *(";" pname ["=" pvalue])
LEX_INLINE int uri_read_params(struct sip_uri *u, struct lex *x)
{
	size_t start = x->pos, from;
	struct view name, value;
	bool escapes = false;

	while (x->c == ';') {
		from = x->pos + 1;
		do {
			lex_step(x);
			escapes |= x->c == '%';
		} while (lex_is(x->c, LEX_URI_PARAM));
		name = lex_view(x, from, x->pos);
		value = VIEW_NONE;
		if (x->c == '=') {
			from = x->pos + 1;
			do {
				lex_step(x);
				escapes |= x->c == '%';
			} while (lex_is(x->c, LEX_URI_PARAM) || x->c == '=');
			value = lex_view(x, from, x->pos);
		}
		if (name.len == 0 || (value.at != NULL && value.len == 0))
			return -EINVAL;
		uri_note_param(u, name, value);
	}
	u->params = lex_view(x, start, x->pos);
	return escapes && !uri_escapes_are_whole(u->params) ? -EINVAL : 0;
}

// "?" header *("&" header), header = hname "=" hvalue
LEX_INLINE int uri_read_headers(struct sip_uri *u, struct lex *x)
{
	size_t from = x->pos + 1;

	do
		lex_step(x);
	while (lex_is(x->c, LEX_URI_PARAM) || x->c == '=' || x->c == '?');
	u->headers = lex_view(x, from, x->pos);
	return u->headers.len > 0 && uri_escapes_are_whole(u->headers) ? 0 : -EINVAL;
}

static bool uri_is_scheme(struct view v)
{
	for (size_t i = 0; i < v.len; i++) {
		uint8_t lower = v.at[i] | 0x20;

		if (lower >= 'a' && lower <= 'z')
			continue;
		if (i == 0 ||
			(!lex_is_digit(v.at[i]) && v.at[i] != '+' && v.at[i] != '-' &&
				v.at[i] != '.'))
			return false;
	}
	return v.len > 0;
}

// absoluteURI (RFC 3261 §25.1), as far as it could do harm: what stands in it must be visible.
LEX_INLINE int uri_read_other(struct sip_uri *u, struct lex *x, enum sip_uri_place place)
{
	size_t from = x->pos + 1;
	struct view rest;

	do
		lex_step(x);
	while (x->c > ' ' && x->c != 0x7f && x->c != '<' && x->c != '>' && x->c != '"' &&
		(place == SIP_URI_ENCLOSED || (x->c != ',' && x->c != ';' && x->c != '?')));
	rest = lex_view(x, from, x->pos);
	return uri_is_scheme(u->scheme_text) && rest.len > 0 && uri_escapes_are_whole(rest)
		? 0
		: -EINVAL;
}

LEX_INLINE int uri_read_sip(struct sip_uri *u, struct lex *x, enum sip_uri_place place)
{
	size_t at = x->pos + 1;

	lex_step(x);
	at = uri_read_user(u, x, at, place == SIP_URI_BARE ? LEX_BARE_USER : LEX_USER);
	if (at == 0 || uri_read_hostport(u, x, at) < 0)
		return -EINVAL;
	if (place == SIP_URI_BARE)
		return 0;
	if (x->c == ';' && uri_read_params(u, x) < 0)
		return -EINVAL;
	return x->c == '?' ? uri_read_headers(u, x) : 0;
}

// Field by field, and no assignment's value used twice: for a structure of this size compilers
// write a string instruction, and a view that is copied from where its halves were just stored
// waits for both; either takes longer than all the rest.
LEX_INLINE void uri_clear(struct sip_uri *u)
{
	u->user = VIEW_NONE;
	u->host = VIEW_NONE;
	u->params = VIEW_NONE;
	u->headers = VIEW_NONE;
	memset(&u->ip, 0, sizeof(u->ip));
	u->port = 0;
	u->scheme = SIP_SCHEME_OTHER;
	u->transport = TRANSPORT_NONE;
	u->has_lr = false;
}

// Reads a URI from the offset on, where or before which the lexer stands, and leaves the lexer at
// the first byte that is not of the URI. 0, or -EINVAL.
LEX_INLINE int sip_uri_read(
	struct lex *x, size_t from, enum sip_uri_place place, struct sip_uri *out)
{
	size_t colon;
	int rc;

	uri_clear(out);
	while (x->c == '+')
		lex_step(x);
	colon = x->pos;
	out->text = VIEW_NONE;
	out->scheme_text = lex_view(x, from, colon);
	if (x->c != ':' || colon == from)
		return -EINVAL;
	if (LEX_NAME_IS(out->scheme_text, "sip"))
		out->scheme = SIP_SCHEME_SIP;
	else if (LEX_NAME_IS(out->scheme_text, "sips"))
		out->scheme = SIP_SCHEME_SIPS;
	rc = out->scheme != SIP_SCHEME_OTHER ? uri_read_sip(out, x, place)
					     : uri_read_other(out, x, place);
	out->text = lex_view(x, from, x->pos);
	return rc;
}
