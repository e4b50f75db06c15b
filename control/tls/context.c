// SPDX-License-Identifier: BSD-3-Clause

#include "control/tls/context_state.h"

#include "control/tls/library.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

// Of a certificate chain, and of all other handshake messages together less.
#define CHAIN_BYTES_MAX 49152

struct suite {
	enum record_suite suite;
	const char *tls13, *tls12;
};

// In our order of preference: with AES in hardware, the first is the fastest.
static const struct suite suites[] = {
	{RECORD_AES_128_GCM, "TLS_AES_128_GCM_SHA256",
		"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"},
	{RECORD_AES_256_GCM, "TLS_AES_256_GCM_SHA384",
		"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"},
	{RECORD_CHACHA20_POLY1305, "TLS_CHACHA20_POLY1305_SHA256",
		"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"},
};

#define GROUPS "X25519:P-256:P-384"
#define SIGNATURES                                                                       \
	"ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:rsa_pss_rsae_sha256:"            \
	"rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:rsa_pss_pss_sha256:rsa_pss_pss_sha384:" \
	"rsa_pss_pss_sha512:RSA+SHA256:RSA+SHA384:RSA+SHA512"

static bool set_suites(SSL_CTX *ssl, uint32_t wanted)
{
	char tls13[128] = "", tls12[256] = "";
	size_t n13 = 0, n12 = 0;

	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		if (wanted != 0 && (wanted & 1U << suites[i].suite) == 0)
			continue;
		n13 += (size_t)snprintf(tls13 + n13, sizeof(tls13) - n13, "%s%s",
			n13 > 0 ? ":" : "", suites[i].tls13);
		n12 += (size_t)snprintf(tls12 + n12, sizeof(tls12) - n12, "%s%s",
			n12 > 0 ? ":" : "", suites[i].tls12);
	}
	return n13 > 0 && SSL_CTX_set_ciphersuites(ssl, tls13) == 1 &&
		SSL_CTX_set_cipher_list(ssl, tls12) == 1;
}

