// SPDX-License-Identifier: BSD-3-Clause
// Lists, and the fields that hold one plain value.

#include "lib/sip/value.h"

#include "lib/sip/names.h"
#include "lib/sip/value_read.h"

// On to the comma that ends a value, or to the end. False on an open quote or bracket.
LEX_INLINE bool skip_to_comma(struct lex *x)
{
	while (x->c != ',' && !lex_ended(x)) {
		if (x->c == '"') {
			if (lex_skip_quoted(x) == 0)
				return false;
			continue;
		}
		if (x->c == '<') {
			while (x->c != '>' && !lex_ended(x))
				lex_step(x);
			if (lex_ended(x))
				return false;
		}
		lex_step(x);
	}
	return true;
}

int sip_values_next(struct sip_values *it, struct sip_value *out)
{
	struct lex x;

	if (it->h == NULL)
		return 0;
	x = lex_start(sip_values_rest(it), it->m);
	return skip_to_comma(&x) ? sip_values_took(it, x.pos, out) : -EINVAL;
}

int sip_cseq(const struct sip_message *m, struct sip_cseq *out)
{
	struct sip_span span;
	size_t digits, method;
	struct lex x;
	int rc = sip_single_span(m, SIP_H_CSEQ, &span);

	if (rc < 0)
		return rc;
	x = lex_start(sip_view(m, span), m);
	digits = x.pos;
	method = lex_skip_space(&x, digits);
	// RFC 3261 §8.1.1.5: less than 2**31.
	if (method == digits || !lex_number(lex_view(&x, 0, digits), INT32_MAX, &out->number) ||
		out->number > INT32_MAX)
		return -EINVAL;
	out->method_text = lex_view(&x, method, x.len);
	if (method == x.len || lex_skip_class(&x, LEX_TOKEN) != x.len)
		return -EINVAL;
	out->method = (uint8_t)sip_method_find_within(out->method_text, m->bytes.at + m->bytes.len);
	return 0;
}

// callid = word [ "@" word ]
int sip_call_id(const struct sip_message *m, struct view *out)
{
	struct sip_span span;
	int rc = sip_single_span(m, SIP_H_CALL_ID, &span);
	struct lex x;
	size_t at;

	if (rc < 0)
		return rc;
	*out = sip_view(m, span);
	x = lex_start(*out, m);
	at = lex_skip_class(&x, LEX_WORD);
	if (x.c == '@' && at > 0 && at + 1 < x.len) {
		lex_step(&x);
		at = lex_skip_class(&x, LEX_WORD);
	}
	return at > 0 && at == x.len ? 0 : -EINVAL;
}

int sip_max_forwards(const struct sip_message *m, unsigned *out)
{
	struct sip_span span;
	int rc = sip_single_span(m, SIP_H_MAX_FORWARDS, &span);

	if (rc < 0)
		return rc;
	return lex_number(sip_view(m, span), UINT8_MAX, out) && *out <= UINT8_MAX ? 0 : -EINVAL;
}

// Repeated with one and the same number it is still one length; sip_message_parse() has refused
// it with two.
int sip_content_length(const struct sip_message *m, uint32_t *out)
{
	const struct sip_header *h = sip_header_first(m, SIP_H_CONTENT_LENGTH);

	if (h == NULL)
		return -ENOENT;
	*out = m->content_length;
	if (m->has_length)
		return 0;
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
	struct sip_span span;
	struct lex x;
	size_t from, to;
	int rc = sip_single_span(m, SIP_H_CONTENT_TYPE, &span);

	if (rc < 0)
		return rc;
	x = lex_start(sip_view(m, span), m);
	to = lex_skip_class(&x, LEX_TOKEN);
	*type = lex_view(&x, 0, to);
	if (to == 0 || !lex_follows_space(&x, to) || x.c != '/')
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
	struct sip_span span;
	struct lex x;
	size_t to;
	int rc = sip_single_span(m, SIP_H_EVENT, &span);

	if (rc < 0)
		return rc;
	x = lex_start(sip_view(m, span), m);
	to = lex_skip_class(&x, LEX_TOKEN);
	*package = lex_view(&x, 0, to);
	return to > 0 ? check_params(&x, to) : -EINVAL;
}
