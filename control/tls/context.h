// SPDX-License-Identifier: BSD-3-Clause
// What a handshake goes by: our certificates and keys, whom we trust, and under which policy. An
// immutable set, built at once and replaced at once; a handshake holds the one that it began with,
// so a reload drops none.
//
// One context has one set of roots. A private CA of our own servers must not vouch for partners:
// inside and outside are two contexts.
//
// Callers: control/session, fedctl, tests, benches. Any thread. Private keys stay in here.

#pragma once

#include "control/tls/cache.h"
#include "control/tls/eku.h"
#include "control/tls/identity.h"
#include "lib/base/errors.h"
#include "lib/base/view.h"
#include "lib/record/secrets.h"

#include <openssl/types.h>

struct tls_context;

#define TLS_CERTIFICATES_MAX 4096
// Of one PEM file of certificates or CRLs, and of one of a key.
#define TLS_FILE_BYTES_MAX (16u << 20)
#define TLS_KEY_BYTES_MAX  (64u << 10)

enum tls_crl {
	// A revoked certificate is refused; an issuer without a CRL, or with an outdated one, is
	// not
	// held against anybody: a CRL that cannot be fetched must not end the federation.
	TLS_CRL_KNOWN,
	TLS_CRL_REQUIRED, // every issuer of a chain needs a current CRL
};

// A PEM text: of a file, or bytes at hand (path then only names them in errors).
struct tls_pem {
	const char *path;
	struct view bytes; // if at is not NULL
};

struct tls_certificate_config {
	uint32_t id;          // by which handshakes ask for it: not 0, each its own
	struct tls_pem chain; // the certificate, then its issuers
	// Its file belongs to this process' user or to root, and no other may read it (mode 0600 or
	// 0400).
	struct tls_pem key;
	// Instead of that text, one at hand, of tls_library(): a reference is taken.
	EVP_PKEY *made_key;
	const char *const *domains; // server names it answers for; none: all that it names
	size_t n_domains;
};

struct tls_context_config {
	const struct tls_certificate_config *certificates; // the first is the default one
	size_t n_certificates;
	// Root certificates, TLS_SYSTEM_TRUST among them where it is wanted. What is no root, but
	// listed here, is trusted as one.
	const struct tls_pem *trust;
	size_t n_trust;
	const struct tls_pem *crls;
	size_t n_crls;
	// SHA-256 of certificates whose chain needs no trusted root: partners known by fingerprint.
	const uint8_t (*pinned)[CARD_FINGERPRINT_BYTES];
	size_t n_pinned;
	// Canonical names that a peer's identity card has first, where its certificate has more
	// than fit: the partners'.
	const char *const *first;
	size_t n_first;
	enum tls_eku eku;
	enum tls_crl crl;
	enum tls_cn cn;
	uint32_t suites;                 // bit 1 << enum record_suite; 0: all
	enum record_version version_min; // RECORD_VERSION_NONE: TLS 1.2
	// Seconds since the epoch, by which our own certificates must be valid; 0 does not look,
	// for a control that restarts with what it has.
	int64_t now_s;
	struct tls_cache
		*cache; // of peers' certificates, shared, outlives all contexts; NULL: none
};

// Where Debian has the system's trusted roots.
#define TLS_SYSTEM_TRUST "/etc/ssl/certs/ca-certificates.crt"

// Reads everything it needs; config is the caller's and not kept. NULL: errors has been added to,
// with file and reason. One reference, the caller's.
struct tls_context *tls_context_new(const struct tls_context_config *config, struct errors *errors);
struct tls_context *tls_context_get(struct tls_context *c);
void tls_context_put(struct tls_context *c); // NULL does nothing

// One of our certificates, as a card: names, issuer, fingerprint. id 0: the default one. NULL: no
// such. Lives as long as the context.
const struct card *tls_context_certificate(const struct tls_context *c, uint32_t id);
// When the first of our certificates expires; INT64_MAX without one.
int64_t tls_context_expires_s(const struct tls_context *c);

// Whether a CRL of the context has the certificate of a session that stands: it must be cut.
bool tls_context_revokes(const struct tls_context *c, const struct card *card);

// The context in force: set by whoever publishes, taken by each new handshake.
struct tls_current;

struct tls_current *tls_current_new(void); // NULL: out of memory
void tls_current_free(struct tls_current *t);
// Takes the caller's reference; the former context goes with its last handshake. NULL: none.
void tls_current_set(struct tls_current *t, struct tls_context *c);
// With a reference, the caller's; NULL when there is none.
struct tls_context *tls_current_get(struct tls_current *t);
