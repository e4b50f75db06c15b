// SPDX-License-Identifier: BSD-3-Clause
// SIP over the connections of a station, plain or over TLS: messages whole again, by lib/sip/frame
// as the relay's; connections that are to be there opened, and again when they are lost. A message
// stays in its receive buffer until it is whole and there is room for an answer, so a peer that
// does not read is not read from.
//
// Thread: the station's.

#pragma once

#include "dataplane/tcp/conns.h"
#include "tests/load/tls_flows.h"
#include "tests/load/way.h"

struct flows;

struct flows_config {
	struct conns *conns;
	uint32_t n_max;                      // connections at once
	const struct identities *identities; // NULL: no TLS
	const char *peer_name;               // of TLS, see tls_flows.h
};

struct flows_counts {
	uint32_t n_open, n_kept_open; // now
	uint64_t n_opened, n_closed;  // ever; closed by whom- or whatever
	uint64_t n_cut;               // of those, by flows_cut() and flows_storm()
	uint64_t n_unframed;          // closed by us: where the next message begins was lost
	uint64_t n_malformed;         // messages that are none, but whose end is known
	// Storms, and how long it took until all were back: the longest, the last one.
	uint64_t n_storms, worst_back_ns, last_back_ns;
	struct tls_flows_counts secure; // zero without TLS
};

struct flows *flows_new(const struct flows_config *config); // NULL with errno
void flows_free(struct flows *s);

// From now on n connections, at most n_max, from the listener's address to remote are to be open:
// numbers from 0 on. Over TLS number i is of partner i, or, where they are fewer, i modulo those.
void flows_keep(struct flows *s, uint32_t n, uint16_t listener, const struct endpoint *remote);
uint32_t flows_kept(const struct flows *s);
// The next of those that are open, in turn, with its partner. False when none is.
bool flows_next(struct flows *s, struct way *way);
// All or none of a message: 0, -ENOBUFS, -EPIPE.
int flows_write(struct flows *s, tcp_conn_id conn, struct view message);

// Takes the engine's events and gives what is whole. True when there is more to do.
bool flows_poll(struct flows *s, const struct hearer *hearer, uint64_t now_ns);
// Opens what is to be open and is not. Call every millisecond or so.
void flows_timers(struct flows *s, uint64_t now_ns);

// One that is kept is reset, and dialed again at once. False: it is not open.
bool flows_cut(struct flows *s, uint32_t number);
// All of them. False, and nothing is done: not all are open.
bool flows_storm(struct flows *s, uint64_t now_ns);
// KeyUpdate of one that is kept. False where it cannot be.
bool flows_update_keys(struct flows *s, uint32_t number, enum record_update which);

void flows_count(const struct flows *s, struct flows_counts *out);
