// SPDX-License-Identifier: BSD-3-Clause
// A port of the product with a queue for each of two workers, made of rings, and this program as
// its device (device.h): between the queues and a frame port. EAL is started with it.
//
// Opening exits with a text where it cannot. Thread: one; the workers have the queues' other ends.

#pragma once

#include "dataplane/port/port.h"
#include "tests/wire/device.h"

#include <rte_ring.h>

#define RING_PORT_WORKERS   2
#define RING_PORT_ADDRESSES 2

struct ring_port_config {
	const char *frame_port;                     // frame_port.h
	const char *addresses[RING_PORT_ADDRESSES]; // with their prefixes
	unsigned n_addresses;
	uint16_t tcp_port; // that each listens on; addresses[i] is listener i
	enum device device;
};

struct ring_port {
	struct core_map map;
	struct pools pools[RING_PORT_WORKERS + 1]; // the last is the device's
	struct port port;
	struct rte_ring *rx[RING_PORT_WORKERS], *tx[RING_PORT_WORKERS];
	enum device device;
	int fd;
	unsigned n_shuffled;
	uint64_t n_lost; // frames for which a queue had no room
};

void ring_port_open(struct ring_port *p, const struct ring_port_config *config);
// Frames both ways; waits a moment where there are none. False when the other end is gone.
bool ring_port_pump(struct ring_port *p);
