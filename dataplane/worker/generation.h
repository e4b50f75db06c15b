// SPDX-License-Identifier: BSD-3-Clause
// One published policy in the dataplane: the image copied to each NUMA node in use, its compiled
// patterns, and a decider for each worker. Made and freed by main; a worker swaps to it between two
// bursts and shows it in applied_generation. That acknowledgement is the quiescent state: when
// every worker shows the new one, nobody reads the old one.

#pragma once

#include "lib/policy/decide.h"

#define GENERATION_WORKERS_MAX 64

struct generation_node; // what the workers of one NUMA node share

struct generation {
	uint64_t number;
	struct image_info info;
	unsigned n_workers;
	struct policy *policy[GENERATION_WORKERS_MAX];   // by worker; workers of a node share one
	struct decider *decider[GENERATION_WORKERS_MAX]; // by worker, its own; NULL until armed
	struct generation_node *nodes;
};

// Copies an image out of a memfd, sealed and of n_bytes as its caller has checked, to the node of
// each worker, and checks the copies. Not yet fit for a worker. nodes: NUMA node of each worker,
// -1 for any. NULL with errno, and why in *error (static text).
struct generation *generation_read(
	int fd, size_t n_bytes, const int nodes[], unsigned n_workers, const char **error);
// Gives every node its own copy of the database, NULL without patterns, and every worker its
// decider. The database stays the caller's. 0 or -errno; after an error only generation_free().
int generation_arm(struct generation *g, const hs_database_t *database);

// Both in one, from an image in memory, which stays the caller's.
struct generation *generation_new(const void *bytes, size_t n_bytes, const hs_database_t *database,
	const int nodes[], unsigned n_workers, const char **error);
void generation_free(struct generation *g);
