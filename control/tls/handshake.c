// SPDX-License-Identifier: BSD-3-Clause

#include "control/tls/handshake_state.h"

#include "control/tls/verify.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>

#define CONTENT_TYPE_FIRST 20 // change_cipher_spec
#define CONTENT_TYPE_LAST  23 // application_data
#define HANDSHAKE          22

static bool is_pinned_here(const struct tls_handshake *h, const struct card *card)
{
	for (size_t i = 0; i < h->n_fingerprints; i++) {
		if (memcmp(h->fingerprints[i], card->fingerprint, CARD_FINGERPRINT_BYTES) == 0)
			return true;
	}
	return false;
}

// The name that was to be proved must be in the card, also when the certificate has more than fit.
static void add_proved(struct tls_handshake *h, enum card_proof proof)
{
	struct card *card = &h->judgement.card;
	struct view name = view_of(h->name.text, h->name.len);
	struct card shorter;

	if (card_names(card, name))
		return;
	card_init(&shorter, card->fingerprint, card_view(card, card->subject),
		card_view(card, card->issuer), card_view(card, card->serial));
	shorter.trusted = card->trusted;
	shorter.usages = card->usages;
	shorter.n_left_out = card->n_left_out > 0 ? card->n_left_out - 1 : 0;
	card_add_name(&shorter, name, proof);
	for (unsigned i = 0; i < card->n_names; i++)
		card_add_name(&shorter, card_view(card, card->names[i]),
			(enum card_proof)card->proofs[i]);
	*card = shorter;
}

static enum tls_refusal check_match(struct tls_handshake *h, X509 *certificate)
{
	const struct tls_judgement *j = &h->judgement;
	enum tls_refusal refusal;
	enum card_proof proof;

	switch (h->match) {
	case TLS_MATCH_FINGERPRINT:
		return is_pinned_here(h, &j->card) ? TLS_REFUSAL_none : TLS_REFUSAL_not_pinned;
	case TLS_MATCH_DOMAIN:
	case TLS_MATCH_HOST:
		// Pinned for another partner.
		if (j->card.trusted == 0)
			return TLS_REFUSAL_unknown_ca;
		refusal = tls_identity_proves(
			certificate, h->context->trust.cn, h->match, &h->name, &proof);
		if (refusal == TLS_REFUSAL_none)
			add_proved(h, proof);
		return refusal;
	case TLS_MATCH_NONE:
		break;
	}
	// A partner that comes to us without any name could say nothing in anybody's name.
	if (h->role == TLS_SERVER && h->demand == TLS_CERTIFICATE_REQUIRED && j->card.trusted == 1)
		return j->unnamed;
	return TLS_REFUSAL_none;
}

// Instead of OpenSSL's own verification.
static int verify(X509_STORE_CTX *ctx, void *arg)
{
	const SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_handshake *h = SSL_get_app_data(ssl);
	STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(ctx);

	(void)arg;
	tls_verify(&h->context->trust, sent,
		h->role == TLS_SERVER ? TLS_PEER_CLIENT : TLS_PEER_SERVER, h->now_s, &h->judgement);
	h->has_card = true;
	h->judgement.card.usages = (uint8_t)tls_eku_usages(sent);
	h->refusal = h->judgement.refusal;
	if (h->refusal == TLS_REFUSAL_none)
		h->refusal = check_match(h, sk_X509_value(sent, 0));
	if (h->refusal == TLS_REFUSAL_none)
		return 1;
	X509_STORE_CTX_set_error(ctx, tls_verify_error(h->refusal));
	return 0;
}

// Chooses our certificate: as the client when it is asked for, as the server by the client's hello.
static int choose_certificate(SSL *ssl, void *arg)
{
	struct tls_handshake *h = SSL_get_app_data(ssl);
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)arg;
	if (h->role == TLS_SERVER && name != NULL) {
		snprintf(h->server_name, sizeof(h->server_name), "%s", name);
		if (h->certificate == NULL)
			h->certificate = tls_context_find_name(h->context, view_string(name));
	}
	if (h->certificate == NULL)
		h->certificate = tls_context_find(h->context, 0);
	// A client may have none; the server decides whether that will do.
	if (h->certificate == NULL)
		return h->role == TLS_CLIENT;
	return SSL_use_cert_and_key(
		ssl, h->certificate->leaf, h->certificate->key, h->certificate->issuers, 1);
}

