// SPDX-License-Identifier: BSD-3-Clause
// Threads that make the handshakes: signatures and chains would hold up the loop for a millisecond
// each. A session is one thread's from its beginning to its end, so its steps are made in order;
// what came of each is told on the loop's thread.
//
// Callers: server.c. All functions are the loop's thread's.

#pragma once

#include "control/tls/handshake.h"

#include <uv.h>

struct pool;

#define POOL_THREADS_MAX  64
#define POOL_DETAIL_BYTES 160

struct pool_answer {
	uint64_t id;
	enum tls_step step;
	struct view output; // to be sent; of the answer
	// When done, and after a failure as far as it was read.
	bool has_card;
	struct card card;
	uint64_t card_name;            // 0 without one
	struct record_secrets secrets; // when done
	enum tls_refusal refusal;      // when failed
	char detail[POOL_DETAIL_BYTES];
	struct tls_handshake_facts facts;
};

struct pool_config {
	uv_loop_t *loop;
	unsigned n_threads;     // 1 to POOL_THREADS_MAX
	uint32_t n_max;         // the lower half of an id is less; the upper half grows, from 1 on
	int64_t (*now_s)(void); // seconds since the epoch, by any thread; NULL: the machine's clock
	void (*answered)(
		void *arg, const struct pool_answer *answer); // the answer is wiped after it
	void *arg;
};

// NULL with errno.
struct pool *pool_new(const struct pool_config *config);
// No answer comes any more. The loop must run once more for its handle to close. NULL is fine.
void pool_free(struct pool *p);

// A handshake begins, and as a client makes its first step. context: a reference, given away in any
// case. params: copied. False: out of memory.
bool pool_begin(
	struct pool *p, uint64_t id, struct tls_context *context, const struct tls_params *params);
// One record: copied; the next one of a session after the answer to this one. Is answered, be it
// with a failure, unless memory has run out. Goes before sessions that begin, once one of its own
// has been answered.
void pool_step(struct pool *p, uint64_t id, struct view record);
// What was given of it and is not done yet is not done.
void pool_drop(struct pool *p, uint64_t id);

// Name of a card: of its SHA-256, never 0.
uint64_t pool_card_name(const struct card *card);
