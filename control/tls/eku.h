// SPDX-License-Identifier: BSD-3-Clause
// Extended key usage (RFC 5280 §4.2.1.12, RFC 5924) under a policy (FEATURES T6): public CAs have
// stopped issuing clientAuth, so a federation that demands it loses partners. Any thread.

#pragma once

#include "lib/policy/card.h"

#include <openssl/x509.h>
#include <stdbool.h>

// What a certificate with the extension must permit; one without it, or with
// anyExtendedKeyUsage or id-kp-sipDomain, permits everything.
enum tls_eku {
	TLS_EKU_SERVER, // serverAuth, also of a peer that is the client: the default
	TLS_EKU_IGNORE, // nothing
	TLS_EKU_STRICT, // clientAuth of a client, serverAuth of a server
	TLS_EKU_N,
};

// "require server", "ignore", "strict".
const char *tls_eku_name(enum tls_eku policy);

// Who the peer is, not we.
enum tls_peer {
	TLS_PEER_CLIENT,
	TLS_PEER_SERVER,
	TLS_PEER_N,
};

// Of one certificate.
bool tls_eku_permits(X509 *certificate, enum tls_eku policy, enum tls_peer peer);

// Of a chain: the certificate, then its issuers; bits of enum card_usage. Its root, if it is in it,
// has no say.
unsigned tls_eku_usages(const STACK_OF(X509) * chain);

// Under which policies they do not do, for people; "": under none.
const char *tls_eku_warning(unsigned usages);

// The same under every policy: permits[policy][peer].
struct tls_eku_report {
	bool permits[TLS_EKU_N][TLS_PEER_N];
};

struct tls_eku_report tls_eku_report(unsigned usages);
