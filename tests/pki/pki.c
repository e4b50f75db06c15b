// SPDX-License-Identifier: BSD-3-Clause

#include "tests/pki/pki.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "pki: %s\n", what);
	ERR_print_errors_fp(stderr);
	abort();
}

static EVP_PKEY *make_key(enum pki_key kind, OSSL_LIB_CTX *library)
{
	EVP_PKEY *key = NULL;

	switch (kind) {
	case PKI_P256:
		key = EVP_PKEY_Q_keygen(library, NULL, "EC", "P-256");
		break;
	case PKI_RSA:
		key = EVP_RSA_gen(2048);
		break;
	case PKI_RSA_WEAK:
		key = EVP_RSA_gen(1024);
		break;
	case PKI_ED25519:
		key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		break;
	}
	must(key != NULL, "key");
	return key;
}

// X509_set_pubkey() encodes a key and decodes it again, by whatever OpenSSL has: five times as long
// as all the rest of a certificate. Such a certificate has its key for who reads it from its bytes,
// not for X509_get0_pubkey().
static bool set_p256(X509 *x, EVP_PKEY *key)
{
	unsigned char *point = NULL;
	size_t n = EVP_PKEY_get1_encoded_public_key(key, &point);

	return n > 0 &&
		X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(x),
			OBJ_nid2obj(NID_X9_62_id_ecPublicKey), V_ASN1_OBJECT,
			OBJ_nid2obj(NID_X9_62_prime256v1), point, (int)n) == 1;
}

static void add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;

	if (value == NULL)
		return;
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	must(extension != NULL && X509_add_ext(x, extension, -1) == 1, value);
	X509_EXTENSION_free(extension);
}

static void add_extensions(X509 *x, X509 *issuer, const struct pki_spec *spec)
{
	const char *usage = spec->key_usage;

	if (usage == NULL)
		usage = spec->ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature";
	add_extension(x, issuer, NID_basic_constraints,
		spec->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	add_extension(x, issuer, NID_key_usage, usage);
	add_extension(x, issuer, NID_ext_key_usage, spec->eku);
	add_extension(x, issuer, NID_subject_alt_name, spec->san);
	add_extension(x, issuer, NID_subject_key_identifier, "hash");
	if (issuer != x)
		add_extension(x, issuer, NID_authority_key_identifier, "keyid");
}

static const EVP_MD *digest_for(const EVP_PKEY *key)
{
	return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
}

static void set_serial(X509 *x)
{
	static long last = 0x1000;

	must(ASN1_INTEGER_set(X509_get_serialNumber(x), ++last) == 1, "serial number");
}

struct pki pki_issue(const struct pki *issuer, const struct pki_spec *spec)
{
	struct pki p = {
		X509_new_ex(spec->library, NULL), make_key(spec->key, spec->library), issuer};
	X509 *x = p.certificate, *by = issuer != NULL ? issuer->certificate : x;
	EVP_PKEY *key = issuer != NULL ? issuer->key : p.key;
	int64_t from_s = spec->from_s != 0 ? spec->from_s : PKI_NOW_S - 180 * PKI_DAY_S;
	int64_t until_s = spec->until_s != 0 ? spec->until_s : PKI_NOW_S + 180 * PKI_DAY_S;
	const unsigned char *cn = (const unsigned char *)(spec->cn != NULL ? spec->cn : "test");

	must(x != NULL && X509_set_version(x, X509_VERSION_3) == 1, "certificate");
	set_serial(x);
	must(ASN1_TIME_set(X509_getm_notBefore(x), (time_t)from_s) != NULL, "not before");
	must(ASN1_TIME_set(X509_getm_notAfter(x), (time_t)until_s) != NULL, "not after");
	must(spec->library != NULL ? set_p256(x, p.key) : X509_set_pubkey(x, p.key) == 1,
		"public key");
	must(X509_NAME_add_entry_by_txt(
		     X509_get_subject_name(x), "CN", MBSTRING_UTF8, cn, -1, -1, 0) == 1,
		"subject");
	must(X509_set_issuer_name(x, X509_get_subject_name(by)) == 1, "issuer");
	add_extensions(x, by, spec);
	must(X509_sign(x, key, digest_for(key)) > 0, "signature");
	return p;
}

void pki_free(struct pki *p)
{
	X509_free(p->certificate);
	EVP_PKEY_free(p->key);
	*p = (struct pki){0};
}

// What was written into the BIO, which it frees.
static struct view taken(BIO *bio)
{
	char *bytes;
	long n = BIO_get_mem_data(bio, &bytes);
	uint8_t *copy = malloc((size_t)n + 1);

	must(copy != NULL, "memory");
	memcpy(copy, bytes, (size_t)n);
	copy[n] = '\0';
	BIO_free(bio);
	return view_of(copy, (size_t)n);
}

struct view pki_chain_pem(const struct pki *p)
{
	BIO *bio = BIO_new(BIO_s_mem());

	do {
		must(PEM_write_bio_X509(bio, p->certificate) == 1, "PEM");
		p = p->issuer;
	} while (p != NULL && p->issuer != NULL);
	return taken(bio);
}

struct view pki_certificate_pem(const struct pki *p)
{
	BIO *bio = BIO_new(BIO_s_mem());

	must(PEM_write_bio_X509(bio, p->certificate) == 1, "PEM");
	return taken(bio);
}

struct view pki_key_pem(const struct pki *p)
{
	BIO *bio = BIO_new(BIO_s_mem());

	must(PEM_write_bio_PrivateKey(bio, p->key, NULL, NULL, 0, NULL, NULL) == 1, "PEM");
	return taken(bio);
}

static void revoke(X509_CRL *crl, const struct pki *p)
{
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_TIME *when = ASN1_TIME_set(NULL, (time_t)(PKI_NOW_S - PKI_DAY_S));

	must(X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(p->certificate)) == 1 &&
			X509_REVOKED_set_revocationDate(entry, when) == 1 &&
			X509_CRL_add0_revoked(crl, entry) == 1,
		"CRL entry");
	ASN1_TIME_free(when);
}

struct view pki_crl_pem(
	const struct pki *issuer, const struct pki *const revoked[], size_t n, int64_t until_s)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *last = ASN1_TIME_set(NULL, (time_t)(PKI_NOW_S - 30 * PKI_DAY_S));
	ASN1_TIME *next = ASN1_TIME_set(NULL, (time_t)until_s);
	BIO *bio = BIO_new(BIO_s_mem());

	must(X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
			X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->certificate)) ==
				1 &&
			X509_CRL_set1_lastUpdate(crl, last) == 1 &&
			X509_CRL_set1_nextUpdate(crl, next) == 1,
		"CRL");
	for (size_t i = 0; i < n; i++)
		revoke(crl, revoked[i]);
	must(X509_CRL_sort(crl) == 1 &&
			X509_CRL_sign(crl, issuer->key, digest_for(issuer->key)) > 0 &&
			PEM_write_bio_X509_CRL(bio, crl) == 1,
		"CRL");
	ASN1_TIME_free(last);
	ASN1_TIME_free(next);
	X509_CRL_free(crl);
	return taken(bio);
}

void pki_text_free(struct view *text)
{
	free((void *)(uintptr_t)text->at);
	*text = VIEW_NONE;
}
