// SPDX-License-Identifier: BSD-3-Clause
// What a worker is to its streams: packet memory, datagrams, other workers, connections. A parcel
// lies in the private part of the buffer that holds its message.
//
// Thread: the worker's.

#pragma once

#include "dataplane/worker/worker.h"

// Opens w->streams where a listener takes TCP. 0 or -errno.
int carrier_open(struct worker *w);
void carrier_close(struct worker *w);

// Carries what the relay wrote into buffer and what does not leave as a datagram. Takes the buffer.
void carrier_take(struct worker *w, struct rte_mbuf *buffer, const struct relay_out *out);

// Messages that other workers handed over, and what connections have brought. How much it found.
unsigned carrier_poll(struct worker *w);
