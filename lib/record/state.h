// SPDX-License-Identifier: BSD-3-Clause
// The one place where a session's state changes: a const table of state × event. What is not in the
// table is illegal and changes nothing. Pure.

#pragma once

#include <stdbool.h>
#include <stdint.h>

enum record_state {
#define RECORD_STATE(name) RECORD_STATE_##name,
#include "lib/record/session_state.def"
#undef RECORD_STATE
	RECORD_STATE_N,
};

enum record_state_event {
#define RECORD_EVENT(name) RECORD_EVENT_##name,
#include "lib/record/session_event.def"
#undef RECORD_EVENT
	RECORD_EVENT_N,
};

const char *record_state_name(enum record_state state);

// The state after an event; RECORD_STATE_N where the event cannot be.
enum record_state record_state_after(enum record_state state, enum record_state_event event);

static inline bool record_state_receives(enum record_state s)
{
	return s == RECORD_STATE_OPEN || s == RECORD_STATE_CLOSE_SENT;
}
static inline bool record_state_sends(enum record_state s)
{
	return s == RECORD_STATE_OPEN || s == RECORD_STATE_PEER_CLOSED;
}
