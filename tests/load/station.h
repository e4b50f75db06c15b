// SPDX-License-Identifier: BSD-3-Clause
// One port with its addresses, one thread: frames in and out, datagrams and streams of SIP messages
// over them. The product's own packet path with somebody else at its end.
//
// Thread: whoever calls, one. EAL runs, the port is open.

#pragma once

#include "dataplane/core_map/core_map.h"
#include "dataplane/port/port.h"
#include "tests/load/flows.h"

struct station;

struct station_config {
	const struct core_map *map; // of one port and one worker
	const struct port *ports;   // that one
	struct pools *pools;
	struct hearer hearer;
	const uint64_t *clock;               // ticks of the TSC, for a test; NULL: the TSC itself
	const struct identities *identities; // of TLS listeners, see flows.h
	const char *peer_name;
};

struct station *station_new(const struct station_config *config); // NULL with errno
void station_free(struct station *s);

// Nanoseconds of the TSC.
uint64_t station_now_ns(const struct station *s);

// Takes a burst and what time has brought; whole messages go to the hearer. True if there was
// something.
bool station_receive(struct station *s);
// Sends a copy of a message. 0; -ENOBUFS where it does not fit now, and later may; -EPIPE for a
// connection that is gone.
int station_send(struct station *s, const struct way *to, struct view message);
// Sends off what was written. True when there is more.
bool station_flush(struct station *s);

// NULL where no listener takes TCP or TLS.
struct flows *station_flows(struct station *s);
const struct worker_counters *station_counters(const struct station *s);
