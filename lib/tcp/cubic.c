// SPDX-License-Identifier: BSD-3-Clause
// RFC 9438, in bytes and milliseconds: C = 0.4 segments/s^3, beta = 0.7.

#include "lib/tcp/flight.h"

// Half an hour: its cube fits, and no window needs so long to come back.
#define EPOCH_MAX_MS (1 << 20)

// The integer below the cube root.
static uint32_t cube_root(uint64_t x)
{
	uint32_t root = 0;

	for (int bit = 20; bit >= 0; bit--) {
		uint64_t r = root | 1u << bit;

		if (r * r * r <= x)
			root = (uint32_t)r;
	}
	return root;
}

void tcp_cubic_reduced(struct tcp_sender *s, uint32_t cwnd)
{
	struct tcp_flight *f = &s->flight;

	// Fast convergence (§4.7).
	f->cubic_prior = cwnd;
	f->cubic_max = cwnd < f->cubic_max ? (uint32_t)((uint64_t)cwnd * 85 / 100) : cwnd;
	f->flags &= (uint16_t)~TCP_FLIGHT_EPOCH;
}

// §4.2, figure 2.
static void begin_epoch(struct tcp *t, struct tcp_sender *s)
{
	struct tcp_flight *f = &s->flight;

	f->flags |= TCP_FLIGHT_EPOCH;
	f->cubic_start_us = f->cubic_seen_us = t->now_us;
	f->cubic_friendly = s->cwnd;
	f->cubic_k_ms = 0;
	if (f->cubic_max <= s->cwnd)
		f->cubic_max = s->cwnd;
	else // (segments / 0.4)^(1/3) s
		f->cubic_k_ms = cube_root((uint64_t)(f->cubic_max - s->cwnd) * 2500000000 / s->mss);
}

// W_cubic(ms after the epoch began), figure 1.
static uint32_t cubic(const struct tcp_sender *s, uint32_t ms)
{
	const struct tcp_flight *f = &s->flight;
	int64_t d = (int64_t)ms - f->cubic_k_ms, w;

	if (d > EPOCH_MAX_MS)
		d = EPOCH_MAX_MS;
	// ms^3 to s^3 in two steps, so that the product with mss fits between.
	w = f->cubic_max + d * d * d / 1000000 * s->mss / 1000 * 4 / 10;
	if (w < 0)
		return 0;
	return w < INT32_MAX ? (uint32_t)w : INT32_MAX;
}

// §4.3.
static void grow_friendly(struct tcp_sender *s, uint32_t n_bytes)
{
	struct tcp_flight *f = &s->flight;
	uint64_t step = (uint64_t)n_bytes * s->mss;

	if (f->cubic_friendly < f->cubic_prior)
		step = step * 9 / 17; // alpha = 3 (1 - beta) / (1 + beta)
	f->cubic_friendly += (uint32_t)(step / s->cwnd);
}

uint32_t tcp_cubic_acked(struct tcp *t, struct tcp_sender *s, uint32_t n_bytes)
{
	struct tcp_flight *f = &s->flight;
	uint32_t target, cwnd = s->cwnd;

	if (!(f->flags & TCP_FLIGHT_EPOCH))
		begin_epoch(t, s);
	f->cubic_seen_us = t->now_us;
	grow_friendly(s, n_bytes);
	target = cubic(s, (t->now_us - f->cubic_start_us + s->srtt_us) / 1000);
	if (target > cwnd + cwnd / 2)
		target = cwnd + cwnd / 2;
	if (target > cwnd)
		cwnd += (uint32_t)((uint64_t)(target - cwnd) * n_bytes / cwnd);
	return cwnd > f->cubic_friendly ? cwnd : f->cubic_friendly;
}

void tcp_cubic_pause(struct tcp *t, struct tcp_sender *s)
{
	struct tcp_flight *f = &s->flight;

	if (!(f->flags & TCP_FLIGHT_EPOCH))
		return;
	f->cubic_start_us += t->now_us - f->cubic_seen_us;
	f->cubic_seen_us = t->now_us;
}
