// SPDX-License-Identifier: BSD-3-Clause
// SIP over the connections of one worker: bytes to messages (RFC 3261 §18.3, by Content-Length), a
// burst of them through the relay, and what leaves to where it goes: a connection's own way back,
// egress.h's connections, a datagram, another worker. Answers keepalives (RFC 5626 §3.5.1), closes
// streams that have lost their framing, and sends again over UDP what a sender on a stream will not
// (timers A and E of RFC 3261 §17.1).
//
// Thread: one worker's. Pure but for its host.

#pragma once

#include "dataplane/relay/egress.h"
#include "dataplane/relay/relay.h"

struct streams;

struct streams_config {
	struct relay *relay;
	struct tcp *tcp;
	const struct relay_host *host;
	uint64_t *counters; // REASON_N
	unsigned worker, n_workers;
	uint32_t n_conns;           // of the engine
	uint32_t message_bytes_max; // 64 KB
	uint32_t n_again;           // requests being sent again over UDP at once
	uint32_t silence_s;         // a connection with part of a message this old is closed
	bool (*tell_control)(void *arg, const struct link_message *m);
	void *arg;
};

struct streams *streams_new(const struct streams_config *config); // NULL with errno
void streams_free(struct streams *s);

// Takes the engine's events, reads and relays what is whole, at most a few bursts a call. True when
// there is more to do.
bool streams_poll(struct streams *s, uint64_t now);

// A message to be carried: of a datagram that came in and leaves by a stream, or handed over by
// another worker. Takes the parcel.
void streams_take(struct streams *s, struct parcel *p, uint64_t now);

// Control's word (TARGET_...), already checked.
void streams_hear(struct streams *s, const struct link_message *m, uint64_t now);

// A response to a request of branch has come by UDP: it is not sent again (RFC 3261 §17.1.1.2,
// §17.1.2.2).
void streams_answered(
	struct streams *s, uint64_t branch, unsigned method, unsigned status, uint64_t now);

void streams_timers(struct streams *s, uint64_t now, unsigned budget);
