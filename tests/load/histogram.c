// SPDX-License-Identifier: BSD-3-Clause

#include "tests/load/histogram.h"

#include <math.h>

#define STEP_BITS 6
_Static_assert(HISTOGRAM_STEPS == 1 << STEP_BITS, "a bucket's number is made of bits");

// Below HISTOGRAM_STEPS each value has its own; above, the exponent and the STEP_BITS bits that
// follow the highest one.
static unsigned bucket_of(uint64_t value)
{
	unsigned shift;

	if (value < HISTOGRAM_STEPS)
		return (unsigned)value;
	shift = 63 - (unsigned)__builtin_clzll(value) - STEP_BITS;
	return (shift << STEP_BITS) + (unsigned)(value >> shift);
}

static uint64_t last_of(unsigned bucket)
{
	unsigned shift;

	if (bucket < 2 * HISTOGRAM_STEPS)
		return bucket;
	shift = (bucket >> STEP_BITS) - 1;
	return ((uint64_t)(bucket - (shift << STEP_BITS)) << shift) + ((UINT64_C(1) << shift) - 1);
}

void histogram_add(struct histogram *h, uint64_t value)
{
	h->counts[bucket_of(value)]++;
	h->n++;
	if (value > h->max)
		h->max = value;
}

uint64_t histogram_quantile(const struct histogram *h, double share)
{
	uint64_t rank = (uint64_t)ceil(share * (double)h->n), n = 0;

	if (h->n == 0)
		return 0;
	for (unsigned b = 0; b < HISTOGRAM_BUCKETS; b++) {
		n += h->counts[b];
		if (n >= rank && n > 0)
			return last_of(b) < h->max ? last_of(b) : h->max;
	}
	return h->max;
}
