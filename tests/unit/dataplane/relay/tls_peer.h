// SPDX-License-Identifier: BSD-3-Clause
// The other end of a TLS session in streams_world.h's town: its record layer, under secrets that
// control, which is the test, hands to the worker as well.

#pragma once

#include "lib/record/crypto.h"
#include "lib/record/session.h"
#include "tests/unit/dataplane/relay/streams_world.h"

#define TLS_PEER_CARD UINT64_C(77)

struct tls_peer {
	struct town *town;
	struct town_peer *peer;
	struct record_crypto *crypto;
	struct record_session tls;
	size_t n_opened;   // of peer->text
	bool said_goodbye; // the worker, by its close_notify
	char text[65536];  // opened; NUL-terminated
	size_t n;
};

// Control hands over the session that worker 0 told of last: n_bytes of it are the handshake's, the
// peer has proved domain. role: the peer's.
void tls_peer_establish(struct tls_peer *p, struct town *t, struct town_peer *peer,
	enum record_version version, enum record_role role, const char *domain, uint32_t n_bytes);
void tls_peer_end(struct tls_peer *p);

// Seals text as a record, and lets a few milliseconds pass.
void tls_peer_say(struct tls_peer *p, const char *text);
// Its close_notify and FIN.
void tls_peer_finish(struct tls_peer *p);
// Opens what has come since; all text so far.
const char *tls_peer_read(struct tls_peer *p);
