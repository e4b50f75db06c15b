// SPDX-License-Identifier: BSD-3-Clause
// One connection of the peers': text in and out, as it is, or in records of TLS of which the relay
// has the other end's keys. Exits where something cannot be.

#pragma once

#include "lib/record/record.h"
#include "lib/tcp/tcp.h"

#define PEER_STREAM_BYTES (1 << 20) // of text that is not understood yet

struct peer_stream {
	struct tcp *tcp;
	struct record_crypto *crypto; // NULL: no TLS
	tcp_conn_id conn;
	struct record_session session;
	size_t n;
	uint8_t *text; // read and not taken
};

// crypto: NULL, or for a session of that role under control_end_secrets(). reads: it is read too.
void peer_stream_begin(struct peer_stream *s, struct tcp *tcp, struct record_crypto *crypto,
	tcp_conn_id conn, enum record_role role, bool reads);
void peer_stream_end(struct peer_stream *s);

// One record, of RECORD_TEXT_BYTES_MAX at most.
void peer_stream_write(struct peer_stream *s, const void *bytes, size_t n_bytes);
// All that has come, behind what is in text.
void peer_stream_read(struct peer_stream *s);
// The first n bytes of text are understood.
void peer_stream_take(struct peer_stream *s, size_t n);
