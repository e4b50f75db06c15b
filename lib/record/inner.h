// SPDX-License-Identifier: BSD-3-Clause
// What the files behind record.h share. Within lib/record.

#pragma once

#include "lib/record/provider.h"
#include "lib/record/record.h"

// Content types (RFC 8446 §5.1). change_cipher_spec never comes after a handshake.
enum record_type {
	RECORD_TYPE_ALERT = 21,
	RECORD_TYPE_HANDSHAKE = 22,
	RECORD_TYPE_DATA = 23,
};

enum record_alert_level {
	RECORD_WARNING = 1,
	RECORD_FATAL = 2,
};

#define RECORD_EXPLICIT_BYTES_MAX 8

static inline size_t record_explicit_bytes(const struct record_session *s)
{
	return record_has_explicit_nonce(
		       (enum record_version)s->version, (enum record_suite)s->suite)
		? RECORD_EXPLICIT_BYTES_MAX
		: 0;
}

// Of the content type inside, TLS 1.3.
static inline size_t record_inner_bytes(const struct record_session *s)
{
	return s->version == RECORD_TLS13 ? 1 : 0;
}

static inline size_t record_overhead(const struct record_session *s)
{
	return RECORD_HEADER_BYTES + record_explicit_bytes(s) + record_inner_bytes(s) +
		RECORD_TAG_BYTES;
}

// Fills in suite, key, nonce and additional data of an operation of n_text bytes of plaintext,
// inner type included. header: of the record, and its explicit nonce, where it has one.
void record_aead_prepare(const struct record_session *s, struct record_aead *a,
	enum record_direction direction, const uint8_t *header, size_t n_text);

// Seals the next n_text ≤ RECORD_TEXT_BYTES_MAX bytes of text into one record. Bytes written; 0
// where the provider has failed, and so the session.
size_t record_seal_one(struct record_session *s, struct record_crypto *c, enum record_type type,
	struct record_pieces *text, size_t n_text, uint8_t *out);
size_t record_seal_alert(struct record_session *s, struct record_crypto *c,
	enum record_alert_level level, uint8_t alert, uint8_t out[RECORD_ANSWER_BYTES]);
// TLS 1.3: seals it under the keys of now, and puts the next ones in their place.
#define RECORD_KEY_UPDATE_BYTES (RECORD_HEADER_BYTES + 5 + 1 + RECORD_TAG_BYTES)
size_t record_seal_key_update(struct record_session *s, struct record_crypto *c, bool wants_theirs,
	uint8_t out[RECORD_ANSWER_BYTES]);

// The step must be legal.
void record_session_step(struct record_session *s, enum record_state_event event);
// Fails the session for what came, and puts the alert into opened where it may still be sent. There
// must be no answer in it yet: it would be lost, though the peer counts on it.
void record_refuse(struct record_session *s, struct record_crypto *c, enum reason reason,
	enum record_alert alert, struct record_opened *opened);

// What an authenticated record is that holds no data: text is not empty.
void record_digest_alert(struct record_session *s, struct record_crypto *c, struct view text,
	struct record_opened *opened);
void record_digest_handshake(struct record_session *s, struct record_crypto *c, struct view text,
	struct record_opened *opened);
