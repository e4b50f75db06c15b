// SPDX-License-Identifier: BSD-3-Clause

#include "lib/sip/message.h"

#include "lib/sip/lex.h"
#include "lib/sip/names.h"
#include "lib/sip/scan.h"
#include "lib/sip/start_line.h"

static struct sip_span span_of(size_t from, size_t to)
{
	return (struct sip_span){(uint16_t)from, (uint16_t)(to - from)};
}

// RFC 3261 §7.5 asks it of streams; datagrams of nothing else are keepalives, or carry one.
static struct view skip_leading_crlf(struct view v)
{
	size_t i = 0;

	while (i + 2 <= v.len && v.at[i] == '\r' && v.at[i + 1] == '\n')
		i += 2;
	return i > 0 ? view_of(v.at + i, v.len - i) : v;
}

// Where the first byte is that may not stand in a head, of the fields from one on; to if nowhere.
//
// No rule of RFC 3261 §25.1 lets CR or LF stand alone, not even a quoted-pair, and whoever reads
// one as the end of a line sees other fields than whoever does not: a relay at a border must not
// pass on what its two sides read differently. Other control characters, NUL too, may stand in a
// quoted-pair only.
static size_t find_fault(const uint8_t *bytes, size_t from, size_t to)
{
	bool quoted = false;

	for (size_t i = from; i < to; i++) {
		uint8_t c = bytes[i];

		if (c == '\r' && i + 1 < to && bytes[i + 1] == '\n') {
			i++;
			quoted = quoted && i + 1 < to &&
				(bytes[i + 1] == ' ' || bytes[i + 1] == '\t');
		} else if (quoted && c == '\\' && i + 1 < to && bytes[i + 1] != '\r' &&
			bytes[i + 1] != '\n') {
			i++;
		} else if (c == '"') {
			quoted = !quoted;
		} else if ((c < 0x20 && c != '\t') || c == 0x7f) {
			return i;
		}
	}
	return to;
}

static struct sip_span trim(const uint8_t *bytes, size_t from, size_t to)
{
	while (from < to && lex_is_space(bytes[from]))
		from++;
	while (to > from && lex_is_space(bytes[to - 1]))
		to--;
	return span_of(from, to);
}

// A value from behind its colon to before its CRLF. Most have one space before them and none
// behind; what is not white space there is above it, and CR, where an empty one ends, is not.
static inline struct sip_span find_value(const uint8_t *bytes, size_t from, size_t to)
{
	if (__builtin_expect(bytes[from] == ' ' && bytes[from + 1] > ' ' && bytes[to - 1] > ' ', 1))
		return span_of(from + 1, to);
	return trim(bytes, from, to);
}

// The colon of a line and where the name before it ends, white space perhaps between; 0 if
// malformed.
static size_t find_colon(const struct sip_message *m, size_t at, size_t end, size_t *name_end)
{
	const uint8_t *bytes = m->bytes.at, *found;
	uint64_t marks = lex_is_known(at) ? lex_known(m, at) : 0;
	size_t to;

	// Most names are of bytes that are not special, and their colon right behind them.
	if (marks != 0) {
		to = at + (unsigned)__builtin_ctzll(marks);
		*name_end = to;
		if (to > at && bytes[to] == ':')
			return to;
	}
	found = memchr(bytes + at, ':', end - at);
	if (found == NULL)
		return 0;
	for (to = (size_t)(found - bytes);
		to > at && (bytes[to - 1] == ' ' || bytes[to - 1] == '\t');)
		to--;
	*name_end = to;
	return lex_is_token(view_of(bytes + at, to - at)) ? (size_t)(found - bytes) : 0;
}

// One field from its first byte and the first byte of the next. False if malformed.
static inline bool read_field(
	const struct sip_message *m, struct view bytes, size_t at, size_t end, struct sip_header *h)
{
	const struct sip_header_slot *slot = NULL;
	size_t colon, name_end;

	if (__builtin_expect(bytes.len - at >= NAME_BYTES, 1))
		slot = sip_header_guess(bytes.at + at);
	if (__builtin_expect(slot != NULL, 1)) {
		colon = name_end = at + slot->len;
		h->id = slot->id;
	} else {
		colon = find_colon(m, at, end, &name_end);
		if (colon == 0)
			return false;
		h->id = (uint8_t)sip_header_find(view_of(bytes.at + at, name_end - at));
	}
	h->name = span_of(at, name_end);
	h->value = find_value(bytes.at, colon + 1, end - 2);
	h->end = (uint16_t)end;
	h->next = 0;
	return true;
}

