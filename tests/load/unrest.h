// SPDX-License-Identifier: BSD-3-Clause
// What troubles the connections of a caller while it is measured: single ones that come back, all
// of them at once (a storm), KeyUpdates. Thread: the station's.

#pragma once

#include "tests/load/flows.h"
#include "tests/load/pacer.h"

struct unrest_config {
	double storms; // a second; the first when so much time is over. None while not all are back
	double reconnects;  // a second, of connections at random
	double key_updates; // a second, likewise; every other one asks for the peer's too
};

struct unrest {
	struct unrest_config config;
	struct pacer storms, reconnects, key_updates;
	uint64_t chance;
	bool runs;
};

void unrest_start(struct unrest *u, const struct unrest_config *config, uint64_t now_ns);
void unrest_stop(struct unrest *u);
void unrest_turn(struct unrest *u, struct flows *flows, uint64_t now_ns);
