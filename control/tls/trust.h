// SPDX-License-Identifier: BSD-3-Clause
// Whom a context trusts: roots, CRLs, pinned certificates and the policy of looking at a chain.
// Part of a context; nothing else includes this but what verifies.

#pragma once

#include "control/tls/context.h"
#include "control/tls/names.h"

#include <openssl/sha.h>
#include <openssl/x509_vfy.h>

struct tls_trust {
	X509_STORE *store;
	STACK_OF(X509_CRL) * crls;
	uint8_t (*pinned)[CARD_FINGERPRINT_BYTES]; // in order
	size_t n_pinned;
	enum tls_eku eku;
	enum tls_crl crl;
	enum tls_cn cn;
	struct tls_names first; // of a card; no judgement that is kept depends on them
	int64_t crls_until_s;   // the first of their next updates; INT64_MAX without one
	// Over all of the above but first: judgements under equal trust are equal.
	uint8_t digest[SHA256_DIGEST_LENGTH];
	struct tls_cache *cache; // the caller's, or NULL
};

// False: errors has been added to; tls_trust_fini() either way.
bool tls_trust_init(
	struct tls_trust *t, const struct tls_context_config *config, struct errors *errors);
void tls_trust_fini(struct tls_trust *t);

bool tls_trust_pins(const struct tls_trust *t, const uint8_t fingerprint[CARD_FINGERPRINT_BYTES]);
bool tls_trust_revokes(const struct tls_trust *t, const struct card *card);
