// SPDX-License-Identifier: BSD-3-Clause
// The table behind sessions.h: entries, lists and the cards they share. Private to this folder.

#pragma once

#include "control/session/cards.h"
#include "control/session/sessions.h"
#include "control/session/state.h"

#include <sys/queue.h>

// A session is in one list: those with a bound on their time in the order in which it ends, since
// it is the same for all of a list.
enum session_list {
	LIST_HELD, // those that came before any handshake can begin
	LIST_HANDSHAKE,
	LIST_CARD,     // waits for its card
	LIST_STANDING, // without a bound
	LIST_CLOSING,
	LIST_N,
};

// What follows the words that a step had for the peer.
enum session_after {
	AFTER_GO_ON,
	AFTER_ESTABLISH,
	AFTER_CLOSE,
};

struct session {
	uint32_t generation; // high half of its id
	uint8_t state;       // enum session_state, by session_step()
	uint8_t list;        // enum session_list
	uint8_t role;        // enum record_role
	uint8_t after;       // enum session_after
	uint16_t worker;
	uint16_t listener;
	uint64_t conn;
	struct endpoint remote;
	struct link_target target;
	uint64_t since_ns;    // opened; then established
	uint64_t deadline_ns; // 0: none

	bool has_handshake; // in the pool
	bool is_unsaid;     // in the list of those that wait for room
	bool card_said;
	bool is_whole; // the record
	bool was_established;
	uint8_t abort;
	uint16_t reason;   // to close it for
	uint32_t n_shown;  // offset behind what the worker has shown
	uint32_t n_given;  // offset behind the last record that the handshake was given
	uint32_t n_taken;  // offset up to which the worker was told to drop
	uint32_t n_record; // of the record that is not given yet
	uint8_t *record;
	uint32_t n_words, n_said; // for the peer
	uint8_t *words;
	struct record_secrets *secrets; // until they are said

	uint8_t version, suite;
	struct session_card *card; // NULL: none yet
	uint64_t n_received, n_sent;

	struct session *next_in_bucket; // or of the free ones
	TAILQ_ENTRY(session) in_list;
	TAILQ_ENTRY(session) in_unsaid;
	TAILQ_ENTRY(session) in_card;
};

TAILQ_HEAD(session_queue, session);

// What a worker is asked for.
struct session_worker {
	bool listing;      // its sessions are not all told
	uint32_t cursor;   // to go on from
	uint32_t n_rounds; // of this listing
	uint64_t asked_ns; // 0: not yet
};

struct sessions {
	struct sessions_host host;
	void *arg;
	struct sessions_config config;
	unsigned n_workers;
	struct session_worker workers[SESSIONS_WORKERS_MAX];
	struct session *all;
	uint32_t n_used; // of all, ever
	struct session *free;
	uint32_t bucket_mask;
	struct session **buckets;
	struct session_queue lists[LIST_N];
	uint32_t n_in[LIST_N];
	struct session_queue unsaid;
	struct session_cards cards;
	struct sessions_counts counts;
};

uint64_t session_id(const struct sessions *s, const struct session *se);
struct session *session_of_id(const struct sessions *s, uint64_t id); // NULL: gone
struct session *session_find(const struct sessions *s, unsigned worker, uint64_t conn);
// In state FREE, in list; NULL where the table is full.
struct session *session_add(struct sessions *s, unsigned worker, uint64_t conn,
	enum session_list list, uint64_t now_ns);
void session_remove(struct sessions *s, struct session *se);
void session_move(
	struct sessions *s, struct session *se, enum session_list list, uint64_t deadline_ns);
void session_set_unsaid(struct sessions *s, struct session *se, bool unsaid);
// Its handshake is of no use any more.
void session_leave_pool(struct sessions *s, struct session *se);
// That, and what else it holds of one; secrets are wiped.
void session_drop_handshake(struct sessions *s, struct session *se);
struct session_row session_describe(
	const struct sessions *s, const struct session *se, uint64_t now_ns);
// A message that does not fit: counted.
void session_bad(struct sessions *s);
// The event, by the table of states.
void session_advance(struct sessions *s, struct session *se, enum session_event event);

// handshake.c: the messages of one, and what is said of it.
void session_hear_opened(
	struct sessions *s, unsigned worker, const struct link_session_opened *m, uint64_t now_ns);
void session_hear_bytes(
	struct sessions *s, unsigned worker, const struct link_session_bytes *m, uint64_t now_ns);
void session_hear_ended(
	struct sessions *s, unsigned worker, const struct link_session_ended *m, uint64_t now_ns);
// Those that are held begin now.
void session_release(struct sessions *s, uint64_t now_ns);
// Says what waits, as far as there is room.
void session_flush(struct sessions *s, struct session *se, uint64_t now_ns);
void session_close(
	struct sessions *s, struct session *se, enum reason reason, bool abort, uint64_t now_ns);

// listing.c: what outlived a former control.
void session_hear_is(
	struct sessions *s, unsigned worker, const struct link_session_is *m, uint64_t now_ns);
void session_hear_end_of_list(
	struct sessions *s, unsigned worker, const struct link_sessions_end *m, uint64_t now_ns);
void session_hear_card(
	struct sessions *s, unsigned worker, const struct link_card *m, uint64_t now_ns);
void session_begin_listing(struct sessions *s, unsigned worker);
void session_ask(struct sessions *s, uint64_t now_ns);
