// SPDX-License-Identifier: BSD-3-Clause

#include "control/tls/verify.h"

#include "control/tls/library.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#define CHAIN_DEPTH_MAX 8
// 112 bits: RSA of 2048, and no SHA-1.
#define SECURITY_LEVEL 2

// OpenSSL's words and ours. The first row of a refusal is also the way back.
static const struct {
	int error;
	enum tls_refusal refusal;
} errors_known[] = {
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, TLS_REFUSAL_unknown_ca},
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, TLS_REFUSAL_unknown_ca},
	{X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, TLS_REFUSAL_unknown_ca},
	{X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, TLS_REFUSAL_unknown_ca},
	{X509_V_ERR_CERT_UNTRUSTED, TLS_REFUSAL_unknown_ca},
	{X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, TLS_REFUSAL_self_signed},
	{X509_V_ERR_CERT_HAS_EXPIRED, TLS_REFUSAL_expired},
	{X509_V_ERR_CERT_NOT_YET_VALID, TLS_REFUSAL_not_yet_valid},
	{X509_V_ERR_CERT_REVOKED, TLS_REFUSAL_revoked},
	{X509_V_ERR_UNABLE_TO_GET_CRL, TLS_REFUSAL_crl_missing},
	{X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, TLS_REFUSAL_crl_missing},
	{X509_V_ERR_CRL_HAS_EXPIRED, TLS_REFUSAL_crl_outdated},
	{X509_V_ERR_CRL_NOT_YET_VALID, TLS_REFUSAL_crl_outdated},
	{X509_V_ERR_INVALID_PURPOSE, TLS_REFUSAL_eku},
	{X509_V_ERR_KEYUSAGE_NO_DIGITAL_SIGNATURE, TLS_REFUSAL_key_usage},
	{X509_V_ERR_EE_KEY_TOO_SMALL, TLS_REFUSAL_weak},
	{X509_V_ERR_CA_KEY_TOO_SMALL, TLS_REFUSAL_weak},
	{X509_V_ERR_CA_MD_TOO_WEAK, TLS_REFUSAL_weak},
	{X509_V_ERR_INVALID_CA, TLS_REFUSAL_bad_issuer},
	{X509_V_ERR_KEYUSAGE_NO_CERTSIGN, TLS_REFUSAL_bad_issuer},
	{X509_V_ERR_PATH_LENGTH_EXCEEDED, TLS_REFUSAL_bad_issuer},
	{X509_V_ERR_PERMITTED_VIOLATION, TLS_REFUSAL_bad_issuer},
	{X509_V_ERR_EXCLUDED_VIOLATION, TLS_REFUSAL_bad_issuer},
	{X509_V_ERR_CERT_SIGNATURE_FAILURE, TLS_REFUSAL_bad_signature},
	{X509_V_ERR_CRL_SIGNATURE_FAILURE, TLS_REFUSAL_bad_signature},
	{X509_V_ERR_CERT_CHAIN_TOO_LONG, TLS_REFUSAL_chain_too_long},
	{X509_V_ERR_OUT_OF_MEM, TLS_REFUSAL_internal},
	{X509_V_ERR_HOSTNAME_MISMATCH, TLS_REFUSAL_wrong_name},
};

#define N_ERRORS (sizeof(errors_known) / sizeof(errors_known[0]))

static enum tls_refusal refusal_of(int error)
{
	for (size_t i = 0; i < N_ERRORS; i++) {
		if (errors_known[i].error == error)
			return errors_known[i].refusal;
	}
	return TLS_REFUSAL_bad_certificate;
}

int tls_verify_error(enum tls_refusal r)
{
	for (size_t i = 0; i < N_ERRORS; i++) {
		if (errors_known[i].refusal == r)
			return errors_known[i].error;
	}
	// Names and the like: bad_certificate.
	return X509_V_ERR_HOSTNAME_MISMATCH;
}

int64_t tls_time_s(const ASN1_TIME *time)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days, seconds;
	bool good = epoch != NULL && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1;

	ASN1_TIME_free(epoch);
	return good ? (int64_t)days * 86400 + seconds : INT64_MIN;
}

// What the callback of one verification knows and finds.
struct view_of_chain {
	const struct tls_trust *trust;
	bool pinned;
	bool untrusted; // pinned, and nothing else speaks for it
};

// Called for each error: 1 goes on as if there were none.
static int forgive(int good, X509_STORE_CTX *ctx)
{
	struct view_of_chain *v = X509_STORE_CTX_get_app_data(ctx);
	enum tls_refusal refusal;

	if (good)
		return 1;
	refusal = refusal_of(X509_STORE_CTX_get_error(ctx));
	if (v->trust->crl == TLS_CRL_KNOWN &&
		(refusal == TLS_REFUSAL_crl_missing || refusal == TLS_REFUSAL_crl_outdated))
		return 1;
	if (v->pinned &&
		(refusal == TLS_REFUSAL_unknown_ca || refusal == TLS_REFUSAL_self_signed)) {
		v->untrusted = true;
		return 1;
	}
	return 0;
}

static bool set_up(
	X509_STORE_CTX *ctx, struct view_of_chain *v, STACK_OF(X509) * sent, int64_t now_s)
{
	const struct tls_trust *t = v->trust;
	X509_VERIFY_PARAM *param;
	unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST;

	if (X509_STORE_CTX_init(ctx, t->store, sk_X509_value(sent, 0), sent) != 1)
		return false;
	if (sk_X509_CRL_num(t->crls) > 0 || t->crl == TLS_CRL_REQUIRED)
		flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
	// No purpose: OpenSSL's knows neither anyExtendedKeyUsage nor our policy; see below.
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_flags(param, flags);
	X509_VERIFY_PARAM_set_time(param, (time_t)now_s);
	X509_VERIFY_PARAM_set_depth(param, CHAIN_DEPTH_MAX);
	X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
	X509_STORE_CTX_set_verify_cb(ctx, forgive);
	return X509_STORE_CTX_set_app_data(ctx, v) == 1;
}

