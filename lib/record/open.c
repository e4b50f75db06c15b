// SPDX-License-Identifier: BSD-3-Clause
// Records into text. The order of the checks is that of RFC 8446 §5: header, authenticity, content.

#include "lib/base/wire.h"
#include "lib/record/inner.h"

#include <string.h>

static size_t ciphertext_overhead(const struct record_session *s)
{
	return record_overhead(s) - RECORD_HEADER_BYTES;
}

// REASON_none, or what is wrong with a header, and the alert for it.
static enum reason check_header(
	const struct record_session *s, const uint8_t *header, enum record_alert *alert)
{
	size_t n = wire_get16(header + 3);
	bool known = s->version == RECORD_TLS13
		? header[0] == RECORD_TYPE_DATA
		: header[0] >= RECORD_TYPE_ALERT && header[0] <= RECORD_TYPE_DATA;

	if (!known) {
		*alert = RECORD_ALERT_unexpected_message;
		return REASON_record_bad_type;
	}
	// RFC 8446 §5.1: legacy_record_version is to be ignored.
	if (s->version == RECORD_TLS12 && wire_get16(header + 1) != 0x0303) {
		*alert = RECORD_ALERT_protocol_version;
		return REASON_record_bad_version;
	}
	if (n > RECORD_TEXT_BYTES_MAX + ciphertext_overhead(s)) {
		*alert = RECORD_ALERT_record_overflow;
		return REASON_record_too_long;
	}
	if (n < ciphertext_overhead(s)) {
		*alert = RECORD_ALERT_decode_error;
		return REASON_record_too_short;
	}
	*alert = RECORD_ALERT_NONE;
	return REASON_none;
}

size_t record_length(const struct record_session *s, struct view start)
{
	enum record_alert alert;

	if (start.len < RECORD_HEADER_BYTES)
		return 0;
	if (check_header(s, start.at, &alert) != REASON_none)
		return RECORD_HEADER_BYTES;
	return RECORD_HEADER_BYTES + (size_t)wire_get16(start.at + 3);
}

void record_open_prefetch(const struct record_session *s, const struct record_crypto *c)
{
	if (c->prefetch != NULL)
		c->prefetch(c, s->receive.key_id);
}

// Numbers go out with their highest byte first, whatever the processor's order of bytes.
static uint64_t wire_order(uint64_t v)
{
	return __builtin_bswap64(v);
}

void record_aead_prepare(const struct record_session *s, struct record_aead *a,
	enum record_direction direction, const uint8_t *header, size_t n_text)
{
	const struct record_keys *keys = direction == RECORD_SEAL ? &s->send : &s->receive;
	uint64_t sequence = wire_order(keys->sequence), low, high, explicit_nonce;

	a->suite = (enum record_suite)s->suite;
	a->direction = direction;
	a->key_id = keys->key_id;
	a->key = keys->key;
	memcpy(&low, keys->iv, 8);
	memcpy(&high, keys->iv + 8, 8); // and four that are zero
	if (record_explicit_bytes(s) > 0)
		memcpy(&explicit_nonce, header + RECORD_HEADER_BYTES, 8);
	else
		explicit_nonce = sequence; // RFC 8446 §5.3, RFC 7905 §2
	record_words_put(a->nonce, low ^ explicit_nonce << 32, high ^ explicit_nonce >> 32);
	if (s->version == RECORD_TLS13) {
		low = 0;
		memcpy(&low, header, RECORD_HEADER_BYTES);
		record_words_put(a->aad, low, 0);
		a->n_aad = RECORD_HEADER_BYTES;
		return;
	}
	high = wire_order(n_text) >> 24; // two bytes, behind the header's first three
	memcpy(&high, header, 3);
	record_words_put(a->aad, sequence, high);
	a->n_aad = 13;
}

// Opens what is behind the header into out. False where it is not authentic.
static bool open_body(struct record_session *s, struct record_crypto *c, uint8_t *header,
	struct record_pieces rest, uint8_t *out, size_t *n_text)
{
	struct record_pieces tag;
	uint8_t expected[RECORD_TAG_BYTES];
	struct record_aead a;

