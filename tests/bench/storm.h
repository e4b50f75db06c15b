// SPDX-License-Identifier: BSD-3-Clause
// Thousands of partners at the outside port of a relay_load's worker, at an address of their own,
// each with a TLS session of its own by a real handshake: fedload, on a port beside the caller's,
// over the same wire.
//
// Thread: main.

#pragma once

#include "tests/bench/relay_load.h"

struct storm {
	struct relay_load *among;
	struct core_map map;
	struct pools pools;
	struct port port;
	struct rte_ring *from_relay;
	struct identities *identities;
	struct load *load;
	uint64_t n_lost; // frames to them that found no room
};

// Partner i sends from d0000i.domain; ca: folder of their CA. Exits with a text where it cannot.
void storm_open(struct storm *s, struct relay_load *among, const char *ca, const char *domain,
	uint32_t n_partners);
void storm_close(struct storm *s);
