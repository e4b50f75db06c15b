// SPDX-License-Identifier: BSD-3-Clause
// Ring messages between control and a worker: plain data of one fixed size.
// The receiver copies a message out of the ring, then checks the copy with link_message_check(),
// then acts. It believes nothing before.

#pragma once

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
	};
};

_Static_assert(sizeof(struct link_message) == LINK_MESSAGE_BYTES, "one slot");

// NULL when m is one that a receiver at this end of direction may act on: known type, right
// direction, this epoch, unused bytes zero; otherwise which rule it breaks (static text).
const char *link_message_check(
	const struct link_message *m, enum link_direction direction, uint32_t epoch);
