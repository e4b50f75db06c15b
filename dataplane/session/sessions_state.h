// SPDX-License-Identifier: BSD-3-Clause
// What the files of sessions share. Nobody else includes it.
//
//   sessions.c     beginning and end, and its user's questions
//   state.c        states and their table
//   negotiate.c    between connection and control, until the hand-over
//   data.c         records of established sessions
//   list.c         what a control that has just attached asks
//   cards.c        identity cards

#pragma once

#include "dataplane/session/cards.h"
#include "dataplane/session/sessions.h"

enum session_state {
#define SESSION_STATE(name) SESSION_##name,
#include "dataplane/session/session_state.def"
#undef SESSION_STATE
	SESSION_STATE_N,
};

enum session_event {
#define SESSION_EVENT(name) SESSION_ON_##name,
#include "dataplane/session/session_event.def"
#undef SESSION_EVENT
	SESSION_EVENT_N,
};

#define NS_A_SECOND UINT64_C(1000000000)

// All that a handshake may show, of chains of certificates too.
#define SESSION_SHOWN_BYTES_MAX 65536

// One connection's. An idle one costs this and nothing else.
struct session {
	uint32_t generation; // of its connection's id
	uint8_t state;       // enum session_state
	uint8_t role;        // enum record_role
	uint8_t listener;
	uint8_t alert;         // the peer's fatal one, RECORD_ALERT_NONE without
	bool is_finished;      // by its peer, while negotiating
	bool is_listed;        // in the list of those in SHOWING, or was when it ended
	uint32_t next_showing; // index + 1
	union {
		struct {                          // while negotiating
			uint32_t shown, consumed; // of all that has come
			uint32_t n_record;        // bytes of the record under way
		};
		struct {                             // established
			uint64_t n_received, n_sent; // messages
			uint32_t card;               // number, 0: none
			uint32_t since_s;
		};
	};
	struct endpoint remote;
	struct record_session record;
};

struct sessions {
	struct sessions_config config;
	struct session *list; // by the index of a connection
	struct cards *cards;
	uint32_t first_showing, last_showing; // those in SHOWING, in their order; index + 1
	uint32_t n_negotiating, n_established;
	// Text to be sealed, or records to be opened that lie in several pieces.
	uint8_t *scratch;
	uint32_t scratch_bytes;
};

static inline bool session_state_is_established(uint8_t state)
{
	return state == SESSION_UP || state == SESSION_UNCONFIRMED;
}

static inline bool session_state_is_negotiating(uint8_t state)
{
	return state == SESSION_RECORD || state == SESSION_SHOWING || state == SESSION_CONTROL;
}

static inline tcp_conn_id session_conn(const struct sessions *s, const struct session *t)
{
	return (uint64_t)t->generation << 32 | (uint32_t)(t - s->list);
}

// NULL: the connection is none.
static inline struct session *session_of(const struct sessions *s, tcp_conn_id conn)
{
	uint32_t index = (uint32_t)conn;
	struct session *t = index < s->config.n_conns ? &s->list[index] : NULL;

	return t != NULL && t->state != SESSION_NONE && t->generation == conn >> 32 ? t : NULL;
}

static inline void sessions_count(struct sessions *s, enum reason reason)
{
	s->config.counters[reason]++;
}

static inline bool sessions_tell(struct sessions *s, const struct link_message *m)
{
	return s->config.tell_control(s->config.arg, m, false);
}

// state.c
// Changes the state by the table, and what is counted by it. False, and nothing has changed, for an
// event that cannot be.
bool session_step(struct sessions *s, struct session *t, enum session_event event);
// The state after an event; SESSION_STATE_N where there is none.
enum session_state session_state_after(enum session_state state, enum session_event event);

// list.c
// Those that are established, from a cursor on.
void sessions_list(struct sessions *s, uint32_t cursor, uint64_t now);
void sessions_give_card(struct sessions *s, uint64_t card);

// data.c
// close_notify, where the session still may say it.
void session_say_goodbye(struct sessions *s, struct session *t);

// sessions.c
// It is over for its user, who closes the connection.
void session_fail(struct sessions *s, struct session *t, enum reason reason, uint64_t now);
