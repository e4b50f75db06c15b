// SPDX-License-Identifier: BSD-3-Clause
// What a context is made of. Included by what belongs to it and by handshakes.

#pragma once

#include "control/tls/certificate.h"
#include "control/tls/sni.h"
#include "control/tls/trust.h"

#include <openssl/ssl.h>
#include <stdatomic.h>

struct tls_context {
	atomic_uint n_references;
	SSL_CTX *ssl; // of both roles; has no certificate itself: each handshake chooses one
	struct tls_trust trust;
	struct tls_certificate *certificates;
	uint32_t n_certificates;
	struct tls_sni sni;
};

// 0: the default one. NULL: no such.
const struct tls_certificate *tls_context_find(const struct tls_context *c, uint32_t id);
// The one that answers for a name, the default one if none does; NULL: there is none at all.
const struct tls_certificate *tls_context_find_name(const struct tls_context *c, struct view name);

// handshake.c: what a handshake wants to be called for.
void tls_handshake_install(SSL_CTX *ssl);
