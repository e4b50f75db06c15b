// SPDX-License-Identifier: BSD-3-Clause
// Who fedload is over TLS: a certificate for each partner that it plays, P-256 with a key of its
// own, and whom it trusts. They are issued at start by the CA of a folder, ca.pem with ca.key (as
// scripts/gen-certs makes them; both are made where neither is there), and kept in memory only: a
// relay needs the CA's certificate and nothing else. By control's own contexts (control/tls).
//
// Not for service: the CA's key lies open. Thread: any, one.

#pragma once

#include "control/tls/context.h"

struct identities;

struct identities_config {
	const char *folder;
	const char *trust;  // PEM file of the roots that vouch for peers; NULL: the folder's CA
	const char *domain; // that the certificates prove
	// 1: that domain itself; more: so many domains below it, as requests' senders are of
	// (requests_domain_label()).
	uint32_t n_partners;
	enum record_version version_min; // RECORD_VERSION_NONE: TLS 1.2
};

// NULL, and errors says why.
struct identities *identities_new(const struct identities_config *config, struct errors *errors);
void identities_free(struct identities *i); // NULL does nothing

// What a handshake of one of the partners goes by; the context is not the caller's.
struct identity {
	struct tls_context *context;
	uint32_t certificate;
};
struct identity identities_find(const struct identities *i, uint32_t partner);
uint32_t identities_count(const struct identities *i);
