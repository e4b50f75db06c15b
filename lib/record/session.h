// SPDX-License-Identifier: BSD-3-Clause
// One established TLS session: keys, sequence numbers, and how far it is closed; 248 bytes, so that
// an idle one costs little. It lives where its user puts it and may be moved as bytes; its verbs
// are in record.h.
//
// It belongs to the record_crypto that it was begun with. Its secrets are wiped by
// record_session_end(), and nothing else does.

#pragma once

#include "lib/record/crypto.h"
#include "lib/record/secrets.h"
#include "lib/record/state.h"

enum record_role {
	RECORD_ACCEPTED, // the TLS server
	RECORD_OPENED,   // the TLS client
};

// One direction: all that a record needs whose expanded key is at hand, and what that is made from.
struct record_keys {
	uint64_t key_id;   // names key among the expanded ones; new with each key
	uint64_t sequence; // of the next record
	uint8_t iv[RECORD_IV_BYTES];
	uint8_t zero[4];
	uint8_t key[RECORD_KEY_BYTES];
};

// Written by the verbs of record.h alone; version, suite, role and state may be read.
struct record_session {
	uint8_t version; // enum record_version
	uint8_t suite;   // enum record_suite
	uint8_t role;    // enum record_role
	uint8_t state;   // enum record_state
	// Records in a row that brought no application data: bounded.
	uint8_t n_barren;
	// KeyUpdates of the peer that data has not paid for yet, RECORD_UPDATE_PRICE each.
	uint8_t update_debt;
	// Our KeyUpdate has answered the peer's, and nothing was sealed under the new key yet.
	bool answered : 1;
	// We asked for a KeyUpdate, under the receive keys of now.
	bool asked : 1;
	// A handshake message that goes over several records: bytes of its header that are there,
	// and what its body still lacks.
	uint8_t n_head;
	uint8_t head[4];
	uint32_t n_body;
	uint64_t explicit_nonce; // of the next record sent, TLS 1.2 with GCM
	struct record_keys receive, send;
	// TLS 1.3: what the next keys come from. No record needs it.
	uint8_t receive_traffic[RECORD_SECRET_BYTES], send_traffic[RECORD_SECRET_BYTES];
};

_Static_assert(sizeof(struct record_keys) == 64, "no padding");
_Static_assert(sizeof(struct record_session) == 24 + 2 * 64 + 96, "an idle session is small");

// Brings what a record needs of a session near, ahead of the call that uses it.
static inline void record_session_prefetch(const struct record_session *s)
{
	__builtin_prefetch(s);
	__builtin_prefetch(&s->receive.key);
	__builtin_prefetch(&s->send.key);
}
