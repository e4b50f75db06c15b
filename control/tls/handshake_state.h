// SPDX-License-Identifier: BSD-3-Clause
// What a handshake is made of. Included by its own parts only.

#pragma once

#include "control/tls/context_state.h"
#include "control/tls/handshake.h"

#include <openssl/ssl.h>

#define DETAIL_BYTES 128

// A traffic secret of TLS 1.3, as OpenSSL logs it.
struct traffic {
	uint8_t bytes[RECORD_SECRET_BYTES];
	size_t n; // 0: not yet
};

struct tls_handshake {
	struct tls_context *context;
	SSL *ssl;
	BIO *in, *out; // the SSL's: from the peer, to the peer
	enum tls_role role;
	enum tls_demand demand;
	enum tls_match match;
	enum tls_step state;
	enum tls_refusal refusal;
	bool finished; // the secrets have been taken
	bool has_card;
	int64_t now_s;
	const struct tls_certificate *certificate; // ours; NULL: not yet chosen
	struct domain name;                        // of TLS_MATCH_DOMAIN and _HOST
	uint8_t (*fingerprints)[CARD_FINGERPRINT_BYTES];
	size_t n_fingerprints;
	struct tls_judgement judgement; // of the peer's certificate
	struct traffic client, server;
	uint8_t explicit_nonce[8]; // of our Finished record, TLS 1.2 with GCM
	bool sent_change_cipher_spec;
	unsigned n_records, n_bytes;
	char server_name[TLS_SERVER_NAME_BYTES];
	char detail[DETAIL_BYTES];
};

// failure.c: what OpenSSL's error queue says went wrong, and detail.
enum tls_refusal tls_failure(const SSL *ssl, int ssl_error, char detail[DETAIL_BYTES]);

// extract.c
void tls_extract_keylog(const SSL *ssl, const char *line);
// Looks through the records that a step has written.
void tls_extract_watch(struct tls_handshake *h, struct view output);
// Of a finished handshake. False: OpenSSL does not say what it should.
bool tls_extract(struct tls_handshake *h, struct record_secrets *secrets);
enum record_suite tls_extract_suite(const SSL *ssl);
enum record_version tls_extract_version(const SSL *ssl);
