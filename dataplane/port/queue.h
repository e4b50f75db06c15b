// SPDX-License-Identifier: BSD-3-Clause
// One worker's queue of one port: the only caller of the device's rx and tx burst.
// Thread: the worker's.

#pragma once

#include "lib/link/attach.h"

#include <rte_mbuf.h>

#define QUEUE_BURST 32

struct queue {
	uint16_t port_id; // DPDK's
	uint16_t queue_id;
	uint16_t n_tx;
	bool full; // the device did not take all, since the last queue_receive()
	struct rte_mbuf *tx[2 * QUEUE_BURST];
	struct worker_counters *counters; // the worker's
};

// Up to QUEUE_BURST frames, the caller's from then on.
unsigned queue_receive(struct queue *q, struct rte_mbuf *frames[QUEUE_BURST]);
// Takes ownership of a whole frame; sends when enough are gathered, at the latest in
// queue_flush(). What the device does not take is freed and counted as tx_full.
void queue_send(struct queue *q, struct rte_mbuf *frame);
void queue_flush(struct queue *q);
