// SPDX-License-Identifier: BSD-3-Clause
// Whom a certificate names (RFC 5922 §7.1): from its SAN URIs sip:domain, else from its dNSNames,
// else, without any subjectAltName, from its common name. Whole names: a wildcard names nobody.
// Looks at names only: whether the certificate is to be believed is verify.h's. Any thread.

#pragma once

#include "control/tls/names.h"
#include "control/tls/refusal.h"
#include "lib/policy/card.h"
#include "lib/policy/domain.h"

#include <openssl/x509.h>

// RFC 5922 §7.1: a common name may count in a certificate without any subjectAltName.
enum tls_cn {
	TLS_CN_WITHOUT_SAN,
	TLS_CN_NEVER,
};

// What a peer must prove besides a good chain (FEATURES T2).
enum tls_match {
	TLS_MATCH_NONE,   // nothing; its card says what it proved
	TLS_MATCH_DOMAIN, // a SIP domain, where any SAN URI sip: outdoes all dNSNames
	TLS_MATCH_HOST,   // a proxy's host name, by any of its names
	// One of some fingerprints. Its chain need not be trusted if the context pins it; the card
	// then has trusted 0 and no names: nobody vouches for them.
	TLS_MATCH_FINGERPRINT,
};

void tls_fingerprint(X509 *certificate, uint8_t fingerprint[CARD_FINGERPRINT_BYTES]);

// A card, not yet trusted, with as many of the names as fit: those of first before others, URIs
// before dNSNames, but at least one URI where there is any (card_name_is_domain()). refusal none;
// or why there is no name in it: no_name, wildcard, cn_only.
enum tls_refusal tls_identity_card(
	X509 *certificate, enum tls_cn cn, const struct tls_names *first, struct card *card);

// Calls each for every whole name of its subjectAltName, however many, as it is written there.
void tls_identity_each(
	const X509 *certificate, void (*each)(void *arg, struct view name), void *arg);

// Of TLS_MATCH_DOMAIN and _HOST: none, and *proof is what proves the name; or why the certificate
// does not: wrong_name, wildcard, cn_only.
enum tls_refusal tls_identity_proves(X509 *certificate, enum tls_cn cn, enum tls_match match,
	const struct domain *name, enum card_proof *proof);

// Name in the form of RFC 4514, printable ASCII, NUL-terminated, cut to n_bytes.
void tls_name_text(const X509_NAME *name, char *text, size_t n_bytes);
