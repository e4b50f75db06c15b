// SPDX-License-Identifier: BSD-3-Clause
// Certificates made for a test: a CA, and what it issues, right or wrong in one way. No files, no
// network. What cannot be made ends the program: it is a fault of the test.

#pragma once

#include "lib/base/view.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

// By which everything here is valid, unless it is asked to be otherwise: in January 2027.
#define PKI_NOW_S INT64_C(1800000000)
#define PKI_DAY_S INT64_C(86400)

enum pki_key {
	PKI_P256,
	PKI_RSA, // 2048 bits
	PKI_RSA_WEAK,
	PKI_ED25519,
};

struct pki_spec {
	const char *cn;
	const char *san; // as `openssl x509v3_config` has it: "URI:sip:contoso.example,DNS:…"
	const char *eku; // "serverAuth,clientAuth"
	const char *key_usage;   // NULL: "digitalSignature", of a CA "keyCertSign,cRLSign"
	int64_t from_s, until_s; // 0: a year around PKI_NOW_S
	bool ca;
	enum pki_key key;
	// NULL: OpenSSL's own. Else of PKI_P256, and quickly: to be read from its bytes.
	OSSL_LIB_CTX *library;
};

// A certificate with its key, and who issued it.
struct pki {
	X509 *certificate;
	EVP_PKEY *key;
	const struct pki *issuer; // must outlive it; NULL: itself
};

// issuer: NULL makes a self-signed one.
struct pki pki_issue(const struct pki *issuer, const struct pki_spec *spec);
void pki_free(struct pki *p);

// The certificate, and the issuers behind it up to the root, without it. Freed by pki_text_free().
struct view pki_chain_pem(const struct pki *p);
struct view pki_certificate_pem(const struct pki *p);
struct view pki_key_pem(const struct pki *p);
// A CRL of the issuer's, with the certificates of revoked; next update after until_s.
struct view pki_crl_pem(
	const struct pki *issuer, const struct pki *const revoked[], size_t n, int64_t until_s);
void pki_text_free(struct view *text);
