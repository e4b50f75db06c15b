// SPDX-License-Identifier: BSD-3-Clause
// OpenSSL's default provider with only those algorithms in view that a handshake needs. OpenSSL
// 3.0 looks through all decoders and key types of its library context whenever a certificate's key
// is read: some ninety, a fifth of a whole handshake. With four it is hardly to be seen.
//
// Keys, certificates and everything of a handshake belong to this library context; what was made in
// another one works, but is carried over again and again.

#pragma once

#include <openssl/types.h>

// One for the process, made at its first use, never freed. NULL: OpenSSL cannot. Any thread.
OSSL_LIB_CTX *tls_library(void);

// The same key in it; the caller's, as the former stays. NULL: OpenSSL cannot.
EVP_PKEY *tls_library_key(EVP_PKEY *key);
