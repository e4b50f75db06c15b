// SPDX-License-Identifier: BSD-3-Clause
// Sends requests when they are due and judges what is answered. Never sends anything again: what
// is lost is to be seen.
// Thread: the station's.

#pragma once

#include "tests/load/asked.h"
#include "tests/load/histogram.h"
#include "tests/load/pacer.h"
#include "tests/load/request.h"
#include "tests/load/station.h"

struct caller_config {
	struct station *station;
	const struct core_map *map;      // its listeners are the ways of UDP, in turn
	const struct requests *requests; // over TLS with as many domains as there are partners
	const struct mix *mix;
	struct endpoint target;
	uint32_t n_conns;   // of TCP and TLS
	uint32_t n_pending; // requests under way at once, at most; a power of two
	uint16_t tag;       // of the run, see asked.h
};

// Of the requests that fell due in the measured time; answers as long as they come.
struct caller_counts {
	uint64_t n_due, n_sent;
	uint64_t n_answered;    // each once, with a final response, right or not
	uint64_t n_provisional; // 1xx, on the way to that
	uint64_t n_late;        // so late that others had taken their place
	// Wrong:
	uint64_t n_stray;   // answer no request of ours
	uint64_t n_again;   // answer one that had been answered
	uint64_t n_refused; // another status than 2xx
	uint64_t n_altered; // Via or CSeq are not the request's
	unsigned last_refusal;
	struct histogram latency; // ns, from when it was due to its answer, of 2xx
};

struct caller;

struct caller *caller_new(const struct caller_config *config); // NULL with errno
void caller_free(struct caller *c);

// From now on at this rate; 0 stops.
void caller_pace(struct caller *c, double rate, uint64_t now_ns);
// Counts from now on only what falls due from now on.
void caller_count_from(struct caller *c, uint64_t now_ns);
// What fell due before then counts and is still sent; nothing falls due any more.
void caller_count_until(struct caller *c, uint64_t end_ns);
// Sends what is due, at most a burst. True when more is due.
bool caller_turn(struct caller *c, uint64_t now_ns);
void caller_hear(struct caller *c, const struct sip_message *m, uint64_t now_ns);

// Whether a request with that id waits for its answer, and when it fell due.
bool caller_due(const struct caller *c, uint64_t id, uint64_t *due_ns);

// Every connection is open, and a request has been answered by anything at all.
bool caller_is_through(const struct caller *c);
// Nothing that counts waits for its answer.
bool caller_is_settled(const struct caller *c);
const struct caller_counts *caller_counts(const struct caller *c);

static inline uint64_t caller_lost(const struct caller_counts *c)
{
	return c->n_sent - c->n_answered;
}

static inline uint64_t caller_wrong(const struct caller_counts *c)
{
	return c->n_stray + c->n_again + c->n_refused + c->n_altered;
}
