// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/port/queue.h"

#include <rte_ethdev.h>

unsigned queue_receive(struct queue *q, struct rte_mbuf *frames[QUEUE_BURST])
{
	unsigned n = rte_eth_rx_burst(q->port_id, q->queue_id, frames, QUEUE_BURST);
	uint64_t n_bytes = 0;

	q->full = false;
	for (unsigned i = 0; i < n; i++)
		n_bytes += rte_pktmbuf_pkt_len(frames[i]);
	q->counters->rx_frames += n;
	q->counters->rx_bytes += n_bytes;
	return n;
}

void queue_send(struct queue *q, struct rte_mbuf *frame)
{
	q->tx[q->n_tx++] = frame;
	if (q->n_tx >= QUEUE_BURST)
		queue_flush(q);
}

void queue_flush(struct queue *q)
{
	uint64_t n_bytes = 0;
	unsigned n_sent;

	if (q->n_tx == 0)
		return;
	for (unsigned i = 0; i < q->n_tx; i++)
		n_bytes += rte_pktmbuf_pkt_len(q->tx[i]);
	n_sent = rte_eth_tx_burst(q->port_id, q->queue_id, q->tx, q->n_tx);
	// What was sent is the device's: only the rest may still be looked at.
	for (unsigned i = n_sent; i < q->n_tx; i++)
		n_bytes -= rte_pktmbuf_pkt_len(q->tx[i]);
	if (n_sent < q->n_tx) {
		q->full = true;
		q->counters->reason[REASON_tx_full] += q->n_tx - n_sent;
		rte_pktmbuf_free_bulk(q->tx + n_sent, q->n_tx - n_sent);
	}
	q->counters->tx_frames += n_sent;
	q->counters->tx_bytes += n_bytes;
	q->n_tx = 0;
}
