// SPDX-License-Identifier: BSD-3-Clause
// Identity cards that sessions share: one for all sessions of one identity, by its name, which is a
// digest of it. It is there for as long as a session has it. Private to this folder.

#pragma once

#include "lib/policy/card.h"

#include <sys/queue.h>

struct session;

struct session_card {
	uint64_t name;
	bool is_known; // a worker named it and has not told it yet otherwise
	struct card is;
	uint32_t n_sessions;
	uint64_t asked_ns; // for it, where it is not known; 0: not yet
	TAILQ_HEAD(, session) sessions;
	struct session_card *next_in_bucket;
	TAILQ_ENTRY(session_card) in_all;
};

struct session_cards {
	uint64_t seed;
	uint32_t bucket_mask;
	struct session_card **buckets;
	TAILQ_HEAD(session_card_list, session_card) all; // the unknown ones first
	uint32_t n_unknown;
};

// n_max: about how many. False: out of memory.
bool session_cards_init(struct session_cards *c, uint32_t n_max, uint64_t seed);
void session_cards_fini(struct session_cards *c); // the sessions are gone already

struct session_card *session_cards_find(const struct session_cards *c, uint64_t name);
// The one of that name, for a session more: new where there is none, and known once is is not NULL.
// NULL where memory has run out, or another card has the name.
struct session_card *session_cards_get(
	struct session_cards *c, uint64_t name, const struct card *is, struct session *se);
// A session less; NULL of se->card afterwards.
void session_cards_put(struct session_cards *c, struct session *se);
// It has been told.
void session_cards_learn(struct session_cards *c, struct session_card *card, const struct card *is);
