// SPDX-License-Identifier: BSD-3-Clause
// Via (RFC 3261 §20.42, §25.1; rport: RFC 3581).

#include "lib/sip/value_read.h"

static enum transport transport_of(struct view name)
{
	if (LEX_NAME_IS(name, "udp"))
		return TRANSPORT_UDP;
	if (LEX_NAME_IS(name, "tcp"))
		return TRANSPORT_TCP;
	return LEX_NAME_IS(name, "tls") ? TRANSPORT_TLS : TRANSPORT_NONE;
}

// token SLASH from offset at on, to behind the slash and white space; 0 if malformed.
LEX_INLINE size_t skip_protocol_part(struct lex *x, size_t at)
{
	size_t end = lex_skip_class(x, LEX_TOKEN);

	if (end == at || !lex_follows_space(x, end) || x->c != '/')
		return 0;
	at = x->pos + 1;
	lex_step(x);
	return lex_skip_space(x, at);
}

// sent-protocol = protocol-name SLASH protocol-version SLASH transport. The first two may be any
// token: what a hop before us spoke is no reason to refuse. Where sent-by begins, 0 if malformed.
LEX_INLINE size_t parse_protocol(struct sip_via *v, struct lex *x)
{
	size_t at, end;

	// What nearly everybody writes; both slashes are special.
	if (x->len > 8 && memcmp(x->at, "SIP/2.0/", 8) == 0) {
		lex_step(x);
		lex_step(x);
		at = lex_skip_space(x, 8);
	} else if ((at = skip_protocol_part(x, 0)) != 0)
		at = skip_protocol_part(x, at);
	if (at == 0)
		return 0;
	end = lex_skip_class(x, LEX_TOKEN);
	if (end == at || !lex_is_space(x->c))
		return 0;
	v->transport_text = lex_view(x, at, end);
	v->transport = (uint8_t)transport_of(lex_view(x, at, end));
	return lex_skip_space(x, end);
}

// sent-by = host [COLON port] from offset at on.
LEX_INLINE int parse_sent_by(struct sip_via *v, struct lex *x, size_t at)
{
	struct ip_addr ip;
	uint32_t port;
	size_t end, from;

	if (x->c == '[' && x->pos == at) {
		end = lex_skip_ipv6(x, &ip);
		if (end == 0)
			return -EINVAL;
	} else {
		end = lex_skip_class(x, LEX_HOST);
	}
	v->host = lex_view(x, at, end);
	v->sent_by = lex_view(x, at, end);
	if (end == at || !lex_follows_space(x, end))
		return -EINVAL;
	if (x->c != ':')
		return 0;
	from = x->pos + 1;
	lex_step(x);
	from = lex_skip_space(x, from);
	end = x->pos;
	if (!lex_number(lex_view(x, from, end), UINT16_MAX, &port) || port == 0 ||
		port > UINT16_MAX)
		return -EINVAL;
	v->port = (uint16_t)port;
	v->sent_by = lex_view(x, at, end);
	return lex_follows_space(x, end) ? 0 : -EINVAL;
}

// Twice the same parameter: whoever takes the other one sends elsewhere.
LEX_INLINE int set_once(struct view *field, const struct lex_param *param)
{
	if (field->at != NULL || param->value.at == NULL)
		return -EINVAL;
	*field = param->value;
	return 0;
}

LEX_INLINE int note_param(struct sip_via *v, const struct lex_param *param)
{
	if (LEX_NAME_IS(param->name, "branch"))
		return set_once(&v->branch, param);
	if (LEX_NAME_IS(param->name, "received"))
		return set_once(&v->received, param);
	if (LEX_NAME_IS(param->name, "rport")) {
		if (v->has_rport)
			return -EINVAL;
		v->has_rport = true;
		v->rport = param->value;
	}
	return 0;
}

// Field by field, for speed, as in uri.c.
LEX_INLINE void clear(struct sip_via *v)
{
	v->branch = VIEW_NONE;
	v->received = VIEW_NONE;
	v->rport = VIEW_NONE;
	v->port = 0;
	v->transport = TRANSPORT_NONE;
	v->has_rport = false;
}

// One value from the start of the text, m as in lex_start(). The offset of its end or of the comma
// there; 0 if malformed.
static size_t parse(struct view text, const struct sip_message *m, struct sip_via *v)
{
	struct lex x = lex_start(text, m);
	struct lex_param param;
	size_t at, params;

	clear(v);
	at = parse_protocol(v, &x);
	if (at == 0 || parse_sent_by(v, &x, at) < 0)
		return 0;
	params = x.pos;
	while (x.c == ';') {
		if (lex_param(&x, &param) < 0 || note_param(v, &param) < 0)
			return 0;
	}
	for (at = x.pos; lex_is_space(x.at[at - 1]);)
		at--;
	v->text = lex_view(&x, 0, at);
	v->params = at > params ? lex_view(&x, params, at) : lex_view(&x, at, at);
	return x.pos == x.len || x.c == ',' ? x.pos : 0;
}

int sip_via_parse(struct view value, struct sip_via *out)
{
	size_t end = parse(value, NULL, out);

	return end != 0 && end == value.len ? 0 : -EINVAL;
}

int sip_vias_next(struct sip_values *it, struct sip_via *out, struct sip_value *where)
{
	size_t end;

	if (it->h == NULL)
		return 0;
	end = parse(sip_values_rest(it), it->m, out);
	return end != 0 ? sip_values_took(it, end, where) : -EINVAL;
}

int sip_top_via(const struct sip_message *m, struct sip_via *out, struct sip_value *where)
{
	struct sip_values it = sip_values_of(m, SIP_H_VIA);

	return it.h == NULL ? -ENOENT : sip_vias_next(&it, out, where) > 0 ? 0 : -EINVAL;
}
