// SPDX-License-Identifier: BSD-3-Clause

#include "lib/sip/lex.h"

#include <errno.h>

#define T LEX_TOKEN
#define W LEX_WORD
#define U LEX_USER
#define H LEX_HOST
#define P LEX_URI_PARAM
#define S LEX_SCHEME
#define V LEX_VALUE
#define X LEX_HEX

const uint8_t lex_classes[256] = {
	['0' ... '9'] = T | W | U | H | P | S | V | X,
	['A' ... 'F'] = T | W | U | H | P | S | V | X,
	['G' ... 'Z'] = T | W | U | H | P | S | V,
	['a' ... 'f'] = T | W | U | H | P | S | V | X,
	['g' ... 'z'] = T | W | U | H | P | S | V,
	['-'] = T | W | U | H | P | S | V,
	['.'] = T | W | U | H | P | S | V,
	['_'] = T | W | U | H | P | V,
	['+'] = T | W | U | P | S | V,
	['!'] = T | W | U | P | V,
	['~'] = T | W | U | P | V,
	['*'] = T | W | U | P | V,
	['\''] = T | W | U | P | V,
	['%'] = T | W | U | P | V,
	['`'] = T | W | V,
	['('] = W | U | P | V,
	[')'] = W | U | P | V,
	['/'] = W | U | P | V,
	['?'] = W | U | V,
	[':'] = W | U | P | V,
	['['] = W | P | V,
	[']'] = W | P | V,
	['{'] = W | V,
	['}'] = W | V,
	['<'] = W,
	['>'] = W,
	['"'] = W,
	['\\'] = W,
	['&'] = U | P | V,
	['$'] = U | P | V,
	['='] = U | V,
	[','] = U,
	[';'] = U,
	['#'] = V,
	['@'] = V,
	['^'] = V,
	['|'] = V,
	[0x80 ... 0xff] = H,
};

bool lex_is_token(struct view v)
{
	for (size_t i = 0; i < v.len; i++) {
		if (!lex_is(v.at[i], LEX_TOKEN))
			return false;
	}
	return v.len > 0;
}

size_t lex_skip_quoted(struct lex *x)
{
	size_t at;
	uint8_t c;

	lex_step(x);
	while (x->pos < x->len) {
		at = x->pos;
		c = x->c;
		lex_step(x);
		if (c == '"')
			return at + 1;
		// A quoted-pair: the byte behind the backslash says nothing.
		if (c == '\\' && x->pos == at + 1)
			lex_step(x);
	}
	return 0;
}

int lex_param_next(struct lex *x, struct lex_param *out)
{
	size_t from, to;

	if (x->c != ';')
		return x->pos == x->len ? 0 : -EINVAL;
	from = x->pos + 1;
	lex_step(x);
	from = lex_skip_space(x, from);
	to = lex_skip_class(x, LEX_TOKEN);
	if (to == from)
		return -EINVAL;
	*out = (struct lex_param){.name = lex_view(x, from, to)};
	to = lex_skip_space(x, to);
	if (x->pos != to)
		return -EINVAL;
	if (x->c != '=')
		return 1;
	lex_step(x);
	from = lex_skip_space(x, to + 1);
	if (x->c == '"' && x->pos == from) {
		to = lex_skip_quoted(x);
		if (to == 0)
			return -EINVAL;
	} else {
		to = lex_skip_class(x, LEX_VALUE);
	}
	if (to == from)
		return -EINVAL;
	out->value = lex_view(x, from, to);
	to = lex_skip_space(x, to);
	return x->pos == to ? 1 : -EINVAL;
}

size_t lex_skip_ipv6(struct lex *x, struct ip_addr *out)
{
	uint8_t repaired[IP_TEXT_BYTES];
	size_t from = x->pos + 1, end;
	const uint8_t *colons;
	struct view text;

	do
		lex_step(x);
	while (x->c == ':');
	text = lex_view(x, from, x->pos);
	if (x->c != ']' || text.len > sizeof(repaired))
		return 0;
	colons = memmem(text.at, text.len, ":::", 3);
	if (colons != NULL && memchr(colons, '.', (size_t)(text.at + text.len - colons)) != NULL) {
		from = (size_t)(colons - text.at);
		memcpy(repaired, text.at, from);
		memcpy(repaired + from, colons + 1, text.len - from - 1);
		text = view_of(repaired, text.len - 1);
	}
	if (ip_parse(text, out) < 0 || out->family != IP_V6)
		return 0;
	end = x->pos + 1;
	lex_step(x);
	return end;
}

bool lex_number(struct view text, uint32_t max, uint32_t *out)
{
	uint64_t value = 0;

	if (text.len == 0)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!lex_is_digit(text.at[i]))
			return false;
		value = value * 10 + (uint64_t)(text.at[i] - '0');
		if (value > max)
			value = (uint64_t)max + 1;
	}
	*out = (uint32_t)value;
	return true;
}
