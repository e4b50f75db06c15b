// SPDX-License-Identifier: BSD-3-Clause
// Text into records.

#include "lib/base/wire.h"
#include "lib/record/inner.h"
#include "lib/record/schedule.h"

#define KEY_UPDATE 24 // RFC 8446 §4

// RFC 8446 §5.2: the length is that of the ciphertext and its tag; of TLS 1.2 the explicit nonce is
// part of the record as well (RFC 5288 §3).
static void write_header(
	const struct record_session *s, enum record_type type, size_t n_text, uint8_t *out)
{
	bool inner = s->version == RECORD_TLS13;

	out[0] = inner ? RECORD_TYPE_DATA : (uint8_t)type;
	wire_put16(out + 1, 0x0303);
	wire_put16(out + 3, (uint16_t)(n_text + record_overhead(s) - RECORD_HEADER_BYTES));
}

size_t record_seal_one(struct record_session *s, struct record_crypto *c, enum record_type type,
	struct record_pieces *text, size_t n_text, uint8_t *out)
{
	size_t n_explicit = record_explicit_bytes(s), n_inner = record_inner_bytes(s);
	uint8_t *body = out + RECORD_HEADER_BYTES + n_explicit;
	struct record_aead a;

	write_header(s, type, n_text, out);
	if (n_explicit > 0) {
		wire_put64(out + RECORD_HEADER_BYTES, s->explicit_nonce);
		s->explicit_nonce++;
	}
	record_aead_prepare(s, &a, RECORD_SEAL, out, n_text + n_inner);
	a.in = *text;
	a.n_in = n_text;
	a.tail = (uint8_t)type;
	a.n_tail = (uint8_t)n_inner;
	a.out = body;
	a.tag = body + n_text + n_inner;
	if (!c->crypt(c, &a)) {
		s->state = RECORD_STATE_FAILED;
		return 0;
	}
	record_pieces_skip(text, n_text);
	s->send.sequence++;
	return n_text + record_overhead(s);
}

static size_t seal_bytes(struct record_session *s, struct record_crypto *c, enum record_type type,
	struct view text, uint8_t *out)
{
	struct record_pieces pieces = {.parts = &text, .n = 1};

	return record_seal_one(s, c, type, &pieces, text.len, out);
}

size_t record_seal_alert(struct record_session *s, struct record_crypto *c,
	enum record_alert_level level, uint8_t alert, uint8_t out[RECORD_ANSWER_BYTES])
{
	const uint8_t text[2] = {(uint8_t)level, alert};

	return seal_bytes(s, c, RECORD_TYPE_ALERT, view_of(text, sizeof(text)), out);
}

size_t record_seal_key_update(struct record_session *s, struct record_crypto *c, bool wants_theirs,
	uint8_t out[RECORD_ANSWER_BYTES])
{
	const uint8_t text[5] = {KEY_UPDATE, 0, 0, 1, wants_theirs};
	size_t n = seal_bytes(s, c, RECORD_TYPE_HANDSHAKE, view_of(text, sizeof(text)), out);

	if (n > 0 &&
		!record_keys_update(c, (enum record_suite)s->suite, s->send_traffic, &s->send)) {
		s->state = RECORD_STATE_FAILED;
		return 0;
	}
	return n;
}

// Receive keys that are used up are the peer's to replace, and we ask for it, once.
static bool must_ask(const struct record_session *s, const struct record_crypto *c)
{
	return !s->asked && s->receive.sequence >= c->key_records;
}

static bool update_is_due(const struct record_session *s, const struct record_crypto *c)
{
	return s->version == RECORD_TLS13 && (s->send.sequence >= c->key_records || must_ask(s, c));
}

static uint64_t updates_due(
	const struct record_session *s, const struct record_crypto *c, uint64_t n_records)
{
	uint64_t limit = c->key_records, room;
	bool now = update_is_due(s, c);

	if (s->version != RECORD_TLS13)
		return 0;
	room = now ? limit : limit - s->send.sequence;
	return (now ? 1 : 0) + (n_records > room ? (n_records - room + limit - 1) / limit : 0);
}

static size_t records_of(size_t n_text)
{
	return (n_text + RECORD_TEXT_BYTES_MAX - 1) / RECORD_TEXT_BYTES_MAX;
}

size_t record_sealed_bytes(
	const struct record_session *s, const struct record_crypto *c, size_t n_text)
{
	size_t n_records = records_of(n_text);

	if (n_text == 0)
		return 0;
	return n_text + n_records * record_overhead(s) +
		updates_due(s, c, n_records) * RECORD_KEY_UPDATE_BYTES;
}

// All of n_text or nothing: what has been sealed must be sent.
static bool may_seal(const struct record_session *s, const struct record_crypto *c, size_t n_text)
{
	return record_state_sends((enum record_state)s->state) &&
		(s->version == RECORD_TLS13 ||
			s->send.sequence + records_of(n_text) <= 2 * c->key_records);
}

// The next record, and the KeyUpdate in front of it that is due. 0 where the provider has failed.
static size_t seal_next(struct record_session *s, struct record_crypto *c,
	struct record_pieces *text, size_t n_text, uint8_t *out)
{
	size_t n = 0, n_sealed;

	if (update_is_due(s, c)) {
		bool ask = must_ask(s, c);

		n = record_seal_key_update(s, c, ask, out);
		if (n == 0)
			return 0;
		s->asked = s->asked || ask;
	}
	n_sealed = record_seal_one(s, c, RECORD_TYPE_DATA, text, n_text, out + n);
	s->answered = false;
	return n_sealed > 0 ? n + n_sealed : 0;
}

size_t record_seal(struct record_session *s, struct record_crypto *c, const struct view parts[],
	unsigned n_parts, uint8_t *out)
{
	struct record_pieces text = {.parts = parts, .n = n_parts};
	size_t left = record_parts_bytes(parts, n_parts), n = 0;

	if (!may_seal(s, c, left))
		return 0;
	while (left > 0) {
		size_t n_text = left < RECORD_TEXT_BYTES_MAX ? left : RECORD_TEXT_BYTES_MAX;
		size_t n_sealed = seal_next(s, c, &text, n_text, out + n);

		if (n_sealed == 0)
			return 0;
		n += n_sealed;
		left -= n_text;
	}
	return n;
}

size_t record_headroom(const struct record_session *s, const struct record_crypto *c)
{
	return (update_is_due(s, c) ? RECORD_KEY_UPDATE_BYTES : 0) + RECORD_HEADER_BYTES +
		record_explicit_bytes(s);
}

size_t record_seal_in_place(
	struct record_session *s, struct record_crypto *c, uint8_t *out, size_t n_text)
{
	struct view text = view_of(out + record_headroom(s, c), n_text);
	struct record_pieces pieces = {.parts = &text, .n = 1};

	if (n_text == 0 || n_text > RECORD_TEXT_BYTES_MAX || !may_seal(s, c, n_text))
		return 0;
	return seal_next(s, c, &pieces, n_text, out);
}
