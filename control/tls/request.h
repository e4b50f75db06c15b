// SPDX-License-Identifier: BSD-3-Clause
// Keys and certificate requests (PKCS #10) for our own domains (FEATURES O8). For fedctl; control
// itself makes neither. Any thread.

#pragma once

#include "lib/base/view.h"

#include <openssl/evp.h>

enum tls_key_kind {
	TLS_KEY_P256,
	TLS_KEY_P384,
	TLS_KEY_RSA, // 3072 bits
};

// How the request names a domain. Public CAs sign dNSNames only; SIP prefers a URI (RFC 5922 §7.1).
enum tls_request_form {
	TLS_REQUEST_DNS,
	TLS_REQUEST_DNS_AND_URI, // and URI sip:domain
};

struct tls_request {
	const struct view *domains; // in any spelling; one at least
	size_t n_domains;
	struct view host; // this relay's own name, a dNSName more; VIEW_NONE: none
	enum tls_request_form form;
};

// NULL: OpenSSL cannot.
EVP_PKEY *tls_key_make(enum tls_key_kind kind);
// Makes the file, of its user alone (mode 0600); one that is there already stays. 0 or -errno.
int tls_key_write(EVP_PKEY *key, const char *path);

// In PEM; *pem is the caller's to free. 0; -EINVAL where a name is no domain: *wrong is it;
// -ENOMEM.
int tls_request_make(
	EVP_PKEY *key, const struct tls_request *request, struct view *pem, struct view *wrong);
