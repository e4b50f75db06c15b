// SPDX-License-Identifier: BSD-3-Clause
// Between workers: frames that belong to another one, messages for its connections, and neighbours
// that all must know.
// A rte_ring (single producer, single consumer) for each ordered pair of workers. Trust is whole.

#pragma once

#include "dataplane/net/net.h"
#include "lib/base/siphash.h"

struct exchange; // all rings of the process

struct exchange *exchange_new(unsigned n_workers); // main; NULL with errno
void exchange_free(struct exchange *x);

// Hands a frame of port to its owner. 0 and the frame is the owner's; -ENOBUFS, ring full.
int exchange_push_frame(
	struct exchange *x, unsigned from, unsigned to, unsigned port, struct rte_mbuf *frame);
// Frames handed to `to`, at most QUEUE_BURST, all of one port.
unsigned exchange_pop_frames(
	struct exchange *x, unsigned to, unsigned *port, struct rte_mbuf *frames[QUEUE_BURST]);
// Likewise of a message that another worker is to send.
int exchange_push_message(struct exchange *x, unsigned from, unsigned to, struct rte_mbuf *message);
unsigned exchange_pop_messages(
	struct exchange *x, unsigned to, struct rte_mbuf *messages[QUEUE_BURST]);
// A secret of this process that all workers share.
const struct siphash_key *exchange_key(const struct exchange *x);
// Tells all other workers. Lost when a ring is full: they will ask for themselves.
void exchange_push_neighbour(struct exchange *x, unsigned from, const struct net_neighbour *n);
bool exchange_pop_neighbour(struct exchange *x, unsigned to, struct net_neighbour *out);