// The time in which all of the chain is valid.
static void set_times(const STACK_OF(X509) * chain, struct tls_judgement *j)
{
	for (int i = 0; i < sk_X509_num(chain); i++) {
		const X509 *certificate = sk_X509_value(chain, i);
		int64_t from_s = tls_time_s(X509_get0_notBefore(certificate));
		int64_t until_s = tls_time_s(X509_get0_notAfter(certificate));

		if (from_s > j->from_s)
			j->from_s = from_s;
		if (until_s < j->until_s)
			j->until_s = until_s;
	}
}

// What OpenSSL does not look at without a purpose (RFC 8446 §4.4.2.2 wants the signature's bit).
static enum tls_refusal check_usage(
	const struct tls_trust *t, const STACK_OF(X509) * chain, enum tls_peer peer)
{
	X509 *leaf = sk_X509_value(chain, 0);
	struct tls_eku_report report = tls_eku_report(tls_eku_usages(chain));

	if ((X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE) == 0)
		return TLS_REFUSAL_key_usage;
	return report.permits[t->eku][peer] ? TLS_REFUSAL_none : TLS_REFUSAL_eku;
}

// A pinned certificate is known by itself: what nobody vouches for is no name.
static void know_by_fingerprint(struct card *card)
{
	struct view subject = card_view(card, card->subject),
		    issuer = card_view(card, card->issuer);
	struct card bare;

	card_init(&bare, card->fingerprint, subject, issuer, card_view(card, card->serial));
	*card = bare;
}

static enum tls_refusal judge_chain(
	X509_STORE_CTX *ctx, struct view_of_chain *v, enum tls_peer peer, struct tls_judgement *j)
{
	const STACK_OF(X509) * chain;
	enum tls_refusal usage;

	if (X509_verify_cert(ctx) != 1)
		return refusal_of(X509_STORE_CTX_get_error(ctx));
	chain = X509_STORE_CTX_get0_chain(ctx);
	set_times(chain, j);
	if (v->untrusted) {
		know_by_fingerprint(&j->card);
		return TLS_REFUSAL_none;
	}
	usage = check_usage(v->trust, chain, peer);
	j->card.trusted = usage == TLS_REFUSAL_none;
	return usage;
}

static void judge(const struct tls_trust *t, STACK_OF(X509) * sent, enum tls_peer peer,
	int64_t now_s, struct tls_judgement *j)
{
	struct view_of_chain v = {.trust = t};
	X509_STORE_CTX *ctx = X509_STORE_CTX_new_ex(tls_library(), NULL);

	j->from_s = INT64_MIN;
	j->until_s = INT64_MAX;
	j->unnamed = tls_identity_card(sk_X509_value(sent, 0), t->cn, &t->first, &j->card);
	v.pinned = tls_trust_pins(t, j->card.fingerprint);
	if (ctx != NULL && set_up(ctx, &v, sent, now_s))
		j->refusal = judge_chain(ctx, &v, peer, j);
	else
		j->refusal = TLS_REFUSAL_internal;
	if (t->crl == TLS_CRL_REQUIRED && t->crls_until_s < j->until_s)
		j->until_s = t->crls_until_s;
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
}

static bool make_key(const struct tls_trust *t, const STACK_OF(X509) * sent, enum tls_peer peer,
	uint8_t key[TLS_CACHE_KEY_BYTES])
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	const uint8_t role = (uint8_t)peer;
	bool good = digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
		EVP_DigestUpdate(digest, t->digest, sizeof(t->digest)) == 1 &&
		EVP_DigestUpdate(digest, &role, 1) == 1;

	// DER says its length itself: no two chains have the same bytes.
	for (int i = 0; i < sk_X509_num(sent) && good; i++) {
		unsigned char *der = NULL;
		int n = i2d_X509(sk_X509_value(sent, i), &der);

		good = n > 0 && EVP_DigestUpdate(digest, der, (size_t)n) == 1;
		OPENSSL_free(der);
	}
	good = good && EVP_DigestFinal_ex(digest, key, NULL) == 1;
	EVP_MD_CTX_free(digest);
	return good;
}

// Whether it will be the same next time. What is wrong now because of the time, or of us, may not.
static bool keeps(const struct tls_judgement *j)
{
	// A card with more names than fit is another one under another document.
	return j->card.n_left_out == 0 && j->refusal != TLS_REFUSAL_not_yet_valid &&
		j->refusal != TLS_REFUSAL_crl_outdated && j->refusal != TLS_REFUSAL_internal;
}

void tls_verify(const struct tls_trust *t, STACK_OF(X509) * sent, enum tls_peer peer, int64_t now_s,
	struct tls_judgement *out)
{
	uint8_t key[TLS_CACHE_KEY_BYTES];
	bool cached = t->cache != NULL && make_key(t, sent, peer, key);

	if (cached && tls_cache_find(t->cache, key, now_s, out))
		return;
	judge(t, sent, peer, now_s, out);
	if (!cached || !keeps(out))
		return;
	if (out->refusal == TLS_REFUSAL_expired)
		out->from_s = now_s;
	tls_cache_add(t->cache, key, out);
}
