// SPDX-License-Identifier: BSD-3-Clause
// What was asked of the dataplane and is not answered yet: at most one of each kind, each answered
// exactly once. The loop's thread. Private to this folder.

#pragma once

#include "control/link/dataplane.h"

struct requests {
	struct {
		dataplane_published_fn *done; // NULL: none asked
		void *arg;
		uint64_t generation, deadline_ns;
	} publish;
	struct {
		dataplane_counters_fn *done;
		void *arg;
		uint64_t deadline_ns;
		unsigned n_workers, n_got;
		bool got[ATTACH_WORKERS_MAX];
		struct attach_counters *of; // n_workers
	} counters;
	struct {
		dataplane_hits_fn *done;
		void *arg;
		uint64_t deadline_ns;
	} hits;
};

// Each takes what the dataplane said. NULL, or what is wrong with it (static text).
const char *requests_take_published(struct requests *r, const struct attach_published *p);
const char *requests_take_counters(struct requests *r, const struct attach_counters *c);
const char *requests_take_hits(struct requests *r, const struct attach_hits *h, int fd);

// Whether one has waited for too long.
bool requests_overdue(const struct requests *r, uint64_t now_ns);
// Answers all with error.
void requests_fail(struct requests *r, int error);
