// SPDX-License-Identifier: BSD-3-Clause
// What is being written to a connection that does not take it at once: a message with a body
// (bodies.h), in pieces as the peer acknowledges what went before, and the messages behind it,
// whose bytes must not come in between. Everything that relay writes to connections goes through
// here; where no message with a body is under way, that is session_write() and nothing else.
//
// Bounds: bytes in flight, of each connection and of all of them; messages behind, by bytes and by
// weight; time, of each message with a body. A connection that does not take one in that time has
// lost its framing with it: it is ended.
//
// Thread: one worker's. No allocation after backlogs_new().

#pragma once

#include "dataplane/relay/parcel.h"
#include "dataplane/session/sessions.h"

// At once, with BODIES_MAX in the worker's own pool and other workers' besides.
#define BACKLOGS_MAX 64

struct backlog {
	tcp_conn_id conn;
	struct parcel *first, *last; // by next; the first is being written
	uint32_t n_written;          // of the first's bytes, its body apart
	uint32_t behind_bytes, behind_weight;
	uint64_t due; // ns: the first must be out
};

struct backlogs_config {
	struct tcp *tcp;
	struct sessions *sessions;
	const struct relay_host *host;
	uint64_t *counters;            // REASON_N
	uint32_t in_flight_of_all;     // bytes, of buffer memory
	uint32_t behind_bytes_max;     // of a connection; as all three by parcel_bound()
	uint32_t behind_weight_of_all; // of which a connection may have half
	uint32_t write_ms;             // of a message; of one with a body, body_ms() more
	// A connection has one now, or no more.
	void (*changed)(void *arg, tcp_conn_id conn, bool has_one, uint64_t now);
	// A request that was not written whole, counted already. Takes the parcel.
	void (*refuse)(void *arg, struct parcel *p, enum reason reason, uint64_t now);
	// A connection has not taken its message in time: to be ended, with an event of its end.
	void (*stuck)(void *arg, tcp_conn_id conn);
	void *arg; // of all
};

struct backlogs {
	struct backlogs_config config;
	unsigned n;
	struct backlog list[BACKLOGS_MAX];
	uint32_t behind_weight; // of all
	unsigned turn;
};

// Sizes and times as a relay wants them; the rest is zero.
void backlogs_config_default(struct backlogs_config *config);
struct backlogs *backlogs_new(const struct backlogs_config *config); // NULL with errno
// What waits goes back to the host; bodies stay as they are, for their pools go too.
void backlogs_free(struct backlogs *b);

int backlogs_queue(struct backlogs *b, tcp_conn_id conn, struct parcel *p, uint64_t now);

// Writes it, or queues it behind what is being written: 0, and the parcel is taken. Or what
// session_write() says, and it is still the caller's; -ENOBUFS too where a bound is reached.
static inline int backlogs_write(
	struct backlogs *b, tcp_conn_id conn, struct parcel *p, uint64_t now)
{
	int error;

	if (__builtin_expect(b->n > 0 || p->body != NULL, 0))
		return backlogs_queue(b, conn, p, now);
	error = session_write(b->config.sessions, conn, p->bytes, p->len);
	if (error == 0)
		b->config.host->put(b->config.host->arg, p);
	return error;
}

bool backlogs_has(const struct backlogs *b, tcp_conn_id conn);
// The connection is gone, or shall be: what waits on it was not written whole (egress_cut).
void backlogs_end(struct backlogs *b, tcp_conn_id conn, uint64_t now);

bool backlogs_write_on(struct backlogs *b, uint64_t now);
// Writes what there is room for, a bounded part of it a call. Call with every turn. True when it
// has written: there may be more. Where there is no room, the worker may sleep.
static inline bool backlogs_poll(struct backlogs *b, uint64_t now)
{
	return __builtin_expect(b->n > 0, 0) && backlogs_write_on(b, now);
}
