// SPDX-License-Identifier: BSD-3-Clause
// name-addr and addr-spec (RFC 3261 §25.1).

#include <errno.h>

#include "lib/sip/uri_read.h"
#include "lib/sip/value.h"

// A quoted string or *(token LWS), to the '<' where the lexer is left. False for neither, or for a
// value that begins with its URI.
LEX_INLINE bool read_display(struct sip_address *a, struct lex *x)
{
	size_t end = 0;

	if (x->c == '"' && x->pos == 0) {
		end = lex_skip_quoted(x);
		if (end == 0 || lex_skip_space(x, end) != x->pos)
			return false;
	} else {
		while (lex_is(x->c, LEX_TOKEN) || lex_is_space(x->c))
			lex_step(x);
		for (end = x->pos; end > 0 && lex_is_space(x->at[end - 1]);)
			end--;
	}
	a->display = end > 0 ? lex_view(x, 0, end) : VIEW_NONE;
	return x->c == '<';
}

// Where the URI ends and what may stand around it. The offset behind it, 0 if malformed.
LEX_INLINE size_t read_uri(struct sip_address *a, struct lex *x)
{
	struct lex start = *x;
	size_t from;

	if (!read_display(a, x)) {
		a->display = VIEW_NONE;
		*x = start;
		if (sip_uri_read(x, 0, SIP_URI_BARE, &a->uri) < 0)
			return 0;
		a->uri_text = lex_view(x, 0, x->pos);
		return x->pos;
	}
	from = x->pos + 1;
	lex_step(x);
	if (sip_uri_read(x, from, SIP_URI_ENCLOSED, &a->uri) < 0 || x->c != '>')
		return 0;
	a->uri_text = lex_view(x, from, x->pos);
	from = x->pos + 1;
	lex_step(x);
	return from;
}

LEX_INLINE int read_params(struct sip_address *a, struct lex *x, size_t from)
{
	struct lex_param param;

	a->tag = VIEW_NONE;
	from = lex_skip_space(x, from);
	a->params = lex_view(x, from, x->len);
	while (x->c == ';' && x->pos == from) {
		if (lex_param(x, &param) < 0)
			return -EINVAL;
		from = x->pos;
		if (!LEX_NAME_IS(param.name, "tag"))
			continue;
		// RFC 3261 §20.20, §20.39: one tag, a token.
		if (a->tag.at != NULL || !param.is_token)
			return -EINVAL;
		a->tag = param.value;
	}
	return from == x->len ? 0 : -EINVAL;
}

int sip_address_parse(struct view value, struct sip_address *out)
{
	struct lex x = lex_of(value);
	size_t at = read_uri(out, &x);

	return at != 0 ? read_params(out, &x, at) : -EINVAL;
}