void tls_handshake_install(SSL_CTX *ssl)
{
	SSL_CTX_set_cert_verify_callback(ssl, verify, NULL);
	SSL_CTX_set_cert_cb(ssl, choose_certificate, NULL);
	SSL_CTX_set_keylog_callback(ssl, tls_extract_keylog);
}

static bool set_expected(struct tls_handshake *h, const struct tls_params *p)
{
	h->match = p->match;
	if (p->match == TLS_MATCH_DOMAIN || p->match == TLS_MATCH_HOST)
		return domain_canonical(p->name, &h->name) == 0;
	if (p->match != TLS_MATCH_FINGERPRINT)
		return true;
	if (p->n_fingerprints == 0)
		return false;
	h->fingerprints = calloc(p->n_fingerprints, CARD_FINGERPRINT_BYTES);
	if (h->fingerprints == NULL)
		return false;
	h->n_fingerprints = p->n_fingerprints;
	memcpy(h->fingerprints, p->fingerprints, p->n_fingerprints * CARD_FINGERPRINT_BYTES);
	return true;
}

static bool open_ssl(struct tls_handshake *h, const struct tls_params *p)
{
	int mode = SSL_VERIFY_PEER;

	h->ssl = SSL_new(h->context->ssl);
	h->in = BIO_new(BIO_s_mem());
	h->out = BIO_new(BIO_s_mem());
	if (h->ssl == NULL || h->in == NULL || h->out == NULL) {
		BIO_free(h->in);
		BIO_free(h->out);
		return false;
	}
	// Nothing more to read is not the end.
	BIO_set_mem_eof_return(h->in, -1);
	SSL_set_bio(h->ssl, h->in, h->out);
	SSL_set_app_data(h->ssl, h);
	if (h->role == TLS_SERVER)
		SSL_set_accept_state(h->ssl);
	else
		SSL_set_connect_state(h->ssl);
	if (p->demand == TLS_CERTIFICATE_REQUIRED)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_set_verify(h->ssl, mode, NULL);
	if (h->role == TLS_SERVER || p->server_name == NULL)
		return true;
	snprintf(h->server_name, sizeof(h->server_name), "%s", p->server_name);
	return SSL_set_tlsext_host_name(h->ssl, h->server_name) == 1;
}

struct tls_handshake *tls_handshake_new(
	struct tls_context *c, const struct tls_params *p, int64_t now_s)
{
	const struct tls_certificate *certificate = tls_context_find(c, p->certificate);
	struct tls_handshake *h;

	if (certificate == NULL && (p->certificate != 0 || p->role == TLS_SERVER)) {
		errno = ENOENT;
		return NULL;
	}
	h = calloc(1, sizeof(*h));
	if (h == NULL)
		return NULL;
	h->context = tls_context_get(c);
	h->role = p->role;
	h->demand = p->demand;
	h->now_s = now_s;
	h->certificate = p->certificate != 0 ? certificate : NULL;
	if (!set_expected(h, p)) {
		tls_handshake_free(h);
		errno = EINVAL;
		return NULL;
	}
	if (!open_ssl(h, p)) {
		tls_handshake_free(h);
		errno = ENOMEM;
		return NULL;
	}
	return h;
}

void tls_handshake_free(struct tls_handshake *h)
{
	if (h == NULL)
		return;
	SSL_free(h->ssl);
	tls_context_put(h->context);
	free(h->fingerprints);
	OPENSSL_cleanse(h, sizeof(*h));
	free(h);
}

static enum tls_step fail(struct tls_handshake *h, enum tls_refusal refusal)
{
	h->refusal = refusal;
	return h->state = TLS_FAILED;
}

// What is wrong with a record before OpenSSL sees it.
static enum tls_refusal check_record(struct tls_handshake *h, struct view record)
{
	if (record.len == 0)
		return h->role == TLS_CLIENT && h->n_records == 0 && BIO_pending(h->out) == 0
			? TLS_REFUSAL_none
			: TLS_REFUSAL_record_malformed;
	if (record.len < TLS_RECORD_HEADER_BYTES)
		return h->n_records == 0 ? TLS_REFUSAL_not_tls : TLS_REFUSAL_record_malformed;
	if (h->n_records == 0 &&
		(record.at[0] < CONTENT_TYPE_FIRST || record.at[0] > CONTENT_TYPE_LAST ||
			record.at[1] != 3))
		return TLS_REFUSAL_not_tls;
	if (record.len > TLS_RECORD_BYTES_MAX ||
		record.len != TLS_RECORD_HEADER_BYTES + ((size_t)record.at[3] << 8 | record.at[4]))
		return TLS_REFUSAL_record_malformed;
	if (h->n_records == TLS_HANDSHAKE_RECORDS_MAX)
		return TLS_REFUSAL_too_many_records;
	if (record.len > TLS_HANDSHAKE_BYTES_MAX - h->n_bytes)
		return TLS_REFUSAL_too_many_bytes;
	h->n_records++;
	h->n_bytes += (unsigned)record.len;
	return TLS_REFUSAL_none;
}

