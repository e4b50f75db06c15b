// SPDX-License-Identifier: BSD-3-Clause
// name-addr and addr-spec (RFC 3261 §25.1).

#include <errno.h>

#include "lib/sip/lex.h"
#include "lib/sip/value.h"

// display-name and "<"; where the URI begins, 0 if malformed.
static size_t parse_display(struct sip_address *a, struct lex *x)
{
	size_t end = 0, from;

	if (x->c == '"' && x->pos == 0) {
		end = lex_skip_quoted(x);
		if (end == 0)
			return 0;
		a->display = lex_view(x, 0, end);
		if (lex_skip_space(x, end) != x->pos)
			return 0;
	} else {
		// White space steps too: the tokens between it are plain or of their class.
		while (lex_is(x->c, LEX_TOKEN) || lex_is_space(x->c))
			lex_step(x);
		for (end = x->pos; end > 0 && lex_is_space(x->at[end - 1]);)
			end--;
		a->display = end > 0 ? lex_view(x, 0, end) : VIEW_NONE;
	}
	if (x->c != '<')
		return 0;
	from = x->pos + 1;
	lex_step(x);
	return from;
}

static int parse_params(struct sip_address *a, struct lex *x, size_t from)
{
	struct lex_param param;
	int rc;

	a->params = lex_view(x, from, from);
	if (lex_skip_space(x, from) != x->pos)
		return -EINVAL;
	if (x->pos < x->len)
		a->params = lex_view(x, x->pos, x->len);
	while ((rc = lex_param_next(x, &param)) > 0) {
		if (!view_equal_nocase(param.name, VIEW("tag")))
			continue;
		// RFC 3261 §20.20, §20.39: one tag, a token.
		if (a->tag.at != NULL || !lex_is_token(param.value))
			return -EINVAL;
		a->tag = param.value;
	}
	return rc;
}

int sip_address_parse(struct view value, struct sip_address *out)
{
	struct lex x;
	size_t from, to;

	*out = (struct sip_address){0};
	lex_init(&x, value);
	if (value.len > 0 && memchr(value.at, '<', value.len) != NULL) {
		from = parse_display(out, &x);
		if (from == 0)
			return -EINVAL;
		while (x.c != '>' && x.pos < x.len)
			lex_step(&x);
		if (x.pos == x.len)
			return -EINVAL;
		out->uri_text = lex_view(&x, from, x.pos);
		to = x.pos + 1;
		lex_step(&x);
	} else {
		// The first of them ends the URI; the latter two are then refused behind it.
		while (x.pos < x.len && x.c != ';' && x.c != ',' && x.c != '?' &&
			!lex_is_space(x.c))
			lex_step(&x);
		to = x.pos;
		out->uri_text = lex_view(&x, 0, to);
	}
	if (sip_uri_parse(out->uri_text, &out->uri) < 0)
		return -EINVAL;
	return parse_params(out, &x, to);
}
