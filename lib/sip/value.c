// SPDX-License-Identifier: BSD-3-Clause
// Lists, and the fields that hold one plain value.

#include "lib/sip/value.h"

#include <errno.h>

#include "lib/sip/lex.h"
#include "lib/sip/names.h"

struct sip_values sip_values_of(const struct sip_message *m, enum sip_header_id id)
{
	const struct sip_header *h = sip_header_first(m, id);

	return (struct sip_values){.m = m, .h = h, .at = h != NULL ? h->value.at : 0};
}

// The offset of the comma that ends a value, or of the end; beyond it on an open quote or bracket.
static size_t find_comma(struct view text)
{
	struct lex x;

	// Without any comma there is one value, and whoever parses it will judge its quotes.
	if (text.len == 0 || memchr(text.at, ',', text.len) == NULL)
		return text.len;
	x = lex_of(text);
	while (x.c != ',' && x.pos < x.len) {
		if (x.c == '"') {
			if (lex_skip_quoted(&x) == 0)
				return text.len + 1;
			continue;
		}
		if (x.c == '<') {
			while (x.c != '>' && x.pos < x.len)
				lex_step(&x);
			if (x.pos == x.len)
				return text.len + 1;
		}
		lex_step(&x);
	}
	return x.pos;
}

static struct sip_span trim(const uint8_t *bytes, size_t from, size_t to)
{
	while (from < to && lex_is_space(bytes[from]))
		from++;
	while (to > from && lex_is_space(bytes[to - 1]))
		to--;
	return (struct sip_span){(uint16_t)from, (uint16_t)(to - from)};
}

int sip_values_next(struct sip_values *it, struct sip_value *out)
{
	const struct sip_header *h = it->h;
	struct view rest;
	size_t end;

	if (h == NULL)
		return 0;
	rest = view_of(it->m->bytes.at + it->at, (size_t)h->value.at + h->value.len - it->at);
	end = find_comma(rest);
	if (end > rest.len)
		return -EINVAL;
	out->h = h;
	out->span = trim(it->m->bytes.at, it->at, it->at + end);
	if (out->span.len == 0)
		return -EINVAL;
	if (end < rest.len) {
		it->at = (uint16_t)(it->at + end + 1);
	} else {
		it->h = sip_header_next(it->m, h);
		it->at = it->h != NULL ? it->h->value.at : 0;
	}
	return 1;
}

// The value of a field that may stand once.
static int single(const struct sip_message *m, enum sip_header_id id, struct view *out)
{
	const struct sip_header *h = sip_header_first(m, id);

	if (h == NULL)
		return -ENOENT;
	if (h->next != 0)
		return -EINVAL;
	*out = sip_view(m, h->value);
	return 0;
}

static int address(const struct sip_message *m, enum sip_header_id id, struct sip_address *out)
{
	struct view value;
	int rc = single(m, id, &value);

	return rc < 0 ? rc : sip_address_parse(value, out);
}

int sip_from(const struct sip_message *m, struct sip_address *out)
{
	return address(m, SIP_H_FROM, out);
}

int sip_to(const struct sip_message *m, struct sip_address *out)
{
	return address(m, SIP_H_TO, out);
}

int sip_cseq(const struct sip_message *m, struct sip_cseq *out)
{
	struct view value;
	size_t digits = 0, method;
	int rc = single(m, SIP_H_CSEQ, &value);

	if (rc < 0)
		return rc;
	while (digits < value.len && lex_is_digit(value.at[digits]))
		digits++;
	for (method = digits; method < value.len && lex_is_space(value.at[method]);)
		method++;
	// RFC 3261 §8.1.1.5: less than 2**31.
	if (method == digits || !lex_number(view_of(value.at, digits), INT32_MAX, &out->number) ||
		out->number > INT32_MAX)
		return -EINVAL;
	out->method_text = view_of(value.at + method, value.len - method);
	if (!lex_is_token(out->method_text))
		return -EINVAL;
	out->method = (uint8_t)sip_method_find_within(out->method_text, m->bytes.at + m->bytes.len);
	return 0;
}

// callid = word [ "@" word ]
int sip_call_id(const struct sip_message *m, struct view *out)
{
	int rc = single(m, SIP_H_CALL_ID, out);
	struct lex x;
	size_t at;

	if (rc < 0)
		return rc;
	x = lex_of(*out);
	at = lex_skip_class(&x, LEX_WORD);
	if (x.c == '@' && at > 0 && at + 1 < x.len) {
		lex_step(&x);
		at = lex_skip_class(&x, LEX_WORD);
	}
	return at > 0 && at == x.len ? 0 : -EINVAL;
}

int sip_max_forwards(const struct sip_message *m, unsigned *out)
{
	struct view value;
	int rc = single(m, SIP_H_MAX_FORWARDS, &value);

	if (rc < 0)
		return rc;
	return lex_number(value, UINT8_MAX, out) && *out <= UINT8_MAX ? 0 : -EINVAL;
}

// Repeated with one and the same number it is still one length; sip_message_parse() has refused
// it with two.
int sip_content_length(const struct sip_message *m, uint32_t *out)
{
	const struct sip_header *h = sip_header_first(m, SIP_H_CONTENT_LENGTH);

	if (h == NULL)
		return -ENOENT;
	return lex_number(sip_view(m, h->value), UINT32_MAX - 1, out) ? 0 : -EINVAL;
}

// What follows a first token that ends at from: parameters, to the end.
LEX_INLINE int check_params(struct lex *x, size_t from)
{
	struct lex_param param;

	from = lex_skip_space(x, from);
	while (x->c == ';' && x->pos == from) {
		if (lex_param(x, &param) < 0)
			return -EINVAL;
		from = x->pos;
	}
	return from == x->len ? 0 : -EINVAL;
}

int sip_content_type(const struct sip_message *m, struct view *type, struct view *subtype)
{
	struct view value;
	struct lex x;
	size_t from, to;
	int rc = single(m, SIP_H_CONTENT_TYPE, &value);

	if (rc < 0)
		return rc;
	x = lex_of(value);
	to = lex_skip_class(&x, LEX_TOKEN);
	*type = lex_view(&x, 0, to);
	if (to == 0 || lex_skip_space(&x, to) != x.pos || x.c != '/')
		return -EINVAL;
	from = x.pos + 1;
	lex_step(&x);
	from = lex_skip_space(&x, from);
	to = lex_skip_class(&x, LEX_TOKEN);
	*subtype = lex_view(&x, from, to);
	return to > from ? check_params(&x, to) : -EINVAL;
}

int sip_event(const struct sip_message *m, struct view *package)
{
	struct view value;
	struct lex x;
	size_t to;
	int rc = single(m, SIP_H_EVENT, &value);

	if (rc < 0)
		return rc;
	x = lex_of(value);
	to = lex_skip_class(&x, LEX_TOKEN);
	*package = lex_view(&x, 0, to);
	return to > 0 ? check_params(&x, to) : -EINVAL;
}
