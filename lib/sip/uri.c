// SPDX-License-Identifier: BSD-3-Clause

#include "lib/sip/uri.h"

#include <errno.h>

#include "lib/sip/lex.h"

// Every '%' begins "%" HEX HEX.
static bool escapes_are_whole(struct view v)
{
	for (size_t i = 0; i < v.len; i++) {
		if (v.at[i] != '%')
			continue;
		if (v.len - i < 3 || !lex_is(v.at[i + 1], LEX_HEX) || !lex_is(v.at[i + 2], LEX_HEX))
			return false;
	}
	return true;
}

static enum transport transport_of(struct view name)
{
	if (view_equal_nocase(name, VIEW("udp")))
		return TRANSPORT_UDP;
	if (view_equal_nocase(name, VIEW("tcp")))
		return TRANSPORT_TCP;
	return view_equal_nocase(name, VIEW("tls")) ? TRANSPORT_TLS : TRANSPORT_NONE;
}

// The part before '@', if there is one, from offset at on. Where the host begins; 0 if malformed.
static size_t parse_user(struct sip_uri *u, struct lex *x, size_t at)
{
	size_t colon = 0;
	struct lex start = *x;
	bool escapes = false;

	for (; lex_is(x->c, LEX_USER) || x->c == ':'; lex_step(x)) {
		if (x->c == ':' && colon == 0)
			colon = x->pos;
		escapes |= x->c == '%';
	}
	if (x->c != '@') {
		*x = start;
		return at;
	}
	u->user = lex_view(x, at, colon != 0 ? colon : x->pos);
	if (u->user.len == 0 || (escapes && !escapes_are_whole(lex_view(x, at, x->pos))))
		return 0;
	at = x->pos + 1;
	lex_step(x);
	return at;
}

// A literal address is one; a name whose last label begins with a digit is none (toplabel).
static bool parse_dotted(struct sip_uri *u)
{
	const uint8_t *dot;
	struct view host = u->host;

	if (!lex_is_digit(host.at[host.len - 1]))
		return true;
	dot = memrchr(host.at, '.', host.len);
	if (!lex_is_digit(dot != NULL ? dot[1] : host.at[0]))
		return true;
	return ip_parse(host, &u->ip) == 0 && u->ip.family == IP_V4;
}

// host [":" port] from offset at on.
static int parse_hostport(struct sip_uri *u, struct lex *x, size_t at)
{
	uint32_t port;
	size_t end;

	if (x->c == '[' && x->pos == at) {
		end = lex_skip_ipv6(x, &u->ip);
		if (end == 0 || end != x->pos)
			return -EINVAL;
		u->host = lex_view(x, at, end);
	} else {
		end = lex_skip_class(x, LEX_HOST);
		u->host = lex_view(x, at, end);
		if (end == at || u->host.at[0] == '.' || u->host.at[0] == '-' || !parse_dotted(u))
			return -EINVAL;
	}
	if (x->c != ':')
		return 0;
	lex_step(x);
	if (!lex_number(lex_view(x, end + 1, x->pos), UINT16_MAX, &port) || port == 0 ||
		port > UINT16_MAX)
		return -EINVAL;
	u->port = (uint16_t)port;
	return 0;
}

static void note_param(struct sip_uri *u, struct view name, struct view value)
{
	if (view_equal_nocase(name, VIEW("lr")))
		u->has_lr = true;
	else if (view_equal_nocase(name, VIEW("transport")) && value.at != NULL)
		u->transport = (uint8_t)transport_of(value);
}

// *(";" pname ["=" pvalue])
static int parse_params(struct sip_uri *u, struct lex *x)
{
	size_t start = x->pos, from, to;
	struct view name, value;
	bool escapes = false;

	while (x->c == ';') {
		from = x->pos + 1;
		do {
			lex_step(x);
			escapes |= x->c == '%';
		} while (lex_is(x->c, LEX_URI_PARAM));
		to = x->pos;
		name = lex_view(x, from, to);
		value = VIEW_NONE;
		if (x->c == '=') {
			do {
				lex_step(x);
				escapes |= x->c == '%';
			} while (lex_is(x->c, LEX_URI_PARAM) || x->c == '=');
			value = lex_view(x, to + 1, x->pos);
		}
		if (name.len == 0 || (value.at != NULL && value.len == 0))
			return -EINVAL;
		note_param(u, name, value);
	}
	u->params = lex_view(x, start, x->pos);
	return escapes && !escapes_are_whole(u->params) ? -EINVAL : 0;
}

// "?" header *("&" header), header = hname "=" hvalue
static int parse_headers(struct sip_uri *u, struct lex *x)
{
	size_t from = x->pos + 1;

	do
		lex_step(x);
	while (lex_is(x->c, LEX_URI_PARAM) || x->c == '=' || x->c == '?');
	u->headers = lex_view(x, from, x->pos);
	return u->headers.len > 0 && escapes_are_whole(u->headers) ? 0 : -EINVAL;
}

// absoluteURI (RFC 3261 §25.1), as far as it could do harm: what stands in it must be visible.
static int parse_other(struct sip_uri *u, size_t colon)
{
	size_t i;

	if (!((u->text.at[0] | 0x20) >= 'a' && (u->text.at[0] | 0x20) <= 'z') ||
		colon + 1 == u->text.len)
		return -EINVAL;
	for (i = 0; i < colon; i++) {
		if (!lex_is(u->text.at[i], LEX_SCHEME))
			return -EINVAL;
	}
	for (; i < u->text.len; i++) {
		if (u->text.at[i] <= ' ' || u->text.at[i] == 0x7f || u->text.at[i] == '<' ||
			u->text.at[i] == '>' || u->text.at[i] == '"')
			return -EINVAL;
	}
	return escapes_are_whole(u->text) ? 0 : -EINVAL;
}

static bool is_sip(struct sip_uri *u)
{
	if (view_equal_nocase(u->scheme_text, VIEW("sip")))
		u->scheme = SIP_SCHEME_SIP;
	else if (view_equal_nocase(u->scheme_text, VIEW("sips")))
		u->scheme = SIP_SCHEME_SIPS;
	return u->scheme != SIP_SCHEME_OTHER;
}

int sip_uri_parse(struct view text, struct sip_uri *out)
{
	struct lex x;
	size_t at;

	*out = (struct sip_uri){.text = text};
	lex_init(&x, text);
	at = lex_skip_class(&x, LEX_SCHEME);
	if (x.c != ':' || at == 0)
		return -EINVAL;
	out->scheme_text = lex_view(&x, 0, at);
	if (!is_sip(out))
		return parse_other(out, at);
	lex_step(&x);
	at = parse_user(out, &x, at + 1);
	if (at == 0 || parse_hostport(out, &x, at) < 0)
		return -EINVAL;
	if (x.c == ';' && parse_params(out, &x) < 0)
		return -EINVAL;
	if (x.c == '?' && parse_headers(out, &x) < 0)
		return -EINVAL;
	return x.pos == text.len ? 0 : -EINVAL;
}

struct view sip_param_find(struct view params, struct view name)
{
	struct lex_param param;
	struct lex x;

	lex_init(&x, params);
	if (lex_skip_space(&x, 0) != x.pos)
		return VIEW_NONE;
	while (lex_param_next(&x, &param) > 0) {
		if (!view_equal_nocase(param.name, name))
			continue;
		return param.value.at != NULL ? param.value : view_of(param.name.at, 0);
	}
	return VIEW_NONE;
}
