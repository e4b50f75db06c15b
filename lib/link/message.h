// SPDX-License-Identifier: BSD-3-Clause
// Ring messages between control and a worker: plain data of one fixed size.
// The receiver copies a message out of the ring, then checks the copy with link_message_check(),
// then acts. It believes nothing before.

#pragma once

#include "lib/base/addr.h"
#include "lib/base/reason.h"

#include <stdbool.h>
#include <stdint.h>

#define LINK_MESSAGE_BYTES 128

enum link_direction {
	LINK_TO_WORKER,
	LINK_TO_CONTROL,
};

enum link_type {
	LINK_NONE,
#define LINK_MESSAGE(name, direction, payload) LINK_##name,
#include "lib/link/message.def"
#undef LINK_MESSAGE
	LINK_N,
};

#define LINK_TARGET_SLOTS        4
#define LINK_TARGET_LISTENERS    64
#define LINK_TARGET_RETRY_MS_MAX 600000

struct link_target {
	struct endpoint remote;
	uint16_t listener; // index in the core map
	uint8_t slot;      // < LINK_TARGET_SLOTS
	uint8_t zero[5];
};

enum link_target_state {
	LINK_TARGET_UP,
	LINK_TARGET_ENDED,  // was up
	LINK_TARGET_FAILED, // never came up
	LINK_TARGET_STATE_N,
};

struct link_message {
	uint16_t type; // enum link_type
	uint16_t zero;
	uint32_t epoch; // of the attachment it belongs to
	union {
		uint8_t bytes[LINK_MESSAGE_BYTES - 8]; // unused ones are zero
		struct {
			uint64_t token;
		} ping;
		struct {
			uint64_t token;
			uint64_t generation; // 0: none yet
		} pong;
		struct {
			uint64_t generation;
			uint64_t applied_at_ns; // CLOCK_MONOTONIC of the dataplane
		} applied;
		struct {
			struct link_target target;
		} target_wanted;
		struct {
			struct link_target target;
			uint8_t state; // enum link_target_state
			uint8_t zero;
			uint16_t reason;     // enum reason; REASON_none when it is up
			uint32_t lost_bytes; // written and never acknowledged, when it ended
			uint64_t since_ms;   // that state
		} target_state;
		struct {
			struct link_target target;
		} target_open;
		struct {
			struct link_target target;
			uint32_t retry_ms; // 1 to LINK_TARGET_RETRY_MS_MAX
			uint32_t zero;
		} target_refused;
	};
};

_Static_assert(sizeof(struct link_message) == LINK_MESSAGE_BYTES, "one slot");

// NULL when m is one that a receiver at this end of direction may act on: known type, right
// direction, this epoch, unused bytes zero, fields in their ranges; otherwise which rule it breaks
// (static text).
const char *link_message_check(
	const struct link_message *m, enum link_direction direction, uint32_t epoch);
