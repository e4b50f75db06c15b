// SPDX-License-Identifier: BSD-3-Clause
// PEM files, read into OpenSSL's objects, with errors that name file and reason. Any thread.

#pragma once

#include "control/tls/context.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

// All certificates of it, in its order; at least one. NULL: errors has been added to.
STACK_OF(X509) * tls_pem_certificates(const struct tls_pem *pem, struct errors *errors);
STACK_OF(X509_CRL) * tls_pem_crls(const struct tls_pem *pem, struct errors *errors);
// A private key, without a passphrase. A file that others may read is refused.
EVP_PKEY *tls_pem_key(const struct tls_pem *pem, struct errors *errors);
