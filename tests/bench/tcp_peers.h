// SPDX-License-Identifier: BSD-3-Clause
// The peers of a relay_world over TCP or TLS, IPv4: 64 connections of partners from outside, and
// the server inside to whom the relay connects. One engine of lib/tcp, turned the other way round,
// in the same thread; what it costs is not what is measured.

#pragma once

#include "tests/bench/relay_world.h"

#define TCP_PEERS_CONNS 64

struct tcp_peers;

// Connects, and makes the relay connect to its server, by TRANSPORT_TCP or TRANSPORT_TLS. Exits
// where that cannot be.
struct tcp_peers *tcp_peers_open(struct relay_world *w, enum transport transport);
void tcp_peers_close(struct tcp_peers *p);

// Writes messages first … first + n - 1, one after the other over all connections, n_together of
// them one behind the other, in as few segments as hold them; over TLS each in a record of its own.
// They lie in the relay's receive queue then.
void tcp_peers_send(struct tcp_peers *p, uint32_t first, unsigned n, unsigned n_together);
// Takes what the relay has sent and answers it. How many frames lie in its receive queues then.
unsigned tcp_peers_answer(struct tcp_peers *p);

// Begins a round; ends one: how many of n_sent the server did not get exactly once, unchanged but
// for what a relay changes.
void tcp_peers_begin(struct tcp_peers *p);
uint64_t tcp_peers_end(struct tcp_peers *p, uint32_t n_sent);
