// SPDX-License-Identifier: BSD-3-Clause

#include "control/tls/request.h"

#include "lib/policy/domain.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <unistd.h>

#define RSA_BITS 3072
// ub-common-name, RFC 5280 §A.1.
#define COMMON_NAME_BYTES_MAX 64

EVP_PKEY *tls_key_make(enum tls_key_kind kind)
{
	switch (kind) {
	case TLS_KEY_P256:
		return EVP_EC_gen("P-256");
	case TLS_KEY_P384:
		return EVP_EC_gen("P-384");
	case TLS_KEY_RSA:
		return EVP_RSA_gen(RSA_BITS);
	}
	return NULL;
}

int tls_key_write(EVP_PKEY *key, const char *path)
{
	// A key that was there may be in use: it is not written over.
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
	bool good;

	if (file == NULL)
		return -errno;
	good = PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1 &&
		fflush(file) == 0 && fsync(fd) == 0;
	good &= fclose(file) == 0;
	if (good)
		return 0;
	unlink(path);
	return -EIO;
}

// Adds a name with a prefix such as `sip:`.
static bool add_name(
	GENERAL_NAMES *names, int type, const char *prefix, const struct domain *domain)
{
	char text[DOMAIN_BYTES_MAX + 8];
	int n = snprintf(
		text, sizeof(text), "%s%.*s", prefix, (int)domain->len, (const char *)domain->text);
	ASN1_IA5STRING *string = ASN1_IA5STRING_new();
	GENERAL_NAME *name = GENERAL_NAME_new();

	if (string == NULL || name == NULL || ASN1_STRING_set(string, text, n) != 1) {
		ASN1_IA5STRING_free(string);
		GENERAL_NAME_free(name);
		return false;
	}
	GENERAL_NAME_set0_value(name, type, string);
	if (sk_GENERAL_NAME_push(names, name) > 0)
		return true;
	GENERAL_NAME_free(name);
	return false;
}

static int add_domain(
	GENERAL_NAMES *names, struct view text, enum tls_request_form form, struct view *wrong)
{
	struct domain domain;

	if (domain_canonical(text, &domain) < 0) {
		*wrong = text;
		return -EINVAL;
	}
	if (!add_name(names, GEN_DNS, "", &domain) ||
		(form == TLS_REQUEST_DNS_AND_URI && !add_name(names, GEN_URI, "sip:", &domain)))
		return -ENOMEM;
	return 0;
}

static int add_names(GENERAL_NAMES *names, const struct tls_request *request, struct view *wrong)
{
	int error = 0;

	for (size_t i = 0; i < request->n_domains && error == 0; i++)
		error = add_domain(names, request->domains[i], request->form, wrong);
	if (error == 0 && request->host.len > 0)
		error = add_domain(names, request->host, TLS_REQUEST_DNS, wrong);
	return error;
}

static bool add_extension(STACK_OF(X509_EXTENSION) * extensions, X509_EXTENSION *extension)
{
	if (extension != NULL && sk_X509_EXTENSION_push(extensions, extension) > 0)
		return true;
	X509_EXTENSION_free(extension);
	return false;
}

static bool add_extensions(X509_REQ *r, GENERAL_NAMES *names)
{
	STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
	bool good = extensions != NULL &&
		add_extension(extensions, X509V3_EXT_i2d(NID_subject_alt_name, 0, names)) &&
		add_extension(extensions,
			X509V3_EXT_conf_nid(
				NULL, NULL, NID_key_usage, "critical,digitalSignature")) &&
		add_extension(extensions,
			X509V3_EXT_conf_nid(
				NULL, NULL, NID_ext_key_usage, "serverAuth,clientAuth")) &&
		X509_REQ_add_extensions(r, extensions) == 1;

	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
	return good;
}

// The first name, for those who look at it: it proves nothing.
static bool set_subject(X509_REQ *r, const GENERAL_NAMES *names)
{
	const ASN1_STRING *first = sk_GENERAL_NAME_value(names, 0)->d.ia5;

	if (ASN1_STRING_length(first) > COMMON_NAME_BYTES_MAX)
		return true;
	return X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(r), NID_commonName,
		       MBSTRING_ASC, ASN1_STRING_get0_data(first), ASN1_STRING_length(first), -1,
		       0) == 1;
}

static bool write_pem(const X509_REQ *r, struct view *pem)
{
	BIO *bio = BIO_new(BIO_s_mem());
	uint8_t *copy = NULL;
	char *bytes;
	long n;

	if (bio != NULL && PEM_write_bio_X509_REQ(bio, r) == 1 &&
		(n = BIO_get_mem_data(bio, &bytes)) > 0 && (copy = malloc((size_t)n)) != NULL) {
		memcpy(copy, bytes, (size_t)n);
		*pem = view_of(copy, (size_t)n);
	}
	BIO_free(bio);
	return copy != NULL;
}

int tls_request_make(
	EVP_PKEY *key, const struct tls_request *request, struct view *pem, struct view *wrong)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	X509_REQ *r = X509_REQ_new();
	int error = names == NULL || r == NULL ? -ENOMEM : 0;

	if (error == 0 && request->n_domains == 0) {
		*wrong = VIEW_NONE;
		error = -EINVAL;
	}
	if (error == 0)
		error = add_names(names, request, wrong);
	if (error == 0 &&
		!(X509_REQ_set_version(r, X509_REQ_VERSION_1) == 1 && set_subject(r, names) &&
			X509_REQ_set_pubkey(r, key) == 1 && add_extensions(r, names) &&
			X509_REQ_sign(r, key, EVP_sha256()) > 0 && write_pem(r, pem)))
		error = -ENOMEM;
	GENERAL_NAMES_free(names);
	X509_REQ_free(r);
	ERR_clear_error();
	return error;
}
