// SPDX-License-Identifier: BSD-3-Clause
// DNS as control uses it: a resolver, what finds partners by it, and the clock that the latter
// wants, on one loop. The loop's thread.

#pragma once

#include "control/dns/finder.h"

#define LOOKUP_NAMES_MAX 65536

struct lookup;

struct lookup_config {
	struct resolver_config resolver;
	enum finder_order order;
	uint64_t seed;
};

// NULL with errno.
struct lookup *lookup_new(uv_loop_t *loop, const struct lookup_config *config);
// No answer comes any more. Run the loop until it is empty before lookup_free().
void lookup_stop(struct lookup *l);
void lookup_free(struct lookup *l);

struct finder *lookup_finder(struct lookup *l);
