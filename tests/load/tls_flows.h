// SPDX-License-Identifier: BSD-3-Clause
// TLS over the connections of a station: handshakes by control's step by step (control/tls),
// inline, and from there on records by lib/record, as a worker has them. The peer's certificate is
// looked at as control looks at it.
//
// A connection that we opened counts as up only when the peer has said something under its keys:
// before, a TLS 1.3 server may not have judged our certificate yet. A keepalive (RFC 5626 §4.4.1)
// makes it say something.
//
// Thread: the station's. Index: of the connection among the user's, less than n_max.

#pragma once

#include "lib/record/record.h"
#include "lib/tcp/tcp.h"
#include "tests/load/identities.h"

struct tls_flows;

struct tls_flows_config {
	struct tcp *tcp;
	uint32_t n_max;
	const struct identities *identities;
	const char *peer_name; // a domain that the peer's certificate must prove; NULL: any
};

#define TLS_FLOW_FAILURE_BYTES 256

struct tls_flows_counts {
	uint64_t n_done, n_failed;          // handshakes
	uint64_t n_updates, n_peer_updates; // KeyUpdates of our own will, and such that we answered
	uint64_t n_broken;                  // sessions that were up, by an alert or a bad record
	char failure[TLS_FLOW_FAILURE_BYTES]; // why, of the last one
};

struct tls_flows *tls_flows_new(const struct tls_flows_config *config); // NULL with errno
void tls_flows_free(struct tls_flows *s);

enum tls_flow_state {
	TLS_FLOW_NEGOTIATING,
	TLS_FLOW_UP,
	TLS_FLOW_CLOSED, // by the peer, rightly: nothing comes any more
	TLS_FLOW_FAILED, // the user closes the connection; an alert may be on its way
};

// The TCP connection is open. partner: whose certificate is shown.
void tls_flow_begin(struct tls_flows *s, uint32_t index, tcp_conn_id conn, enum record_role role,
	uint32_t partner);
// It is gone, or is to be: frees what it had. Also for one that never began.
void tls_flow_end(struct tls_flows *s, uint32_t index);

// Takes what has come: steps of the handshake, or records.
enum tls_flow_state tls_flow_receive(struct tls_flows *s, uint32_t index);

// Text that has come and is not consumed, in one piece until the next call with s.
struct view tls_flow_text(const struct tls_flows *s, uint32_t index);
void tls_flow_consume(struct tls_flows *s, uint32_t index, size_t n_bytes);
// All or none: 0, -ENOBUFS, -EPIPE.
int tls_flow_write(struct tls_flows *s, uint32_t index, struct view text);
// A KeyUpdate. False where it cannot be, as over TLS 1.2.
bool tls_flow_update(struct tls_flows *s, uint32_t index, enum record_update which);
// close_notify; the user closes the connection behind it.
void tls_flow_say_goodbye(struct tls_flows *s, uint32_t index);

const struct tls_flows_counts *tls_flows_counts(const struct tls_flows *s);
