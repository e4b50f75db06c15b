// SPDX-License-Identifier: BSD-3-Clause
// name-addr and addr-spec (RFC 3261 §25.1).

#include "lib/sip/uri_read.h"
#include "lib/sip/value_read.h"

// A quoted string or *(token LWS), to the '<' where the lexer is left. False for neither, or for a
// value that begins with its URI.
LEX_INLINE bool read_display(struct sip_address *a, struct lex *x)
{
	size_t end = 0;

	if (x->c == '"' && x->pos == 0) {
		end = lex_skip_quoted(x);
		if (end == 0 || !lex_follows_space(x, end))
			return false;
	} else {
		while (!lex_ended(x) && (lex_is(x->c, LEX_TOKEN) || lex_is_space(x->c)))
			lex_step(x);
		for (end = x->pos; end > 0 && lex_is_space(x->at[end - 1]);)
			end--;
	}
	a->display = end > 0 ? lex_view(x, 0, end) : VIEW_NONE;
	return x->c == '<';
}

// To the end or to a comma. The offset there, 0 if malformed.
LEX_INLINE size_t read_params(struct sip_address *a, struct lex *x, size_t from)
{
	struct lex_param param;
	size_t start, end;

	a->tag = VIEW_NONE;
	start = end = lex_skip_space(x, from);
	while (x->c == ';' && x->pos == end) {
		if (lex_param(x, &param) < 0)
			return 0;
		end = x->pos;
		if (!LEX_NAME_IS(param.name, "tag"))
			continue;
		// RFC 3261 §20.20, §20.39: one tag, a token.
		if (a->tag.at != NULL || !param.is_token)
			return 0;
		a->tag = param.value;
	}
	a->params = lex_view(x, start, end);
	return x->pos == end && (end == x->len || x->c == ',') ? end : 0;
}

static size_t parse_bare(struct view text, const struct sip_message *m, struct sip_address *a)
{
	struct lex x = lex_start(text, m);

	a->display = VIEW_NONE;
	if (sip_uri_read(&x, 0, SIP_URI_BARE, &a->uri) < 0)
		return 0;
	a->uri_text = lex_view(&x, 0, x.pos);
	return read_params(a, &x, x.pos);
}

// One value from the start of the text, m as in lex_start(). The offset of its end or of the comma
// there; 0 if malformed.
static size_t parse(struct view text, const struct sip_message *m, struct sip_address *a)
{
	struct lex x = lex_start(text, m);
	size_t from;

	if (!read_display(a, &x))
		return parse_bare(text, m, a);
	from = x.pos + 1;
	lex_step(&x);
	if (sip_uri_read(&x, from, SIP_URI_ENCLOSED, &a->uri) < 0 || x.c != '>')
		return 0;
	a->uri_text = lex_view(&x, from, x.pos);
	from = x.pos + 1;
	lex_step(&x);
	return read_params(a, &x, from);
}

int sip_address_parse(struct view value, struct sip_address *out)
{
	size_t end = parse(value, NULL, out);

	return end != 0 && end == value.len ? 0 : -EINVAL;
}

int sip_addresses_next(struct sip_values *it, struct sip_address *out, struct sip_value *where)
{
	size_t end;

	if (it->h == NULL)
		return 0;
	end = parse(sip_values_rest(it), it->m, out);
	return end != 0 ? sip_values_took(it, end, where) : -EINVAL;
}

static int single(const struct sip_message *m, enum sip_header_id id, struct sip_address *out)
{
	struct sip_span span;
	size_t end;
	int rc = sip_single_span(m, id, &span);

	if (rc < 0)
		return rc;
	end = parse(sip_view(m, span), m, out);
	return end != 0 && end == span.len ? 0 : -EINVAL;
}

int sip_from(const struct sip_message *m, struct sip_address *out)
{
	return single(m, SIP_H_FROM, out);
}

int sip_to(const struct sip_message *m, struct sip_address *out)
{
	return single(m, SIP_H_TO, out);
}
