// SPDX-License-Identifier: BSD-3-Clause
// One of our certificates with its key. Part of a context.

#pragma once

#include "control/tls/context.h"

#include <openssl/evp.h>

struct tls_certificate {
	uint32_t id;
	X509 *leaf;
	STACK_OF(X509) * issuers; // sent with it; without a root
	EVP_PKEY *key;
	struct card card;
	int64_t until_s; // the first of all of them to expire
};

// now_s: 0 does not look at the time. False: errors has been added to; fini either way.
bool tls_certificate_init(struct tls_certificate *c, const struct tls_certificate_config *config,
	int64_t now_s, struct errors *errors);
void tls_certificate_fini(struct tls_certificate *c);
