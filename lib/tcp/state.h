// SPDX-License-Identifier: BSD-3-Clause
// The one place where a connection's state changes: a const table of state × event (RFC 9293
// §3.3.2, figure 5). What is not in the table is illegal and changes nothing. Pure.

#pragma once

#include <stdbool.h>
#include <stdint.h>

enum tcp_state {
#define TCP_STATE(name) TCP_STATE_##name,
#include "lib/tcp/tcp_state.def"
#undef TCP_STATE
	TCP_STATE_N,
};

enum tcp_state_event {
#define TCP_EVENT(name) TCP_EVENT_##name,
#include "lib/tcp/tcp_event.def"
#undef TCP_EVENT
	TCP_EVENT_N,
};

const char *tcp_state_name(enum tcp_state state);

// The state after an event; TCP_STATE_N where the event cannot be.
enum tcp_state tcp_state_after(enum tcp_state state, enum tcp_state_event event);

// Groups of states that the RFC's text speaks of.
static inline bool tcp_state_is_synchronized(enum tcp_state s)
{
	return s >= TCP_STATE_ESTABLISHED;
}
// The peer may still send.
static inline bool tcp_state_receives(enum tcp_state s)
{
	return s == TCP_STATE_ESTABLISHED || s == TCP_STATE_FIN_WAIT_1 || s == TCP_STATE_FIN_WAIT_2;
}