	*n_text = wire_get16(header + 3) - record_explicit_bytes(s) - RECORD_TAG_BYTES;
	(void)record_pieces_copy(&rest, header + RECORD_HEADER_BYTES, record_explicit_bytes(s));
	record_aead_prepare(s, &a, RECORD_OPEN, header, *n_text);
	tag = rest;
	record_pieces_skip(&tag, *n_text);
	(void)record_pieces_copy(&tag, expected, RECORD_TAG_BYTES);
	a.in = rest;
	a.n_in = *n_text;
	a.n_tail = 0;
	a.out = out;
	a.tag = expected;
	if (!c->crypt(c, &a)) {
		memset(out, 0, *n_text);
		return false;
	}
	s->receive.sequence++;
	return true;
}

// RFC 8446 §5.4: the content type is the last byte that is not zero. 0 where there is none.
static uint8_t strip_padding(struct view *text)
{
	while (text->len > 0) {
		uint8_t last = text->at[--text->len];

		if (last != 0)
			return last;
	}
	return 0;
}

static void take_data(struct record_session *s, struct record_crypto *c, struct view text,
	struct record_opened *opened)
{
	// RFC 8446 §5.1: no other record between the pieces of a handshake message.
	if (s->n_head > 0) {
		record_refuse(
			s, c, REASON_record_unexpected, RECORD_ALERT_unexpected_message, opened);
		return;
	}
	if (text.len > 0) {
		s->n_barren = 0;
		s->update_debt -= s->update_debt > 0;
	}
	opened->kind = RECORD_TEXT;
	opened->text = text;
}

static void take(struct record_session *s, struct record_crypto *c, uint8_t type, struct view text,
	struct record_opened *opened)
{
	bool known = type >= RECORD_TYPE_ALERT && type <= RECORD_TYPE_DATA;

	// RFC 8446 §5.4: only application data may be empty.
	if (!known || (text.len == 0 && type != RECORD_TYPE_DATA)) {
		record_refuse(
			s, c, REASON_record_bad_type, RECORD_ALERT_unexpected_message, opened);
		return;
	}
	if (text.len == 0 || type != RECORD_TYPE_DATA) {
		if (s->n_barren == RECORD_BARREN_MAX) {
			record_refuse(s, c, REASON_record_barren, RECORD_ALERT_unexpected_message,
				opened);
			return;
		}
		s->n_barren++;
	}
	if (type == RECORD_TYPE_DATA)
		take_data(s, c, text, opened);
	else if (type == RECORD_TYPE_ALERT)
		record_digest_alert(s, c, text, opened);
	else
		record_digest_handshake(s, c, text, opened);
}

// One whole record, of the length that its header says.
static bool read_header(
	const struct view parts[], unsigned n_parts, uint8_t *header, struct record_pieces *rest)
{
	*rest = (struct record_pieces){.parts = parts, .n = n_parts};
	return record_pieces_copy(rest, header, RECORD_HEADER_BYTES) == RECORD_HEADER_BYTES;
}

void record_open(struct record_session *s, struct record_crypto *c, const struct view parts[],
	unsigned n_parts, uint8_t *out, struct record_opened *opened)
{
	uint8_t header[RECORD_HEADER_BYTES + RECORD_EXPLICIT_BYTES_MAX] = {0}, type;
	enum reason reason = REASON_record_too_short;
	enum record_alert alert = RECORD_ALERT_decode_error;
	struct record_pieces rest;
	struct view text;

	opened->kind = RECORD_DIGESTED;
	opened->reason = REASON_none;
	opened->alert = RECORD_ALERT_NONE;
	opened->n_answer = 0;
	opened->text = VIEW_NONE;
	if (!record_state_receives((enum record_state)s->state)) {
		opened->kind = RECORD_IGNORED;
		opened->reason = REASON_record_after_end;
		return;
	}
	if (read_header(parts, n_parts, header, &rest))
		reason = check_header(s, header, &alert);
	if (reason == REASON_none &&
		record_parts_bytes(parts, n_parts) !=
			RECORD_HEADER_BYTES + (size_t)wire_get16(header + 3)) {
		reason = REASON_record_malformed;
		alert = RECORD_ALERT_decode_error;
	}
	if (reason == REASON_none && !open_body(s, c, header, rest, out, &text.len)) {
		reason = REASON_record_bad_mac;
		alert = RECORD_ALERT_bad_record_mac;
	}
	if (reason != REASON_none) {
		record_refuse(s, c, reason, alert, opened);
		return;
	}
	text.at = out;
	type = s->version == RECORD_TLS13 ? strip_padding(&text) : header[0];
	take(s, c, type, text, opened);
}
