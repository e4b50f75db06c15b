// SPDX-License-Identifier: BSD-3-Clause

#include "tests/load/unrest.h"

// What is due at once, a turn.
#define BURST 16

// The first is due when one interval is over.
static void pace(struct pacer *p, double rate, uint64_t now_ns)
{
	pacer_start(p, rate, rate > 0 ? now_ns + (uint64_t)(1e9 / rate) : now_ns);
}

void unrest_start(struct unrest *u, const struct unrest_config *config, uint64_t now_ns)
{
	*u = (struct unrest){.config = *config, .chance = now_ns | 1, .runs = true};
	pace(&u->storms, config->storms, now_ns);
	pace(&u->reconnects, config->reconnects, now_ns);
	pace(&u->key_updates, config->key_updates, now_ns);
}

void unrest_stop(struct unrest *u)
{
	u->runs = false;
}

// Marsaglia's xorshift: good enough to choose by.
static uint32_t choose(struct unrest *u, uint32_t n)
{
	u->chance ^= u->chance << 13;
	u->chance ^= u->chance >> 7;
	u->chance ^= u->chance << 17;
	return (uint32_t)((u->chance >> 32) * n >> 32);
}

void unrest_turn(struct unrest *u, struct flows *flows, uint64_t now_ns)
{
	const uint32_t n = flows_kept(flows);
	uint64_t due_ns;

	if (!u->runs || n == 0)
		return;
	if (pacer_peek(&u->storms, now_ns, &due_ns) && flows_storm(flows, now_ns))
		pacer_take(&u->storms);
	for (unsigned i = 0; i < BURST && pacer_peek(&u->reconnects, now_ns, &due_ns); i++) {
		pacer_take(&u->reconnects);
		flows_cut(flows, choose(u, n));
	}
	for (unsigned i = 0; i < BURST && pacer_peek(&u->key_updates, now_ns, &due_ns); i++) {
		pacer_take(&u->key_updates);
		flows_update_keys(flows, choose(u, n),
			u->key_updates.n_taken % 2 == 0 ? RECORD_UPDATE_BOTH : RECORD_UPDATE_OURS);
	}
}