static bool open_ssl(struct tls_context *c, const struct tls_context_config *config)
{
	int version = config->version_min == RECORD_TLS13 ? TLS1_3_VERSION : TLS1_2_VERSION;
	SSL_CTX *ssl = c->ssl = SSL_CTX_new_ex(tls_library(), NULL, TLS_method());

	if (ssl == NULL)
		return false;
	SSL_CTX_set_options(ssl,
		SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
			SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION |
			SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_read_ahead(ssl, 0);
	SSL_CTX_set_max_cert_list(ssl, CHAIN_BYTES_MAX);
	tls_handshake_install(ssl);
	return SSL_CTX_set_min_proto_version(ssl, version) == 1 &&
		SSL_CTX_set_max_proto_version(ssl, TLS1_3_VERSION) == 1 &&
		SSL_CTX_set_num_tickets(ssl, 0) == 1 && SSL_CTX_set_max_early_data(ssl, 0) == 1 &&
		SSL_CTX_set1_groups_list(ssl, GROUPS) == 1 &&
		SSL_CTX_set1_sigalgs_list(ssl, SIGNATURES) == 1 && set_suites(ssl, config->suites);
}

static bool load_certificates(
	struct tls_context *c, const struct tls_context_config *config, struct errors *errors)
{
	bool good = true;

	if (config->n_certificates > TLS_CERTIFICATES_MAX) {
		errors_add(errors, 0, "more than %d certificates", TLS_CERTIFICATES_MAX);
		return false;
	}
	c->certificates = calloc(config->n_certificates + 1, sizeof(*c->certificates));
	if (c->certificates == NULL) {
		errors_add(errors, 0, "out of memory");
		return false;
	}
	// All of them, so that one run shows all that is wrong.
	for (size_t i = 0; i < config->n_certificates; i++)
		good &= tls_certificate_init(&c->certificates[c->n_certificates++],
			&config->certificates[i], config->now_s, errors);
	return good;
}

// What goes over the names of one certificate.
struct indexing {
	struct tls_sni *sni;
	uint32_t certificate;
	int error;
};

static void index_san(void *arg, struct view name)
{
	struct indexing *i = arg;
	int error = tls_sni_add(i->sni, name, i->certificate);

	// What is no domain nobody can ask for.
	if (error == -ENOMEM)
		i->error = error;
}

static int index_certificate(struct tls_context *c, const struct tls_certificate_config *config,
	uint32_t certificate, struct errors *errors)
{
	struct indexing indexing = {.sni = &c->sni, .certificate = certificate};

	if (config->n_domains == 0)
		tls_identity_each(c->certificates[certificate].leaf, index_san, &indexing);
	for (size_t i = 0; i < config->n_domains && indexing.error == 0; i++) {
		indexing.error = tls_sni_add(&c->sni, view_string(config->domains[i]), certificate);
		if (indexing.error == -EINVAL)
			errors_add(errors, 0, "%s is no domain name", config->domains[i]);
	}
	return indexing.error;
}

static bool index_names(
	struct tls_context *c, const struct tls_context_config *config, struct errors *errors)
{
	int error = 0;

	for (uint32_t i = 0; i < c->n_certificates && error == 0; i++)
		error = index_certificate(c, &config->certificates[i], i, errors);
	if (error == -ENOMEM)
		errors_add(errors, 0, "out of memory");
	tls_sni_sort(&c->sni);
	return error == 0;
}

static void context_free(struct tls_context *c)
{
	SSL_CTX_free(c->ssl);
	tls_trust_fini(&c->trust);
	for (uint32_t i = 0; i < c->n_certificates; i++)
		tls_certificate_fini(&c->certificates[i]);
	tls_sni_fini(&c->sni);
	free(c->certificates);
	free(c);
}

struct tls_context *tls_context_new(const struct tls_context_config *config, struct errors *errors)
{
	struct tls_context *c = calloc(1, sizeof(*c));
	bool good;

	if (c == NULL) {
		errors_add(errors, 0, "out of memory");
		return NULL;
	}
	atomic_init(&c->n_references, 1);
	good = tls_trust_init(&c->trust, config, errors);
	good &= load_certificates(c, config, errors);
	good = good && index_names(c, config, errors);
	if (good && !open_ssl(c, config)) {
		errors_add(errors, 0, "no cipher suite is left, or OpenSSL lacks what we need: %s",
			ERR_reason_error_string(ERR_peek_error()));
		good = false;
	}
	ERR_clear_error();
	if (good)
		return c;
	context_free(c);
	return NULL;
}

struct tls_context *tls_context_get(struct tls_context *c)
{
	// Whoever gives one away has one: nothing is to be ordered.
	atomic_fetch_add_explicit(&c->n_references, 1, memory_order_relaxed);
	return c;
}

void tls_context_put(struct tls_context *c)
{
	// The last one sees all that the others did.
	if (c != NULL && atomic_fetch_sub_explicit(&c->n_references, 1, memory_order_acq_rel) == 1)
		context_free(c);
}

const struct tls_certificate *tls_context_find(const struct tls_context *c, uint32_t id)
{
	if (id == 0)
		return c->n_certificates > 0 ? &c->certificates[0] : NULL;
	for (uint32_t i = 0; i < c->n_certificates; i++) {
		if (c->certificates[i].id == id)
			return &c->certificates[i];
	}
	return NULL;
}

const struct tls_certificate *tls_context_find_name(const struct tls_context *c, struct view name)
{
	uint32_t certificate;

	if (tls_sni_find(&c->sni, name, &certificate))
		return &c->certificates[certificate];
	return tls_context_find(c, 0);
}

const struct card *tls_context_certificate(const struct tls_context *c, uint32_t id)
{
	const struct tls_certificate *certificate = tls_context_find(c, id);

	return certificate != NULL ? &certificate->card : NULL;
}

int64_t tls_context_expires_s(const struct tls_context *c)
{
	int64_t expires_s = INT64_MAX;

	for (uint32_t i = 0; i < c->n_certificates; i++) {
		if (c->certificates[i].until_s < expires_s)
			expires_s = c->certificates[i].until_s;
	}
	return expires_s;
}

bool tls_context_revokes(const struct tls_context *c, const struct card *card)
{
	return tls_trust_revokes(&c->trust, card);
}
