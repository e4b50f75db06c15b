// SPDX-License-Identifier: BSD-3-Clause

#include "control/tls/trust.h"

#include "control/tls/pem.h"
#include "control/tls/verify.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>

#define PIN CARD_FINGERPRINT_BYTES

static bool add_roots(
	struct tls_trust *t, const struct tls_pem *pem, EVP_MD_CTX *digest, struct errors *errors)
{
	STACK_OF(X509) *roots = tls_pem_certificates(pem, errors);
	bool good = roots != NULL;

	for (int i = 0; i < sk_X509_num(roots) && good; i++) {
		X509 *root = sk_X509_value(roots, i);
		uint8_t fingerprint[CARD_FINGERPRINT_BYTES];

		tls_fingerprint(root, fingerprint);
		good = X509_STORE_add_cert(t->store, root) == 1 &&
			EVP_DigestUpdate(digest, fingerprint, sizeof(fingerprint)) == 1;
		if (!good)
			errors_add_in(errors, pem->path, 0,
				"its certificate number %d cannot be used", i + 1);
	}
	sk_X509_pop_free(roots, X509_free);
	return good;
}

static bool add_crl(struct tls_trust *t, X509_CRL *crl, EVP_MD_CTX *digest)
{
	const ASN1_TIME *until = X509_CRL_get0_nextUpdate(crl);
	uint8_t fingerprint[EVP_MAX_MD_SIZE];
	unsigned n;

	if (until != NULL && tls_time_s(until) < t->crls_until_s)
		t->crls_until_s = tls_time_s(until);
	if (X509_CRL_digest(crl, EVP_sha256(), fingerprint, &n) != 1 ||
		EVP_DigestUpdate(digest, fingerprint, n) != 1 ||
		X509_STORE_add_crl(t->store, crl) != 1 || X509_CRL_up_ref(crl) != 1)
		return false;
	if (sk_X509_CRL_push(t->crls, crl) > 0)
		return true;
	X509_CRL_free(crl);
	return false;
}

static bool add_crls(
	struct tls_trust *t, const struct tls_pem *pem, EVP_MD_CTX *digest, struct errors *errors)
{
	STACK_OF(X509_CRL) *crls = tls_pem_crls(pem, errors);
	bool good = crls != NULL;

	for (int i = 0; i < sk_X509_CRL_num(crls) && good; i++) {
		good = add_crl(t, sk_X509_CRL_value(crls, i), digest);
		if (!good)
			errors_add_in(
				errors, pem->path, 0, "its CRL number %d cannot be used", i + 1);
	}
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
	return good;
}

static int compare_pins(const void *a, const void *b)
{
	return memcmp(a, b, PIN);
}

static bool add_pins(
	struct tls_trust *t, const struct tls_context_config *config, EVP_MD_CTX *digest)
{
	if (config->n_pinned == 0)
		return true;
	t->pinned = calloc(config->n_pinned, PIN);
	if (t->pinned == NULL)
		return false;
	memcpy(t->pinned, config->pinned, config->n_pinned * PIN);
	t->n_pinned = config->n_pinned;
	qsort(t->pinned, t->n_pinned, PIN, compare_pins);
	return EVP_DigestUpdate(digest, t->pinned, t->n_pinned * PIN) == 1;
}

// What the digest begins with, so that the parts behind it cannot be shifted into each other.
static bool add_policy(
	struct tls_trust *t, const struct tls_context_config *config, EVP_MD_CTX *digest)
{
	const uint64_t head[] = {config->n_trust, config->n_crls, config->n_pinned, config->eku,
		config->crl, config->cn};

	t->eku = config->eku;
	t->crl = config->crl;
	t->cn = config->cn;
	t->cache = config->cache;
	t->crls_until_s = INT64_MAX;
	t->store = X509_STORE_new();
	t->crls = sk_X509_CRL_new_null();
	return t->store != NULL && t->crls != NULL && digest != NULL &&
		EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
		EVP_DigestUpdate(digest, head, sizeof(head)) == 1;
}

bool tls_trust_init(
	struct tls_trust *t, const struct tls_context_config *config, struct errors *errors)
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	bool good = true;

	*t = (struct tls_trust){0};
	if (!add_policy(t, config, digest) || !add_pins(t, config, digest) ||
		!tls_names_init(&t->first, config->first, config->n_first)) {
		errors_add(errors, 0, "out of memory");
		good = false;
	}
	for (size_t i = 0; i < config->n_trust && good; i++)
		good = add_roots(t, &config->trust[i], digest, errors);
	for (size_t i = 0; i < config->n_crls && good; i++)
		good = add_crls(t, &config->crls[i], digest, errors);
	good = good && EVP_DigestFinal_ex(digest, t->digest, NULL) == 1;
	EVP_MD_CTX_free(digest);
	ERR_clear_error();
	return good;
}

void tls_trust_fini(struct tls_trust *t)
{
	X509_STORE_free(t->store);
	sk_X509_CRL_pop_free(t->crls, X509_CRL_free);
	free(t->pinned);
	tls_names_fini(&t->first);
}

bool tls_trust_pins(const struct tls_trust *t, const uint8_t fingerprint[CARD_FINGERPRINT_BYTES])
{
	return t->n_pinned > 0 &&
		bsearch(fingerprint, t->pinned, t->n_pinned, PIN, compare_pins) != NULL;
}

// A card's serial number as OpenSSL has it, the caller's. NULL: it has none.
static ASN1_INTEGER *serial_of(const struct card *card)
{
	struct view hex = card_view(card, card->serial);
	char text[CARD_SERIAL_BYTES_MAX + 1];
	ASN1_INTEGER *serial = NULL;
	BIGNUM *number = NULL;

	if (hex.len == 0 || hex.len >= sizeof(text))
		return NULL;
	memcpy(text, hex.at, hex.len);
	text[hex.len] = '\0';
	if (BN_hex2bn(&number, text) == (int)hex.len)
		serial = BN_to_ASN1_INTEGER(number, NULL);
	BN_free(number);
	return serial;
}

bool tls_trust_revokes(const struct tls_trust *t, const struct card *card)
{
	ASN1_INTEGER *serial = serial_of(card);
	bool revoked = false;

	for (int i = 0; i < sk_X509_CRL_num(t->crls) && serial != NULL && !revoked; i++) {
		X509_CRL *crl = sk_X509_CRL_value(t->crls, i);
		char issuer[CARD_ISSUER_BYTES_MAX + 1];
		X509_REVOKED *entry;

		// Cut as the card's is.
		tls_name_text(X509_CRL_get_issuer(crl), issuer, sizeof(issuer));
		if (view_equal(view_string(issuer), card_view(card, card->issuer)))
			// 2: it says that it is not revoked any more.
			revoked = X509_CRL_get0_by_serial(crl, &entry, serial) == 1;
	}
	ASN1_INTEGER_free(serial);
	return revoked;
}
