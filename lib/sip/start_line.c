// SPDX-License-Identifier: BSD-3-Clause

#include "lib/sip/start_line.h"

#include <emmintrin.h>

#include "lib/sip/lex.h"
#include "lib/sip/names.h"

#define VERSION VIEW("SIP/2.0")

static struct sip_span span_of(size_t from, size_t to)
{
	return (struct sip_span){(uint16_t)from, (uint16_t)(to - from)};
}

// "SIP" "/" 1*DIGIT "." 1*DIGIT, case-insensitive (RFC 3261 §7.1).
// none for 2.0, sip_version for another, sip_malformed for no number, sip_not_sip.
static enum reason judge_version(struct view v)
{
	size_t i = 4, dot;

	if (view_equal_nocase(v, VERSION))
		return REASON_none;
	if (v.len < 4 || !view_equal_nocase(view_of(v.at, 4), VIEW("SIP/")))
		return REASON_sip_not_sip;
	while (i < v.len && lex_is_digit(v.at[i]))
		i++;
	dot = i++;
	if (dot == 4 || dot + 1 >= v.len || v.at[dot] != '.')
		return REASON_sip_malformed;
	while (i < v.len && lex_is_digit(v.at[i]))
		i++;
	return i == v.len ? REASON_sip_version : REASON_sip_malformed;
}

// The phrase may be empty, and several stacks then leave out the space before it as well.
static enum reason parse_status_line(struct sip_message *m)
{
	struct view line = sip_view(m, m->start);
	unsigned status = 0;
	size_t i;

	m->is_request = false;
	if (line.len < 11 || judge_version(view_of(line.at, 7)) != REASON_none || line.at[7] != ' ')
		return REASON_sip_response_malformed;
	for (i = 8; i < 11; i++) {
		if (!lex_is_digit(line.at[i]))
			return REASON_sip_response_malformed;
		status = status * 10 + (line.at[i] - '0');
	}
	if (status < 100 || status > 699 || (line.len > 11 && line.at[11] != ' '))
		return REASON_sip_response_malformed;
	m->status = (uint16_t)status;
	m->reason_phrase = span_of(line.len > 11 ? 12 : 11, line.len);
	return REASON_none;
}

// White space and what would delimit a URI, in a block: neither may stand in one.
static unsigned delimiters16(__m128i v)
{
	__m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(' ')), v);
	__m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
	// '<' and '>' differ in one bit.
	__m128i angle = _mm_cmpeq_epi8(_mm_or_si128(v, _mm_set1_epi8(2)), _mm_set1_epi8('>'));

	return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(control, quote), angle));
}

// Bytes up to bytes.len may be read.
static bool uri_is_delimited(const struct sip_message *m)
{
	size_t at = m->request_uri.at, end = at + m->request_uri.len;
	unsigned found = 0, block;

	for (; at + 16 <= m->bytes.len && at < end; at += 16) {
		block = delimiters16(_mm_loadu_si128((const __m128i *)(m->bytes.at + at)));
		found |= end - at < 16 ? block & ((1U << (end - at)) - 1) : block;
	}
	for (; at < end; at++)
		found |= delimiters16(_mm_set1_epi8((char)m->bytes.at[at]));
	return found != 0;
}

// Where the version begins, and whether it is ours; end is where white space behind it begins.
static enum reason find_version(struct view line, size_t *at, size_t *end)
{
	*end = line.len;
	*at = line.len - 7;
	if (line.len > 8 && memcmp(line.at + line.len - 8, " SIP/2.0", 8) == 0)
		return REASON_none;
	while (*end > 0 && lex_is_space(line.at[*end - 1]))
		(*end)--;
	for (*at = *end; *at > 0 && !lex_is_space(line.at[*at - 1]);)
		(*at)--;
	return judge_version(view_of(line.at + *at, *end - *at));
}

static enum reason parse_request_line(struct sip_message *m)
{
	struct view line = sip_view(m, m->start);
	// Bytes before the first special one are of a token.
	size_t method = (unsigned)__builtin_ctzll(m->specials[0] | UINT64_C(1) << 63);
	size_t version, end;
	enum reason reason = find_version(line, &version, &end);

	if (reason == REASON_sip_not_sip)
		return reason;
	m->is_request = true;
	while (lex_is(line.at[method], LEX_TOKEN))
		method++;
	m->method_text = span_of(0, method);
	m->method =
		(uint8_t)sip_method_find_within(view_of(line.at, method), line.at + m->bytes.len);
	if (method + 2 > version || method == 0)
		return REASON_sip_malformed;
	// Whatever lies between, so that even a wrong line has a Request-URI to show.
	m->request_uri = span_of(method + 1, version - 1);
	if (end != line.len || line.at[method] != ' ' || line.at[version - 1] != ' ' ||
		m->request_uri.len == 0)
		return REASON_sip_malformed;
	if (reason != REASON_none)
		return reason;
	return uri_is_delimited(m) ? REASON_sip_bad_uri : REASON_none;
}

enum reason sip_start_line_parse(struct sip_message *m)
{
	struct view line = sip_view(m, m->start);

	m->method = SIP_M_OTHER;
	m->status = 0;
	m->method_text = m->request_uri = m->reason_phrase = (struct sip_span){0, 0};
	// A method holds no slash, so this can be no request.
	if (line.len >= 4 && line.at[3] == '/' && LEX_NAME_IS(view_of(line.at, 3), "sip"))
		return parse_status_line(m);
	return parse_request_line(m);
}
