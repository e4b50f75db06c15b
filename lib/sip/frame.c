// SPDX-License-Identifier: BSD-3-Clause

#include "lib/sip/frame.h"

enum state {
	AT_TEXT, // of a field that says nothing about the end, or of the start line
	AT_CR,   // behind one: LF follows
	AT_LINE, // at a line's first byte
	AT_NAME,
	AT_COLON,  // behind a name that is Content-Length's
	AT_VALUE,  // of Content-Length, before its digits
	AT_DIGITS, // within them
	AT_SPACE,  // behind them
	AT_END,    // behind the CR of the empty line
};

static const struct view long_name = {(const uint8_t *)"content-length", 14};
#define COMPACT_NAME 'l'
// In the place of a number of letters.
#define MATCHES_COMPACT UINT8_MAX

// What parsers here take for a number (RFC 3261 §20.14 gives no bound).
#define LENGTH_MAX (UINT32_MAX - 1)

size_t sip_frame_skip_blank(struct view bytes, bool *half, unsigned *n_pings)
{
	size_t i = 0;

	while (i + 2 <= bytes.len && bytes.at[i] == '\r' && bytes.at[i + 1] == '\n') {
		*n_pings += *half;
		*half = !*half;
		i += 2;
	}
	if (i < bytes.len && bytes.at[i] != '\r')
		*half = false;
	return i;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

// The first CR or LF, or the end.
static const uint8_t *find_line_end(const uint8_t *at, const uint8_t *end)
{
	const uint8_t *cr = memchr(at, '\r', (size_t)(end - at)), *lf;

	if (cr != NULL)
		end = cr;
	lf = memchr(at, '\n', (size_t)(end - at));
	return lf != NULL ? lf : end;
}

static void begin_name(struct sip_frame *f)
{
	f->n_matched = 0;
	f->state = AT_NAME;
}

static void take_name(struct sip_frame *f, uint8_t c)
{
	bool whole = f->n_matched == MATCHES_COMPACT || f->n_matched == long_name.len;

	if (whole && (c == ':' || is_blank(c))) {
		f->number = 0;
		f->state = c == ':' ? AT_VALUE : AT_COLON;
	} else if (!whole && ascii_lower(c) == long_name.at[f->n_matched]) {
		f->n_matched++;
	} else if (f->n_matched == 0 && ascii_lower(c) == COMPACT_NAME) {
		f->n_matched = MATCHES_COMPACT;
	} else {
		f->state = AT_TEXT;
	}
}

static void take_digit(struct sip_frame *f, uint8_t c)
{
	uint64_t number = (uint64_t)f->number * 10 + (unsigned)(c - '0');

	if (number > LENGTH_MAX)
		f->bad_length = true;
	f->number = f->bad_length ? 0 : (uint32_t)number;
	f->state = AT_DIGITS;
}

static void take_value(struct sip_frame *f, uint8_t c)
{
	if (c >= '0' && c <= '9' && f->state != AT_SPACE)
		take_digit(f, c);
	else if (!is_blank(c))
		f->bad_length = true;
	else if (f->state == AT_DIGITS)
		f->state = AT_SPACE;
}

// The field before this line is whole, for no fold follows.
static void end_field(struct sip_frame *f)
{
	if (f->resumed == AT_TEXT)
		return;
	if (f->resumed == AT_VALUE || (f->has_length && f->body_bytes != f->number))
		f->bad_length = true;
	f->has_length = true;
	f->body_bytes = f->number;
	f->resumed = AT_TEXT;
}

static void take_line(struct sip_frame *f, uint8_t c)
{
	if (is_blank(c)) {
		f->state = f->resumed;
		return;
	}
	end_field(f);
	if (c == '\r') {
		f->state = AT_END;
		return;
	}
	begin_name(f);
	take_name(f, c);
}

// Where a line has ended by CR.
static void take_cr(struct sip_frame *f)
{
	bool in_value = f->state == AT_VALUE || f->state == AT_DIGITS || f->state == AT_SPACE;

	f->resumed = !in_value ? AT_TEXT : f->state == AT_VALUE ? AT_VALUE : AT_SPACE;
	f->state = AT_CR;
}

// A byte that is not of plain text. False where a CR or LF stands alone.
static bool take(struct sip_frame *f, uint8_t c)
{
	if (f->state == AT_CR || f->state == AT_END) {
		f->ended = f->state == AT_END && c == '\n';
		f->state = AT_LINE;
		return c == '\n';
	}
	if (c == '\n')
		return false;
	if (f->state == AT_LINE) {
		take_line(f, c);
		return true;
	}
	if (c == '\r')
		take_cr(f);
	else if (f->state == AT_NAME)
		take_name(f, c);
	else if (f->state == AT_COLON)
		f->state = c == ':' ? AT_VALUE : is_blank(c) ? AT_COLON : AT_TEXT;
	else
		take_value(f, c);
	return true;
}

static enum reason judge_end(const struct sip_frame *f)
{
	if (f->bad_length)
		return REASON_sip_bad_content_length;
	return f->has_length ? REASON_none : REASON_sip_missing_header;
}

enum reason sip_frame_feed(struct sip_frame *f, struct view bytes)
{
	const uint8_t *at = bytes.at, *end = bytes.at + bytes.len;

	while (at < end && !f->ended) {
		if (f->n_bytes >= SIP_HEAD_BYTES_MAX)
			return REASON_sip_header_too_large;
		if (f->state == AT_TEXT && *at != '\r' && *at != '\n') {
			const uint8_t *to = find_line_end(at, end);

			f->n_bytes += (uint32_t)(to - at);
			at = to;
			continue;
		}
		if (!take(f, *at))
			return REASON_sip_malformed;
		at++;
		f->n_bytes++;
	}
	if (f->n_bytes > SIP_HEAD_BYTES_MAX)
		return REASON_sip_header_too_large;
	return !f->ended ? REASON_none : judge_end(f);
}
