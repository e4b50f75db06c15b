// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/state.h"

static const char *const names[TCP_STATE_N] = {
#define TCP_STATE(name) [TCP_STATE_##name] = #name,
#include "lib/tcp/tcp_state.def"
#undef TCP_STATE
};

// TCP_STATE_CLOSED is 0 and the state after several events, so what is there is marked.
struct step {
	bool legal;
	uint8_t to; // enum tcp_state
};

#define TO(state)                       \
	{                               \
		true, TCP_STATE_##state \
	}

static const struct step steps[TCP_STATE_N][TCP_EVENT_N] = {
	[TCP_STATE_CLOSED] =
		{
			[TCP_EVENT_OPEN] = TO(SYN_SENT),
			[TCP_EVENT_ACCEPT] = TO(SYN_RECEIVED),
			[TCP_EVENT_COOKIE_ACKED] = TO(ESTABLISHED),
		},
	[TCP_STATE_SYN_SENT] =
		{
			[TCP_EVENT_PEER_SYN] = TO(SYN_RECEIVED),
			[TCP_EVENT_PEER_SYN_ACK] = TO(ESTABLISHED),
			[TCP_EVENT_END] = TO(CLOSED),
		},
	// A FIN of theirs comes with the ACK that ends this state; one of ours waits for it.
	[TCP_STATE_SYN_RECEIVED] =
		{
			[TCP_EVENT_SYN_ACKED] = TO(ESTABLISHED),
			[TCP_EVENT_END] = TO(CLOSED),
		},
	[TCP_STATE_ESTABLISHED] =
		{
			[TCP_EVENT_CLOSE] = TO(FIN_WAIT_1),
			[TCP_EVENT_PEER_FIN] = TO(CLOSE_WAIT),
			[TCP_EVENT_END] = TO(CLOSED),
		},
	[TCP_STATE_FIN_WAIT_1] =
		{
			[TCP_EVENT_FIN_ACKED] = TO(FIN_WAIT_2),
			[TCP_EVENT_PEER_FIN] = TO(CLOSING),
			[TCP_EVENT_END] = TO(CLOSED),
		},
	[TCP_STATE_FIN_WAIT_2] =
		{
			[TCP_EVENT_PEER_FIN] = TO(TIME_WAIT),
			[TCP_EVENT_END] = TO(CLOSED),
		},
	[TCP_STATE_CLOSE_WAIT] =
		{
			[TCP_EVENT_CLOSE] = TO(LAST_ACK),
			[TCP_EVENT_END] = TO(CLOSED),
		},
	[TCP_STATE_CLOSING] =
		{
			[TCP_EVENT_FIN_ACKED] = TO(TIME_WAIT),
			[TCP_EVENT_END] = TO(CLOSED),
		},
	[TCP_STATE_LAST_ACK] =
		{
			[TCP_EVENT_FIN_ACKED] = TO(CLOSED),
			[TCP_EVENT_END] = TO(CLOSED),
		},
	[TCP_STATE_TIME_WAIT] =
		{
			[TCP_EVENT_END] = TO(CLOSED),
		},
};

const char *tcp_state_name(enum tcp_state state)
{
	return (unsigned)state < TCP_STATE_N ? names[state] : "unknown";
}

enum tcp_state tcp_state_after(enum tcp_state state, enum tcp_state_event event)
{
	if ((unsigned)state >= TCP_STATE_N || (unsigned)event >= TCP_EVENT_N ||
		!steps[state][event].legal)
		return TCP_STATE_N;
	return (enum tcp_state)steps[state][event].to;
}
