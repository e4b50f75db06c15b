// SPDX-License-Identifier: BSD-3-Clause

#include "lib/sip/start_line.h"

#include "lib/sip/lex.h"

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
	if (judge_version(view_of(line.at, 7)) != REASON_none || line.len < 11 || line.at[7] != ' ')
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

// White space and angle brackets: the URI is what stands between them and not the whole.
static bool uri_is_delimited(struct view uri)
{
	for (size_t i = 0; i < uri.len; i++) {
		if (uri.at[i] <= ' ' || uri.at[i] == '<' || uri.at[i] == '>' || uri.at[i] == '"')
			return true;
	}
	return false;
}

static enum reason parse_request_line(struct sip_message *m)
{
	struct view line = sip_view(m, m->start);
	size_t end = line.len, method = 0, version;
	enum reason reason;

	while (end > 0 && lex_is_space(line.at[end - 1]))
		end--;
	for (version = end; version > 0 && !lex_is_space(line.at[version - 1]);)
		version--;
	reason = judge_version(view_of(line.at + version, end - version));
	if (reason == REASON_sip_not_sip)
		return reason;
	m->is_request = true;
	while (lex_is(line.at[method], LEX_TOKEN))
		method++;
	m->method_text = span_of(0, method);
	m->method = (uint8_t)sip_method_find(sip_view(m, m->method_text));
	// Whatever lies between, so that even a wrong line has a Request-URI to show.
	if (method + 2 > version || method == 0)
		return REASON_sip_malformed;
	m->request_uri = span_of(method + 1, version - 1);
	if (end != line.len || line.at[method] != ' ' || line.at[version - 1] != ' ' ||
		m->request_uri.len == 0)
		return REASON_sip_malformed;
	if (reason != REASON_none)
		return reason;
	return uri_is_delimited(sip_view(m, m->request_uri)) ? REASON_sip_bad_uri : REASON_none;
}

enum reason sip_start_line_parse(struct sip_message *m)
{
	struct view line = sip_view(m, m->start);

	m->method = SIP_M_OTHER;
	m->status = 0;
	m->method_text = m->request_uri = m->reason_phrase = (struct sip_span){0, 0};
	// A method holds no slash, so this can be no request.
	if (line.len >= 7 && view_equal_nocase(view_of(line.at, 4), VIEW("SIP/")))
		return parse_status_line(m);
	return parse_request_line(m);
}
