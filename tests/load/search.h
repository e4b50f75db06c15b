// SPDX-License-Identifier: BSD-3-Clause
// The highest rate that passes (RFC 2544 §26.1, throughput): doubled or halved until one passes and
// one fails, then halved between them. Pure.

#pragma once

#include <stdbool.h>

#define SEARCH_TRIALS_MAX 40

struct search {
	double first;
	double precision;      // a share of the rate
	double passed, failed; // highest and lowest so far; 0: none yet
	unsigned n_trials;
};

void search_init(struct search *s, double first, double precision);
// The rate to try now; 0 when the search has ended.
double search_next(const struct search *s);
void search_tell(struct search *s, double rate, bool passed);
// The highest rate that has passed; 0: none has.
double search_found(const struct search *s);
