// SPDX-License-Identifier: BSD-3-Clause
// Numbers that a seed decides, the same on every machine (SplitMix64; Steele, Lea and Flood, 2014).

#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rng {
	uint64_t state;
};

static inline uint64_t rng_mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static inline uint64_t rng_next(struct rng *r)
{
	r->state += 0x9e3779b97f4a7c15u;
	return rng_mix(r->state);
}

// 0 to n - 1; n > 0.
static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
	return (uint32_t)(((rng_next(r) >> 32) * n) >> 32);
}

// Both ends included.
static inline uint32_t rng_between(struct rng *r, uint32_t low, uint32_t high)
{
	return low + rng_below(r, high - low + 1);
}

// Small values as likely as large ones: each order of magnitude has the same share.
static inline uint32_t rng_scale(struct rng *r, uint32_t low, uint32_t high)
{
	uint32_t n = 0;

	for (uint32_t v = low; v < high; v = v * 2 + 1)
		n++;
	if (n > 0)
		n = rng_below(r, n + 1);
	for (; n > 0 && low < high; n--)
		low = low * 2 + 1;
	return low >= high ? high : rng_between(r, low, low * 2 < high ? low * 2 : high);
}

// True once in ten thousand / share times.
static inline bool rng_chance(struct rng *r, uint32_t share)
{
	return share > 0 && rng_below(r, 10000) < share;
}
