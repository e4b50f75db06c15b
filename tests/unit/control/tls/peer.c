// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/control/tls/peer.h"

static int accept_any(X509_STORE_CTX *ctx, void *arg)
{
	(void)ctx, (void)arg;
	return 1;
}

static void set_certificates(struct peer *p, const struct peer_spec *spec)
{
	SSL_CTX_set_verify(p->ctx, SSL_VERIFY_PEER, NULL);
	if (spec->trusts != NULL) {
		X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(p->ctx), (time_t)PKI_NOW_S);
		X509_STORE_add_cert(SSL_CTX_get_cert_store(p->ctx), spec->trusts->certificate);
	} else {
		SSL_CTX_set_cert_verify_callback(p->ctx, accept_any, NULL);
	}
	if (spec->shows == NULL)
		return;
	assert_int_equal(SSL_CTX_use_certificate(p->ctx, spec->shows->certificate), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(p->ctx, spec->shows->key), 1);
	for (const struct pki *i = spec->shows->issuer; i != NULL && i->issuer != NULL;
		i = i->issuer)
		assert_int_equal(SSL_CTX_add1_chain_cert(p->ctx, i->certificate), 1);
}

static void set_versions(struct peer *p, const struct peer_spec *spec)
{
	if (spec->version != 0) {
		SSL_CTX_set_min_proto_version(p->ctx, spec->version);
		SSL_CTX_set_max_proto_version(p->ctx, spec->version);
	}
	if (spec->suite != NULL && spec->version == TLS1_3_VERSION)
		assert_int_equal(SSL_CTX_set_ciphersuites(p->ctx, spec->suite), 1);
	else if (spec->suite != NULL)
		assert_int_equal(SSL_CTX_set_cipher_list(p->ctx, spec->suite), 1);
	if (spec->groups != NULL) {
		// OpenSSL's macro casts the const away.
		char *groups = strdup(spec->groups);

		assert_int_equal(SSL_CTX_set1_groups_list(p->ctx, groups), 1);
		free(groups);
	}
}

void peer_init(struct peer *p, const struct peer_spec *spec)
{
	memset(p, 0, sizeof(*p));
	p->ctx = SSL_CTX_new(TLS_method());
	assert_non_null(p->ctx);
	// A weak peer is the test's.
	SSL_CTX_set_security_level(p->ctx, 0);
	SSL_CTX_set_num_tickets(p->ctx, spec->n_tickets);
	set_versions(p, spec);
	set_certificates(p, spec);
	p->ssl = SSL_new(p->ctx);
	p->in = BIO_new(BIO_s_mem());
	p->out = BIO_new(BIO_s_mem());
	BIO_set_mem_eof_return(p->in, -1);
	SSL_set_bio(p->ssl, p->in, p->out);
	if (spec->server_name != NULL) {
		char *name = strdup(spec->server_name);

		assert_int_equal(SSL_set_tlsext_host_name(p->ssl, name), 1);
		free(name);
	}
	if (spec->role == TLS_SERVER)
		SSL_set_accept_state(p->ssl);
	else
		SSL_set_connect_state(p->ssl);
}

void peer_fini(struct peer *p)
{
	SSL_free(p->ssl);
	SSL_CTX_free(p->ctx);
}

static void collect(struct peer *p)
{
	char *bytes;
	long n = BIO_get_mem_data(p->out, &bytes);

	assert_true(p->n_sent + (size_t)n <= sizeof(p->sent));
	if (n > 0)
		memcpy(p->sent + p->n_sent, bytes, (size_t)n);
	p->n_sent += (size_t)n;
	(void)BIO_reset(p->out);
}

void peer_feed(struct peer *p, struct view bytes)
{
	if (bytes.len > 0)
		BIO_write(p->in, bytes.at, (int)bytes.len);
	if (!p->done)
		p->done = SSL_do_handshake(p->ssl) == 1;
	collect(p);
}

struct view peer_record(const struct peer *p)
{
	size_t n;

