// SPDX-License-Identifier: BSD-3-Clause
// One peer's handshake, record by record: no socket, no thread, no clock. TLS 1.2 and 1.3, AEAD
// suites with ECDHE, certificates of both sides; no renegotiation, resumption, tickets, early data
// or compression.
//
//     tls_handshake_new()
//     tls_handshake_step()     an empty record first if we are the client, then one whole record of
//                              the peer's each; after each, also a failed one, the output is sent
//     tls_handshake_finish()   after TLS_DONE: the session's secrets for the worker
//     tls_handshake_free()
//
// Nothing is read ahead: what the peer sends behind the record that finished the handshake belongs
// to the record layer, whose sequence numbers start exactly there. The output of the last step must
// be in the send queue before anything that the record layer seals.
//
// Bounding its time is the caller's. One handshake: one thread at a time; which one may change.

#pragma once

#include "control/tls/context.h"
#include "control/tls/refusal.h"
#include "lib/record/secrets.h"

struct tls_handshake;

// Header, 2^14 bytes and what TLS 1.3 or 1.2 may add (RFC 8446 §5.2); bytes of both bounds are the
// peer's.
#define TLS_RECORD_HEADER_BYTES   5
#define TLS_RECORD_BYTES_MAX      (TLS_RECORD_HEADER_BYTES + 16384 + 256)
#define TLS_HANDSHAKE_BYTES_MAX   65536
#define TLS_HANDSHAKE_RECORDS_MAX 128
#define TLS_SERVER_NAME_BYTES     256

enum tls_role { // ours
	TLS_SERVER,
	TLS_CLIENT,
};

enum tls_step {
	TLS_WANTS_RECORD,
	TLS_DONE,
	TLS_FAILED, // for good; the output may have an alert, to be sent
};

enum tls_demand {
	TLS_CERTIFICATE_REQUIRED, // outside, always
	// A client of ours, inside: may show none; what it shows must be good.
	TLS_CERTIFICATE_OPTIONAL,
};

struct tls_params {
	enum tls_role role;
	enum tls_demand demand;
	// Id of our certificate. 0: the default one, and as a server, the one that fits the name
	// the client asks for.
	uint32_t certificate;
	const char *server_name; // client: the name that we ask for (SNI); NULL: none. Copied
	enum tls_match match;
	struct view name; // of TLS_MATCH_DOMAIN and _HOST, any spelling
	const uint8_t (*fingerprints)[CARD_FINGERPRINT_BYTES];
	size_t n_fingerprints;
};

struct tls_handshake_facts {
	enum record_version version; // NONE until negotiated
	enum record_suite suite;
	const char *suite_name;                  // "TLS_AES_128_GCM_SHA256"; NULL until negotiated
	char server_name[TLS_SERVER_NAME_BYTES]; // that was asked for; empty: none
	uint32_t certificate;                    // id of ours that was chosen
	unsigned n_records, n_bytes;             // the peer's
};

// The context gets a reference of the handshake's. p is the caller's and not kept. NULL with errno:
// ENOENT no such certificate, or none as a server; EINVAL a name that is none; ENOMEM.
struct tls_handshake *tls_handshake_new(
	struct tls_context *c, const struct tls_params *p, int64_t now_s);
void tls_handshake_free(struct tls_handshake *h); // wipes its secrets; NULL does nothing

// record: whole, header included; empty in a client's first step only.
enum tls_step tls_handshake_step(struct tls_handshake *h, struct view record);
// What the last step wants sent; lives until the next one.
struct view tls_handshake_output(const struct tls_handshake *h);

// Once, after TLS_DONE. 0; -EINVAL before or again. The caller wipes secrets.
int tls_handshake_finish(struct tls_handshake *h, struct record_secrets *secrets);

// Of the peer's certificate: after TLS_DONE, and after TLS_FAILED as far as it was read, for
// diagnosis only. It says under which EKU policies it would pass, so that who would fail is known
// before a policy is made stricter (FEATURES T6). NULL: the peer showed none.
const struct card *tls_handshake_card(const struct tls_handshake *h);
// After TLS_FAILED why, and more about it where OpenSSL has something to say, else "".
enum tls_refusal tls_handshake_refusal(const struct tls_handshake *h);
const char *tls_handshake_detail(const struct tls_handshake *h);
struct tls_handshake_facts tls_handshake_facts(const struct tls_handshake *h);
