// SPDX-License-Identifier: BSD-3-Clause
// A peer that is OpenSSL as it stands, and a session of ours that took over from a handshake with
// it: OpenSSL over memory BIOs does both ends of the handshake, fed one record at a time at our
// end, and then our end's secrets are extracted (RFC 8446 §7, RFC 5246 §6.3).

#pragma once

#include "tests/unit/lib/record/pair.h"

#include <openssl/ssl.h>

#define PEER_STREAM_BYTES 200000

struct peer_stream {
	uint8_t bytes[PEER_STREAM_BYTES];
	size_t n;
};

// One end of a handshake.
struct peer_end {
	SSL_CTX *context;
	SSL *ssl;
	BIO *in, *out;
	uint8_t client_traffic[RECORD_SECRET_BYTES], server_traffic[RECORD_SECRET_BYTES];
};

struct peer_world {
	struct pair_kind kind;
	enum record_role role; // ours
	struct peer_end peer, ours;
	struct record_crypto *crypto;
	struct record_session session;
	struct peer_stream to_us, to_peer; // on the wire
	unsigned seed;
	// What came of what we have opened: data, one after the other, and the last other thing.
	struct peer_stream text;
	struct record_opened last;
	unsigned n_digested, n_answers;
};

// early: what the peer writes as soon as its own handshake is done, in the same bytes as its
// Finished where it is the client.
struct peer_world *peer_world_new(
	struct pair_kind kind, enum record_role role, uint64_t key_records, struct view early);
void peer_world_free(struct peer_world *w);

// What the peer has to send comes to our wire; what is on its wire goes to it.
void peer_pump(struct peer_world *w);
// Opens what came, each record in two pieces, and sends the answers. Ends at the first record that
// is neither data nor digested.
void peer_open(struct peer_world *w);
void peer_write(struct peer_world *w, const void *bytes, size_t n);
// Seals and sends.
void peer_seal(struct peer_world *w, const void *bytes, size_t n);
// Reads exactly n bytes at the peer and compares them.
void peer_expect_read(struct peer_world *w, const void *bytes, size_t n);