	if (p->n_sent < TLS_RECORD_HEADER_BYTES)
		return VIEW_NONE;
	n = TLS_RECORD_HEADER_BYTES + ((size_t)p->sent[3] << 8 | p->sent[4]);
	return n <= p->n_sent ? view_of(p->sent, n) : VIEW_NONE;
}

void peer_taken(struct peer *p, size_t n)
{
	p->n_sent -= n;
	memmove(p->sent, p->sent + n, p->n_sent);
}

void peer_write(struct peer *p, const char *text)
{
	assert_int_equal(SSL_write(p->ssl, text, (int)strlen(text)), (int)strlen(text));
	collect(p);
}

void peer_must_read(struct peer *p, const char *text)
{
	char got[256] = "";
	int n = SSL_read(p->ssl, got, sizeof(got) - 1);

	assert_true(n > 0);
	got[n] = '\0';
	assert_string_equal(got, text);
}

enum tls_step peer_run(struct peer *p, struct tls_handshake *h)
{
	struct view record = VIEW_NONE;
	enum tls_step step = TLS_WANTS_RECORD;

	// Whoever is the client begins.
	peer_feed(p, VIEW_NONE);
	if (p->n_sent == 0) {
		step = tls_handshake_step(h, VIEW_NONE);
		peer_feed(p, tls_handshake_output(h));
	}
	while (step == TLS_WANTS_RECORD && (record = peer_record(p)).len > 0) {
		// A copy of its own size, so that ASan sees a look behind its end.
		uint8_t *copy = malloc(record.len);

		memcpy(copy, record.at, record.len);
		peer_taken(p, record.len);
		step = tls_handshake_step(h, view_of(copy, record.len));
		free(copy);
		peer_feed(p, tls_handshake_output(h));
	}
	return step;
}

struct peer_outcome peer_shake(struct tls_context *c, const struct tls_params *params,
	const struct pki *shows, int64_t now_s, int version)
{
	struct tls_handshake *h = tls_handshake_new(c, params, now_s);
	struct peer_outcome o = {.alert = 255};
	enum tls_step step;
	struct peer p;

	assert_non_null(h);
	peer_init(&p,
		&(struct peer_spec){.role = params->role == TLS_SERVER ? TLS_CLIENT : TLS_SERVER,
			.shows = shows,
			.version = version});
	step = peer_run(&p, h);
	o.refusal = tls_handshake_refusal(h);
	assert_int_equal(step, o.refusal == TLS_REFUSAL_none ? TLS_DONE : TLS_FAILED);
	// In the clear in TLS 1.2 only.
	if (step == TLS_FAILED && version == TLS1_2_VERSION && tls_handshake_output(h).len == 7)
		o.alert = tls_handshake_output(h).at[6];
	if (tls_handshake_card(h) != NULL) {
		o.card = *tls_handshake_card(h);
		assert_null(card_check(&o.card));
	}
	tls_handshake_free(h);
	peer_fini(&p);
	return o;
}

struct tls_context *context_with(
	const struct pki *ours, const struct pki *ca, struct tls_context_config config)
{
	struct view chain = pki_chain_pem(ours), key = pki_key_pem(ours);
	struct view root = pki_certificate_pem(ca);
	const struct tls_certificate_config certificate = {
		.id = 1, .chain = {"ours.pem", chain}, .key = {"ours.key", key}};
	const struct tls_pem trust = {"ca.pem", root};
	struct tls_context *c;
	struct errors errors;

	errors_init(&errors, "test");
	config.certificates = &certificate;
	config.n_certificates = 1;
	config.trust = &trust;
	config.n_trust = 1;
	config.now_s = PKI_NOW_S;
	c = tls_context_new(&config, &errors);
	if (c == NULL)
		print_error("%s\n", errors.text[0]);
	assert_non_null(c);
	pki_text_free(&chain);
	pki_text_free(&key);
	pki_text_free(&root);
	return c;
}

struct tls_context *context_of(
	const struct pki *ours, const struct pki *ca, struct tls_cache *cache)
{
	return context_with(ours, ca, (struct tls_context_config){.cache = cache});
}
