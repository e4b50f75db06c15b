// SPDX-License-Identifier: BSD-3-Clause
// Ring messages between control and a worker: plain data, in a slot of one fixed size of which only
// the used bytes are written and read.
// The receiver copies a message out of the ring, then checks the copy with link_message_check(),
// then acts. It believes nothing before.

#pragma once

#include "lib/base/addr.h"
#include "lib/base/reason.h"
#include "lib/policy/card.h"
#include "lib/record/alert.h"
#include "lib/record/secrets.h"
#include "lib/record/session.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINK_SLOT_BYTES   1024
#define LINK_HEADER_BYTES 8
// Of a stream, in one message.
#define LINK_BYTES_MAX      960
#define LINK_NAME_BYTES_MAX 255

enum link_direction {
	LINK_TO_WORKER,
	LINK_TO_CONTROL,
};

enum link_type {
	LINK_NONE,
#define LINK_MESSAGE(name, direction, payload, n_tail) LINK_##name,
#include "lib/link/message.def"
#undef LINK_MESSAGE
	LINK_N,
};

#define LINK_TARGET_SLOTS        4
#define LINK_TARGET_LISTENERS    64
#define LINK_TARGET_RETRY_MS_MAX 600000

struct link_target {
	struct endpoint remote; // a hop (endpoint_is_hop())
	uint16_t listener;      // index in the core map
	uint8_t slot;           // < LINK_TARGET_SLOTS
	uint8_t zero;
	// What is shown of ourselves: hash of a certificate's name in the document; 0: the default
	// one, and always without TLS.
	uint32_t certificate;
};

enum link_target_state {
	LINK_TARGET_UP,
	LINK_TARGET_ENDED,  // was up
	LINK_TARGET_FAILED, // never came up
	LINK_TARGET_STATE_N,
};

enum link_session_state {
	// TLS 1.3 as a client: the peer has not yet shown by a record that it took our certificate.
	LINK_SESSION_UNCONFIRMED,
	LINK_SESSION_UP,
	LINK_SESSION_CLOSING,
	LINK_SESSION_STATE_N,
};

struct link_ping {
	uint64_t token;
};

struct link_pong {
	uint64_t token;
	uint64_t generation; // 0: none yet
};

struct link_applied {
	uint64_t generation;
	uint64_t applied_at_ns; // CLOCK_MONOTONIC of the dataplane
};

struct link_target_wanted {
	struct link_target target;
	// Of a hop that no peer names, since it comes from a domain: that domain, canonical.
	uint8_t name_len;
	uint8_t name[LINK_NAME_BYTES_MAX];
};

struct link_target_told {
	struct link_target target;
	uint8_t state; // enum link_target_state
	uint8_t zero;
	uint16_t reason;     // enum reason; REASON_none when it is up
	uint32_t lost_bytes; // written and never acknowledged, when it ended
	uint64_t since_ms;   // that state
};

struct link_target_open {
	struct link_target target;
	struct endpoint address; // to connect to: the hop itself, or what its name stands for
};

struct link_target_refused {
	struct link_target target;
	uint32_t retry_ms; // 1 to LINK_TARGET_RETRY_MS_MAX
	uint32_t zero;
};

// In all of these, conn is the worker's tcp_conn_id, never 0. Offsets count the bytes of the stream
// that were shown, from 0 on, and wrap.

struct link_session_opened {
	uint64_t conn;
	struct endpoint remote; // an address
	uint16_t listener;
	uint8_t role; // enum record_role
	uint8_t zero[5];
	struct link_target target; // that it was opened for; all zero of an accepted one
	uint64_t since_ms;         // it is there
};

struct link_session_bytes {
	uint64_t conn;
	uint32_t offset; // of the first one
	uint16_t n;      // 1 to LINK_BYTES_MAX
	uint8_t last;    // 1: the record ends here
	uint8_t zero;
	uint8_t bytes[LINK_BYTES_MAX];
};

struct link_session_ended {
	uint64_t conn;
	uint16_t reason; // enum reason
	uint8_t alert;   // enum record_alert: the peer's fatal one, or RECORD_ALERT_NONE
	uint8_t was_established;
	uint8_t zero[4];
};

struct link_session_send {
	uint64_t conn;
	uint16_t n; // 1 to LINK_BYTES_MAX
	uint8_t zero[6];
	uint8_t bytes[LINK_BYTES_MAX];
};

struct link_session_consumed {
	uint64_t conn;
	uint32_t offset; // the worker may drop what is before it; never beyond what it has shown
	uint32_t zero;
};

