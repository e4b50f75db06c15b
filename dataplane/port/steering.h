// SPDX-License-Identifier: BSD-3-Clause
// Which worker owns a frame. Where a device computes the very hash that rte_softrss gives, and
// spreads by it, its own choice stands. Elsewhere (TAP, af_packet) the owner is computed in
// software. The device is believed queue by queue, after its first packets agreed, and a sample is
// checked ever after.

#pragma once

#include "dataplane/port/port.h"
#include "lib/base/addr.h"

#define STEERING_PROOF_PACKETS 64   // that must agree before the device is believed
#define STEERING_SAMPLE        1024 // then one in so many is checked

enum steering_state {
	STEERING_PROVING,
	STEERING_HARDWARE, // the device's choice stands
	STEERING_SOFTWARE,
};

struct steering_queue {
	uint8_t state; // enum steering_state
	uint16_t n_agreed;
	uint16_t until_sample;
};

struct steering {
	unsigned n_workers;
	uint64_t n_disagreed; // frames whose hash was not rte_softrss's, or that came to the wrong
			      // queue
	struct steering_queue queue[CORE_MAP_PORTS_MAX];
};

// The worker that owns this frame: by addresses and ports, and by addresses alone for a fragment
// and for what is not UDP or TCP. Frames that are not IP belong to whoever received them.
unsigned steering_owner(
	struct steering *s, const struct port *port, unsigned receiver, struct rte_mbuf *frame);

// The worker that owns frames from `from` to `to`, which arrive on port: what steering_owner() will
// say of them, and what a device that spreads rightly does.
unsigned steering_owner_of(
	const struct port *port, const struct endpoint *from, const struct endpoint *to);
