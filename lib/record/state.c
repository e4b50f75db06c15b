// SPDX-License-Identifier: BSD-3-Clause

#include "lib/record/state.h"

static const char *const names[RECORD_STATE_N] = {
#define RECORD_STATE(name) [RECORD_STATE_##name] = #name,
#include "lib/record/session_state.def"
#undef RECORD_STATE
};

// RECORD_STATE_OPEN is 0 and no event leads to it, so 0 marks what is illegal.
static const uint8_t steps[RECORD_STATE_N][RECORD_EVENT_N] = {
	[RECORD_STATE_OPEN] =
		{
			[RECORD_EVENT_CLOSE] = RECORD_STATE_CLOSE_SENT,
			[RECORD_EVENT_PEER_CLOSE] = RECORD_STATE_PEER_CLOSED,
			[RECORD_EVENT_FAIL] = RECORD_STATE_FAILED,
		},
	[RECORD_STATE_PEER_CLOSED] =
		{
			[RECORD_EVENT_CLOSE] = RECORD_STATE_CLOSED,
			[RECORD_EVENT_FAIL] = RECORD_STATE_FAILED,
		},
	[RECORD_STATE_CLOSE_SENT] =
		{
			[RECORD_EVENT_PEER_CLOSE] = RECORD_STATE_CLOSED,
			[RECORD_EVENT_FAIL] = RECORD_STATE_FAILED,
		},
};

const char *record_state_name(enum record_state state)
{
	return (unsigned)state < RECORD_STATE_N ? names[state] : "unknown";
}

enum record_state record_state_after(enum record_state state, enum record_state_event event)
{
	if ((unsigned)state >= RECORD_STATE_N || (unsigned)event >= RECORD_EVENT_N ||
		steps[state][event] == 0)
		return RECORD_STATE_N;
	return (enum record_state)steps[state][event];
}
