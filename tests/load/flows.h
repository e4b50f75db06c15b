// SPDX-License-Identifier: BSD-3-Clause
// SIP over the connections of a station: messages whole again, by lib/sip/frame as the relay's;
// connections that are to be there opened, and again when they are lost. A message stays in its
// receive buffer until it is whole and there is room for an answer, so a peer that does not read is
// not read from.
//
// Thread: the station's.

#pragma once

#include "dataplane/tcp/conns.h"
#include "tests/load/way.h"

struct flows;

struct flows_counts {
	uint32_t n_open, n_kept_open; // now
	uint64_t n_opened, n_closed;  // ever; closed by whom- or whatever
	uint64_t n_unframed;          // closed by us: where the next message begins was lost
	uint64_t n_malformed;         // messages that are none, but whose end is known
};

// n_max: connections at once. NULL with errno.
struct flows *flows_new(struct conns *conns, uint32_t n_max);
void flows_free(struct flows *s);

// From now on n connections, at most n_max, from the listener's address to remote are to be open.
void flows_keep(struct flows *s, uint32_t n, uint16_t listener, const struct endpoint *remote);
// The next of those that are open, in turn; 0 when none is.
tcp_conn_id flows_next(struct flows *s);

// Takes the engine's events and gives what is whole. True when there is more to do.
bool flows_poll(struct flows *s, const struct hearer *hearer, uint64_t now_ns);
// Opens what is to be open and is not. Call every millisecond or so.
void flows_timers(struct flows *s, uint64_t now_ns);

void flows_count(const struct flows *s, struct flows_counts *out);
