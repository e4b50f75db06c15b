// SPDX-License-Identifier: BSD-3-Clause
// A dataplane without ports for tests: two workers that take up generations and rings, main's
// attachment, publisher and pattern compiler. One thread plays all of them, turn by turn.

#pragma once

#include "dataplane/attach/attach.h"

#define SMALL_WORKERS 2

// What the relay of a worker was told; stands in for relay.c's own.
struct relay {
	struct decider *decider;
	const struct image *image;
	unsigned n_changes;
};

struct small_dataplane {
	struct core_map map;
	struct worker *workers;
	struct relay relays[SMALL_WORKERS];
	struct publisher publisher;
	struct attachment *attachment;
	char folder[32];
};

// Fails the test where it cannot.
void small_open(struct small_dataplane *s);
void small_close(struct small_dataplane *s);

// A turn of each worker, not of main.
void small_work(struct small_dataplane *s);
// A turn of main at that time, and of each worker.
void small_turn(struct small_dataplane *s, int64_t now_ms);

int64_t small_clock_ms(void);
