// SPDX-License-Identifier: BSD-3-Clause

#include "control/session/state.h"

#include <stdint.h>

static const char *const texts[SESSION_STATE_N] = {
#define SESSION_STATE(name, text) [SESSION_##name] = (text),
#include "control/session/session_state.def"
#undef SESSION_STATE
};

struct step {
	bool legal;
	uint8_t next; // enum session_state
};

#define TO(state)                     \
	{                             \
		true, SESSION_##state \
	}

static const struct step steps[SESSION_STATE_N][SESSION_EVENT_N] = {
	[SESSION_FREE] =
		{
			[SESSION_ON_HELD] = TO(AWAITS_KEYS),
			[SESSION_ON_ACCEPTED] = TO(AWAITS_RECORD),
			[SESSION_ON_OPENED] = TO(AWAITS_STEP),
			[SESSION_ON_LISTED] = TO(AWAITS_CARD),
		},
	[SESSION_AWAITS_KEYS] =
		{
			[SESSION_ON_ACCEPTED] = TO(AWAITS_RECORD),
			[SESSION_ON_OPENED] = TO(AWAITS_STEP),
			[SESSION_ON_CLOSE] = TO(AWAITS_ROOM),
			[SESSION_ON_ENDED] = TO(FREE),
		},
	[SESSION_AWAITS_RECORD] =
		{
			[SESSION_ON_RECORD] = TO(AWAITS_STEP),
			[SESSION_ON_CLOSE] = TO(AWAITS_ROOM),
			[SESSION_ON_ENDED] = TO(FREE),
		},
	[SESSION_AWAITS_STEP] =
		{
			[SESSION_ON_STEPPED] = TO(AWAITS_ROOM),
			[SESSION_ON_CLOSE] = TO(AWAITS_ROOM),
			[SESSION_ON_ENDED] = TO(FREE),
		},
	[SESSION_AWAITS_ROOM] =
		{
			[SESSION_ON_SAID] = TO(AWAITS_RECORD),
			[SESSION_ON_SAID_ESTABLISHED] = TO(ESTABLISHED),
			[SESSION_ON_SAID_CLOSE] = TO(AWAITS_END),
			[SESSION_ON_CLOSE] = TO(AWAITS_ROOM),
			[SESSION_ON_ENDED] = TO(FREE),
		},
	[SESSION_AWAITS_CARD] =
		{
			[SESSION_ON_CARD] = TO(ESTABLISHED),
			[SESSION_ON_CLOSE] = TO(AWAITS_ROOM),
			[SESSION_ON_ENDED] = TO(FREE),
		},
	[SESSION_ESTABLISHED] =
		{
			[SESSION_ON_CLOSE] = TO(AWAITS_ROOM),
			[SESSION_ON_ENDED] = TO(FREE),
		},
	[SESSION_AWAITS_END] =
		{
			[SESSION_ON_CLOSE] = TO(AWAITS_ROOM),
			[SESSION_ON_ENDED] = TO(FREE),
		},
};

const char *session_state_text(enum session_state state)
{
	return (unsigned)state < SESSION_STATE_N ? texts[state] : "?";
}

bool session_step(enum session_state *state, enum session_event event)
{
	const struct step *step = &steps[*state][event];

	if (step->legal)
		*state = (enum session_state)step->next;
	return step->legal;
}