struct link_session_established {
	uint64_t conn;
	uint64_t card;   // said before by CARD_ADD; 0: the peer showed no certificate
	uint32_t offset; // consumed; what is behind it is the record layer's
	uint32_t zero;
	struct record_secrets secrets;
};

struct link_session_close {
	uint64_t conn;
	uint16_t reason; // enum reason
	// 1: a reset, at once. 0: what was given to be sent goes out first; and, of an established
	// one, close_notify.
	uint8_t abort;
	uint8_t zero[5];
};

struct link_sessions_wanted {
	uint32_t cursor; // of the last SESSIONS_END; 0: from the start
	uint32_t zero;
};

struct link_session_is {
	uint64_t conn;
	uint64_t card;               // 0: the peer showed no certificate
	uint64_t since_ms;           // it is established
	uint64_t n_received, n_sent; // messages
	struct endpoint remote;
	struct link_target target; // all zero of an accepted one
	uint16_t listener;
	uint8_t role;    // enum record_role
	uint8_t state;   // enum link_session_state
	uint8_t version; // enum record_version
	uint8_t suite;   // enum record_suite
	uint8_t zero[2];
};

struct link_sessions_end {
	uint32_t cursor; // the worker's own: it is given back
	uint8_t more;    // 1: ask again, from there on
	uint8_t zero[3];
};

struct link_card {
	uint64_t card; // its name, never 0
	struct card is;
	uint8_t zero[4];
};

struct link_card_wanted {
	uint64_t card;
};

struct link_message {
	uint16_t type;    // enum link_type
	uint16_t n_bytes; // used, the header included: what lies behind them is undefined
	uint32_t epoch;   // of the attachment it belongs to
	union {
		uint8_t bytes[LINK_SLOT_BYTES - LINK_HEADER_BYTES];
		struct link_ping ping;
		struct link_pong pong;
		struct link_applied applied;
		struct link_target_wanted target_wanted;
		struct link_target_told target_state;
		struct link_target_open target_open;
		struct link_target_refused target_refused;
		struct link_session_opened session_opened;
		struct link_session_bytes session_bytes;
		struct link_session_ended session_ended;
		struct link_session_send session_send;
		struct link_session_consumed session_consumed;
		struct link_session_established session_established;
		struct link_session_close session_close;
		struct link_sessions_wanted sessions_wanted;
		struct link_session_is session_is;
		struct link_sessions_end sessions_end;
		struct link_card card;
		struct link_card_wanted card_wanted;
	};
};

_Static_assert(sizeof(struct link_message) == LINK_SLOT_BYTES, "one slot");

// n_bytes of a message whose tail is empty, or that has none.
enum link_bytes {
#define LINK_MESSAGE(name, direction, payload, n_tail)               \
	LINK_BYTES_##name = offsetof(struct link_message, payload) + \
		sizeof(((struct link_message *)NULL)->payload) - (n_tail),
#include "lib/link/message.def"
#undef LINK_MESSAGE
};

static inline uint16_t link_bytes_of(enum link_type type)
{
	switch (type) {
#define LINK_MESSAGE(name, direction, payload, n_tail) \
	case LINK_##name:                              \
		return LINK_BYTES_##name;
#include "lib/link/message.def"
#undef LINK_MESSAGE
	case LINK_NONE:
	case LINK_N:
		break;
	}
	return 0;
}

// An empty one of that type: its fields zero, its tail empty. Only what is used is written.
static inline void link_message_init(struct link_message *m, enum link_type type)
{
	uint16_t n_bytes = link_bytes_of(type);

	memset(m, 0, n_bytes);
	m->type = (uint16_t)type;
	m->n_bytes = n_bytes;
}

// Appends to the tail of a message that has one, and counts it there. False where it does not fit.
bool link_message_append(struct link_message *m, const void *bytes, size_t n_bytes);

// Copies what is used of a message that was checked, or made here.
static inline void link_message_copy(struct link_message *to, const struct link_message *m)
{
	memcpy(to, m, m->n_bytes);
}

// Overwrites what is used where it holds secrets: everybody does who held it.
void link_message_wipe(struct link_message *m);

// NULL when m is one that a receiver at this end of direction may act on: known type, right
// direction, this epoch, the size that its type and its count make, fields in their ranges, unused
// ones zero; otherwise which rule it breaks (static text).
const char *link_message_check(
	const struct link_message *m, enum link_direction direction, uint32_t epoch);
