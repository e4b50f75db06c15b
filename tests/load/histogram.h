// SPDX-License-Identifier: BSD-3-Clause
// How long things took: counts in buckets that grow with the value, so that any quantile from
// nanoseconds to minutes is known to 1/64 of itself in fixed memory. Pure; the struct is the
// caller's, zero when empty.

#pragma once

#include <stdint.h>

#define HISTOGRAM_STEPS   64 // buckets of equal width between one power of two and the next
#define HISTOGRAM_BUCKETS (HISTOGRAM_STEPS * 59)

struct histogram {
	uint64_t n;
	uint64_t max;
	uint64_t counts[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t value);
// The least value that at least share (0 to 1) of all are not above: exact below HISTOGRAM_STEPS
// and for the largest, otherwise up to 1/64 too large. 0 when empty.
uint64_t histogram_quantile(const struct histogram *h, double share);
