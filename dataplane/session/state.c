// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/session/sessions_state.h"

// SESSION_NONE is 0 and the state after several events, so what is there is marked.
struct step {
	bool legal;
	uint8_t to; // enum session_state
};

#define TO(state)                     \
	{                             \
		true, SESSION_##state \
	}

static const struct step steps[SESSION_STATE_N][SESSION_EVENT_N] = {
	[SESSION_NONE] =
		{
			[SESSION_ON_BEGUN] = TO(RECORD),
		},
	[SESSION_RECORD] =
		{
			[SESSION_ON_WHOLE] = TO(SHOWING),
			// A client's, when the last word was its own: TLS 1.3.
			[SESSION_ON_HANDED_OVER] = TO(UP),
			[SESSION_ON_HANDED_OVER_UNCONFIRMED] = TO(UNCONFIRMED),
			[SESSION_ON_CLOSED] = TO(OVER),
			[SESSION_ON_GONE] = TO(NONE),
		},
	[SESSION_SHOWING] =
		{
			[SESSION_ON_SHOWN] = TO(CONTROL),
			[SESSION_ON_CLOSED] = TO(OVER),
			[SESSION_ON_GONE] = TO(NONE),
		},
	[SESSION_CONTROL] =
		{
			[SESSION_ON_CONSUMED] = TO(RECORD),
			[SESSION_ON_HANDED_OVER] = TO(UP),
			[SESSION_ON_HANDED_OVER_UNCONFIRMED] = TO(UNCONFIRMED),
			[SESSION_ON_CLOSED] = TO(OVER),
			[SESSION_ON_GONE] = TO(NONE),
		},
	[SESSION_UNCONFIRMED] =
		{
			[SESSION_ON_HEARD] = TO(UP),
			[SESSION_ON_CLOSED] = TO(OVER),
			[SESSION_ON_GONE] = TO(NONE),
		},
	[SESSION_UP] =
		{
			[SESSION_ON_CLOSED] = TO(OVER),
			[SESSION_ON_GONE] = TO(NONE),
		},
	[SESSION_OVER] =
		{
			[SESSION_ON_GONE] = TO(NONE),
		},
};

enum session_state session_state_after(enum session_state state, enum session_event event)
{
	if ((unsigned)state >= SESSION_STATE_N || (unsigned)event >= SESSION_EVENT_N ||
		!steps[state][event].legal)
		return SESSION_STATE_N;
	return (enum session_state)steps[state][event].to;
}

bool session_step(struct sessions *s, struct session *t, enum session_event event)
{
	enum session_state before = (enum session_state)t->state;
	enum session_state after = session_state_after(before, event);

	if (after == SESSION_STATE_N)
		return false;
	s->n_negotiating += session_state_is_negotiating((uint8_t)after);
	s->n_negotiating -= session_state_is_negotiating((uint8_t)before);
	s->n_established += session_state_is_established((uint8_t)after);
	s->n_established -= session_state_is_established((uint8_t)before);
	t->state = (uint8_t)after;
	return true;
}
