// SPDX-License-Identifier: BSD-3-Clause
// Extended key usage (RFC 5280 §4.2.1.12, RFC 5924) under a policy (FEATURES T6): public CAs have
// stopped issuing clientAuth, so a federation that demands it loses partners. Any thread.

#pragma once

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

// A chain under every policy: permits[policy][peer]. The chain's root, if it is in it, has no say.
struct tls_eku_report {
	bool permits[TLS_EKU_N][TLS_PEER_N];
};

// chain: the certificate, then its issuers.
struct tls_eku_report tls_eku_report(const STACK_OF(X509) * chain);
