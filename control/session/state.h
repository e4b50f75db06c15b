// SPDX-License-Identifier: BSD-3-Clause
// States of a session in control: one const table. Pure. Private to this folder.

#pragma once

#include <stdbool.h>

enum session_state {
#define SESSION_STATE(name, text) SESSION_##name,
#include "control/session/session_state.def"
#undef SESSION_STATE
	SESSION_STATE_N,
};

enum session_event {
#define SESSION_EVENT(name) SESSION_ON_##name,
#include "control/session/session_event.def"
#undef SESSION_EVENT
	SESSION_EVENT_N,
};

// As `fedctl sessions` says it.
const char *session_state_text(enum session_state state);

// The state after an event. False: it cannot happen in that state, which stays.
bool session_step(enum session_state *state, enum session_event event);
