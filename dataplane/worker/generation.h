// SPDX-License-Identifier: BSD-3-Clause
// One published policy in the dataplane: the image copied to each NUMA node in use, its compiled
// patterns, and a decider for each worker. Made and freed by main; a worker swaps to it between two
// bursts and shows it in applied_generation. That acknowledgement is the quiescent state: when
// every worker shows the new one, nobody reads the old one.

#pragma once

#include "lib/policy/decide.h"

#define GENERATION_WORKERS_MAX 64

struct generation {
	uint64_t number;
	struct image_info info;
	unsigned n_workers;
	struct policy *policy[GENERATION_WORKERS_MAX];   // by worker; workers of a node share one
	struct decider *decider[GENERATION_WORKERS_MAX]; // by worker, its own
	void *owned; // memory of the copies, for generation_free()
};

// bytes: the image as received, in memory that nobody else can write (the caller's own copy).
// database: compiled for it, NULL without patterns; taken over on success, the caller's on failure.
// nodes: NUMA node of each worker. NULL with errno, and why in *error (static text).
struct generation *generation_new(const void *bytes, size_t n_bytes, hs_database_t *database,
	const int nodes[], unsigned n_workers, const char **error);
void generation_free(struct generation *g);
