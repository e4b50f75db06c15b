// SPDX-License-Identifier: BSD-3-Clause

#include "control/tls/certificate.h"

#include "control/tls/pem.h"
#include "control/tls/verify.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <time.h>

// 112 bits: what OpenSSL's security level 2 asks of a key.
#define SECURITY_BITS_MIN 112

static const char *path_of(const struct tls_certificate_config *config)
{
	return config->chain.path != NULL ? config->chain.path : "certificate";
}

// The leaf, and behind it what is to be sent with it: not the root, which the peer has or does not
// trust.
static bool take_chain(struct tls_certificate *c, STACK_OF(X509) * list)
{
	c->leaf = sk_X509_shift(list);
	c->issuers = list;
	for (int i = sk_X509_num(list) - 1; i >= 0; i--) {
		if ((X509_get_extension_flags(sk_X509_value(list, i)) & EXFLAG_SS) != 0)
			X509_free(sk_X509_delete(list, i));
	}
	return c->leaf != NULL;
}

static void date_text(int64_t seconds, char text[32])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || strftime(text, 32, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		text[0] = '\0';
}

static bool check_time(struct tls_certificate *c, const X509 *certificate, const char *path,
	int64_t now_s, struct errors *errors)
{
	int64_t from_s = tls_time_s(X509_get0_notBefore(certificate));
	int64_t until_s = tls_time_s(X509_get0_notAfter(certificate));
	char text[32];

	if (until_s < c->until_s)
		c->until_s = until_s;
	if (now_s == 0 || (now_s >= from_s && now_s <= until_s))
		return true;
	date_text(now_s < from_s ? from_s : until_s, text);
	errors_add_in(
		errors, path, 0, now_s < from_s ? "not valid before %s" : "expired on %s", text);
	return false;
}

static bool check_order(const struct tls_certificate *c, const char *path, struct errors *errors)
{
	X509 *subject = c->leaf;

	for (int i = 0; i < sk_X509_num(c->issuers); i++) {
		X509 *issuer = sk_X509_value(c->issuers, i);

		if (X509_check_issued(issuer, subject) != X509_V_OK) {
			errors_add_in(errors, path, 0,
				"its certificate number %d has not issued the one before it",
				i + 2);
			return false;
		}
		subject = issuer;
	}
	return true;
}

static bool check_names(struct tls_certificate *c, const char *path, struct errors *errors)
{
	enum tls_refusal refusal = tls_identity_card(c->leaf, TLS_CN_NEVER, NULL, &c->card);

	if (refusal == TLS_REFUSAL_none)
		return true;
	errors_add_in(errors, path, 0, "%s",
		refusal == TLS_REFUSAL_wildcard
			? "names wildcards only, which SIP does not permit (RFC 5922)"
			: "names no domain: no subjectAltName DNS or URI sip:");
	return false;
}

static bool check_key(const struct tls_certificate *c, const struct tls_certificate_config *config,
	struct errors *errors)
{
	const char *path = config->key.path != NULL ? config->key.path : "private key";
	int kind = EVP_PKEY_get_base_id(c->key);

	if (kind != EVP_PKEY_EC && kind != EVP_PKEY_RSA && kind != EVP_PKEY_ED25519)
		errors_add_in(errors, path, 0, "neither an EC, an RSA nor an Ed25519 key");
	else if (EVP_PKEY_get_security_bits(c->key) < SECURITY_BITS_MIN)
		errors_add_in(errors, path, 0, "too weak: P-256, or RSA of 2048 bits or more");
	else if (X509_check_private_key(c->leaf, c->key) != 1)
		errors_add_in(errors, path, 0, "does not belong to the certificate in %s",
			path_of(config));
	else
		return true;
	return false;
}

static bool check(struct tls_certificate *c, const struct tls_certificate_config *config,
	int64_t now_s, struct errors *errors)
{
	const char *path = path_of(config);
	bool good = check_names(c, path, errors);

	// All that is wrong at once.
	good &= check_order(c, path, errors);
	good &= check_time(c, c->leaf, path, now_s, errors);
	for (int i = 0; i < sk_X509_num(c->issuers); i++)
		good &= check_time(c, sk_X509_value(c->issuers, i), path, now_s, errors);
	if ((X509_get_key_usage(c->leaf) & KU_DIGITAL_SIGNATURE) == 0) {
		errors_add_in(errors, path, 0, "its key usage does not permit signatures");
		good = false;
	}
	if (config->made_key != NULL && EVP_PKEY_up_ref(config->made_key) == 1)
		c->key = config->made_key;
	else
		c->key = tls_pem_key(&config->key, errors);
	good &= c->key != NULL && check_key(c, config, errors);
	ERR_clear_error();
	return good;
}

bool tls_certificate_init(struct tls_certificate *c, const struct tls_certificate_config *config,
	int64_t now_s, struct errors *errors)
{
	STACK_OF(X509) *list = tls_pem_certificates(&config->chain, errors);

	*c = (struct tls_certificate){.id = config->id, .until_s = INT64_MAX};
	return list != NULL && take_chain(c, list) && check(c, config, now_s, errors);
}

void tls_certificate_fini(struct tls_certificate *c)
{
	X509_free(c->leaf);
	sk_X509_pop_free(c->issuers, X509_free);
	EVP_PKEY_free(c->key);
}
