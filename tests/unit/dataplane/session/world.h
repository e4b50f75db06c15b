// SPDX-License-Identifier: BSD-3-Clause
// One connection between a worker's sessions and a peer, in virtual time: two engines over a wire
// that loses nothing, a control that is the test, and secrets that both ends know.

#pragma once

#include "dataplane/session/sessions.h"
#include "tests/unit/test.h"

#define DESK_TOLD  256
#define DESK_NEWS  32
#define DESK_BYTES 262144

struct desk_news {
	enum session_news news;
	enum reason reason;
};

struct desk {
	uint64_t now; // ns
	struct tcp *worker, *peer;
	void *worker_memory, *peer_memory;
	uint64_t counters[REASON_N], peer_counters[REASON_N];
	struct record_crypto *crypto, *peer_crypto;
	struct sessions *sessions;
	enum record_role role; // the worker's
	tcp_conn_id conn, peer_conn;
	struct endpoint remote;    // of conn
	struct record_session tls; // the peer's
	// What the worker has said to control.
	unsigned n_told, ring_room; // ring_room: messages that its ring still takes
	struct link_message told[DESK_TOLD];
	unsigned n_news;
	struct desk_news news[DESK_NEWS];
	// What the peer has received, as it came.
	size_t n_got;
	uint8_t got[DESK_BYTES];
	bool peer_finished;
};

// A connection is open, and begun as a session; role: the worker's.
struct desk *desk_new(enum record_role role);
void desk_free(struct desk *d);

// Carries what is to be carried, and lets the worker see it, for that long.
void desk_run(struct desk *d, unsigned ms);
// The peer sends bytes as they are; or text as a record.
void desk_say(struct desk *d, const void *bytes, size_t n);
void desk_say_sealed(struct desk *d, const char *text);

// Control says it.
void desk_hear(struct desk *d, const struct link_message *m);
void desk_hear_consumed(struct desk *d, uint32_t offset);
void desk_hear_established(struct desk *d, enum record_version version, uint32_t offset);
void desk_add_card(struct desk *d, uint64_t name, const char *domain);
#define DESK_CARD 77

// Messages of a type that were told; the n-th of them.
unsigned desk_n_told(const struct desk *d, enum link_type type);
const struct link_message *desk_told(const struct desk *d, enum link_type type, unsigned n);
bool desk_has_news(const struct desk *d, enum session_news news);

// What the worker reads now; NUL-terminated, until the next call.
const char *desk_read(struct desk *d, struct session_read *read);
// What the peer opens of what it got; likewise. *kind: of the last record.
const char *desk_open(struct desk *d, enum record_kind *kind);