// Whether OpenSSL has taken exactly the records it was given, and none but Finished was in the last
// one: a look for more must find nothing and must answer nothing.
static bool ends_exactly(struct tls_handshake *h)
{
	long n_output = BIO_pending(h->out);
	uint8_t byte;
	int n = SSL_peek(h->ssl, &byte, 1);

	return n <= 0 && SSL_get_error(h->ssl, n) == SSL_ERROR_WANT_READ &&
		SSL_has_pending(h->ssl) == 0 && BIO_pending(h->in) == 0 &&
		BIO_pending(h->out) == n_output;
}

static enum tls_step go_on(struct tls_handshake *h)
{
	int result = SSL_do_handshake(h->ssl);
	int error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(h->ssl, result);

	tls_extract_watch(h, tls_handshake_output(h));
	if (error == SSL_ERROR_WANT_READ)
		return BIO_pending(h->in) == 0 ? TLS_WANTS_RECORD : fail(h, TLS_REFUSAL_protocol);
	if (error == SSL_ERROR_NONE) {
		if (!ends_exactly(h))
			return fail(h, TLS_REFUSAL_surplus);
		return h->state = TLS_DONE;
	}
	// A refusal of ours came first; what OpenSSL says is only that it was told so.
	if (h->refusal != TLS_REFUSAL_none) {
		ERR_clear_error();
		return fail(h, h->refusal);
	}
	return fail(h, tls_failure(h->ssl, error, h->detail));
}

enum tls_step tls_handshake_step(struct tls_handshake *h, struct view record)
{
	enum tls_refusal wrong;

	if (h->state == TLS_FAILED)
		return TLS_FAILED;
	wrong = h->state == TLS_WANTS_RECORD ? check_record(h, record) : TLS_REFUSAL_protocol;
	(void)BIO_reset(h->out);
	if (wrong != TLS_REFUSAL_none)
		return fail(h, wrong);
	ERR_clear_error();
	if (record.len > 0 && BIO_write(h->in, record.at, (int)record.len) != (int)record.len)
		return fail(h, TLS_REFUSAL_internal);
	return go_on(h);
}

struct view tls_handshake_output(const struct tls_handshake *h)
{
	char *bytes;
	long n = BIO_get_mem_data(h->out, &bytes);

	return n > 0 ? view_of(bytes, (size_t)n) : VIEW_NONE;
}

int tls_handshake_finish(struct tls_handshake *h, struct record_secrets *secrets)
{
	if (h->state != TLS_DONE || h->finished || !tls_extract(h, secrets))
		return -EINVAL;
	h->finished = true;
	OPENSSL_cleanse(&h->client, sizeof(h->client));
	OPENSSL_cleanse(&h->server, sizeof(h->server));
	return 0;
}

const struct card *tls_handshake_card(const struct tls_handshake *h)
{
	return h->has_card ? &h->judgement.card : NULL;
}

enum tls_refusal tls_handshake_refusal(const struct tls_handshake *h)
{
	return h->refusal;
}

const char *tls_handshake_detail(const struct tls_handshake *h)
{
	return h->detail;
}

struct tls_handshake_facts tls_handshake_facts(const struct tls_handshake *h)
{
	struct tls_handshake_facts facts = {
		.suite = tls_extract_suite(h->ssl),
		.certificate = h->certificate != NULL ? h->certificate->id : 0,
		.n_records = h->n_records,
		.n_bytes = h->n_bytes,
	};

	if (facts.suite != RECORD_SUITE_NONE) {
		facts.version = tls_extract_version(h->ssl);
		facts.suite_name = SSL_CIPHER_standard_name(SSL_get_current_cipher(h->ssl));
	}
	memcpy(facts.server_name, h->server_name, sizeof(facts.server_name));
	return facts;
}