// Puts the field with that index at the end of its id's chain.
static inline void chain(struct sip_message *m, unsigned index, unsigned id)
{
	if (__builtin_expect(m->last[id] != 0, 0))
		m->headers[m->last[id] - 1].next = (uint8_t)index;
	else
		m->first[id] = (uint8_t)(index + 1);
	m->last[id] = (uint8_t)(index + 1);
}

// All fields up to the empty line or the first fault. len is how far the scan could see.
static enum reason add_fields(struct sip_message *m, const struct sip_scan *scan, size_t len)
{
	size_t fault = len, end = scan->lines[0];
	const struct view bytes = m->bytes;
	enum reason reason = REASON_none;
	// A field is whole where the next line begins.
	uint32_t n = 0, n_whole = scan->n - 1;

	if (scan->suspect < len)
		fault = find_fault(m->bytes.at, end, scan->ended ? scan->lines[scan->n - 1] : len);
	if (n_whole > SIP_HEADERS_MAX) {
		n_whole = SIP_HEADERS_MAX;
		reason = REASON_sip_too_many_headers;
	}
	for (; n < n_whole; n++) {
		size_t next = scan->lines[n + 1];

		if (next > fault || !read_field(m, bytes, end, next, &m->headers[n])) {
			reason = REASON_sip_malformed;
			break;
		}
		chain(m, n, m->headers[n].id);
		end = next;
	}
	m->n_headers = (uint8_t)n;
	m->headers_end = (uint16_t)end;
	if (reason != REASON_none)
		return reason;
	end += 2;
	if (len == SIP_HEAD_BYTES_MAX && (!scan->ended || end > len))
		return REASON_sip_header_too_large;
	return scan->ended && end <= len && m->bytes.at[end - 1] == '\n' ? REASON_none
									 : REASON_sip_malformed;
}

// Cuts body and message to Content-Length (RFC 3261 §18.3, §20.14).
static enum reason find_body(struct sip_message *m, enum sip_framing framing)
{
	const struct sip_header *h = sip_header_first(m, SIP_H_CONTENT_LENGTH);
	size_t at = (size_t)m->headers_end + 2;
	struct view rest = view_of(m->bytes.at + at, m->bytes.len - at);
	uint32_t length, again;

	if (h == NULL) {
		m->body = rest;
		return framing == SIP_STREAM ? REASON_sip_missing_header : REASON_none;
	}
	if (!lex_number(sip_view(m, h->value), UINT32_MAX - 1, &length))
		return REASON_sip_bad_content_length;
	m->has_length = true;
	m->content_length = length;
	while ((h = sip_header_next(m, h)) != NULL) {
		if (!lex_number(sip_view(m, h->value), UINT32_MAX - 1, &again) || again != length)
			return REASON_sip_bad_content_length;
	}
	if (length > rest.len)
		return framing == SIP_HEAD ? REASON_none : REASON_sip_body_short;
	m->body = view_of(rest.at, length);
	m->bytes.len = at + length;
	return REASON_none;
}

enum reason sip_message_parse(struct view bytes, enum sip_framing framing, struct sip_message *m)
{
	struct sip_scan scan;
	enum reason start, fields;
	size_t head;

	m->bytes = skip_leading_crlf(bytes);
	m->body = VIEW_NONE;
	m->n_headers = 0;
	m->has_length = false;
	memset(m->first, 0, sizeof(m->first));
	memset(m->last, 0, sizeof(m->last));
	head = m->bytes.len < SIP_HEAD_BYTES_MAX ? m->bytes.len : SIP_HEAD_BYTES_MAX;
	scan.specials = m->specials;
	sip_scan_head(m->bytes.at, head, &scan);
	if (scan.n == 0)
		return REASON_sip_not_sip;
	m->headers_end = scan.lines[0];
	m->start = span_of(0, scan.lines[0] - 1);
	if (m->start.len > 0 && m->bytes.at[m->start.len - 1] == '\r')
		m->start.len--;
	start = sip_start_line_parse(m);
	if (start == REASON_sip_not_sip)
		return start;
	if (start == REASON_none && scan.suspect < scan.lines[0])
		start = REASON_sip_malformed;
	fields = add_fields(m, &scan, head);
	if (fields == REASON_none)
		fields = find_body(m, framing);
	if (start != REASON_none)
		fields = start;
	return fields == REASON_none || m->is_request ? fields : REASON_sip_response_malformed;
}
