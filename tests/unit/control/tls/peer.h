// SPDX-License-Identifier: BSD-3-Clause
// A handshake of ours against a plain OpenSSL peer over memory, fed record by record.

#pragma once

#include "tests/unit/test.h"

#include "control/tls/handshake.h"
#include "tests/pki/pki.h"

#include <openssl/ssl.h>

#define PEER_BYTES_MAX 131072

struct peer_spec {
	enum tls_role role;       // the peer's
	const struct pki *shows;  // NULL: no certificate
	int version;              // TLS1_2_VERSION …; 0: 1.2 and 1.3
	const char *suite;        // of that version, in OpenSSL's spelling; NULL: its default
	const char *server_name;  // of a client; NULL: none
	const char *groups;       // NULL: its default
	const struct pki *trusts; // NULL: takes any certificate
	unsigned n_tickets;       // of a TLS 1.3 server
};

struct peer {
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in, *out;
	// What it has sent and our handshake has not been given.
	uint8_t sent[PEER_BYTES_MAX];
	size_t n_sent;
	bool done;
};

void peer_init(struct peer *p, const struct peer_spec *spec);
void peer_fini(struct peer *p);

// Gives the peer bytes and lets it go on.
void peer_feed(struct peer *p, struct view bytes);
// The peer's next whole record, VIEW_NONE where there is none; peer_taken() drops it.
struct view peer_record(const struct peer *p);
void peer_taken(struct peer *p, size_t n);
// Application data, sealed behind what it has sent.
void peer_write(struct peer *p, const char *text);
// Whether it reads this text now.
void peer_must_read(struct peer *p, const char *text);

// Until our handshake is done, has failed, or waits for ever.
enum tls_step peer_run(struct peer *p, struct tls_handshake *h);

// What came of a handshake.
struct peer_outcome {
	enum tls_refusal refusal;
	uint8_t alert; // that the peer was sent; 255: none
	struct card card;
};

// A whole handshake against a peer that shows a certificate, NULL: none. version: 0 is any.
struct peer_outcome peer_shake(struct tls_context *c, const struct tls_params *params,
	const struct pki *shows, int64_t now_s, int version);

// A context with one certificate of ours and one CA.
struct tls_context *context_of(
	const struct pki *ours, const struct pki *ca, struct tls_cache *cache);
// The same from a config of which certificates and trust are filled in here.
struct tls_context *context_with(
	const struct pki *ours, const struct pki *ca, struct tls_context_config config);
