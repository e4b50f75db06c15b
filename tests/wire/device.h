// SPDX-License-Identifier: BSD-3-Clause
// What a device with a queue for each worker does to a frame that comes in: it chooses the queue,
// and says the hash by which it did, rightly, wrongly, or not at all. For ports of rings, which do
// neither.
//
// Thread: whoever feeds the queues.

#pragma once

#include "dataplane/port/port.h"

#include <rte_mbuf.h>

enum device {
	DEVICE_RIGHT,     // spreads by the hash of RSS, and says it
	DEVICE_WRONG,     // spreads by a hash of its own, and says that
	DEVICE_MISPLACED, // says the right hash, and spreads by another table
	DEVICE_SILENT,    // spreads as it likes, every frame anew, and says nothing
	DEVICE_DENIES,    // likewise, and has said at the start that it knows no hash
	DEVICE_QUIET,     // spreads by the hash of RSS, and has said that it knows none
};

// What it says at the start: whether it sets mbuf.hash.rss, for port->rx_hash.
bool device_promises(enum device d);

// The queue that the frame is laid into, its hash set or not. n_shuffled: of the device, 0 at
// first. is_ip: whether the frame has what RSS hashes; others belong to whoever gets them.
unsigned device_spread(enum device d, const struct port *port, struct rte_mbuf *frame,
	unsigned *n_shuffled, bool *is_ip);
