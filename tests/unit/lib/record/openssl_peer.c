// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/lib/record/openssl_peer.h"

#include "lib/base/wire.h"
#include "lib/record/suite.h"
#include "tests/unit/test.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/x509.h>

static const char *const ciphers[RECORD_VERSION_N][RECORD_SUITE_N] = {
	[RECORD_TLS12] = {NULL, "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
		"ECDHE-ECDSA-CHACHA20-POLY1305"},
	[RECORD_TLS13] = {NULL, "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
		"TLS_CHACHA20_POLY1305_SHA256"},
};

static void keylog(const SSL *ssl, const char *line)
{
	struct peer_end *e = SSL_get_app_data(ssl);
	const char *secret = strrchr(line, ' ');
	uint8_t *out = NULL;

	if (strncmp(line, "CLIENT_TRAFFIC_SECRET_0 ", 24) == 0)
		out = e->client_traffic;
	else if (strncmp(line, "SERVER_TRAFFIC_SECRET_0 ", 24) == 0)
		out = e->server_traffic;
	for (size_t i = 0; out != NULL && i < strlen(secret + 1) / 2; i++)
		assert_int_equal(sscanf(secret + 1 + 2 * i, "%2hhx", &out[i]), 1);
}

static void certify(SSL_CTX *context)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);

	assert_non_null(key);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_set_pubkey(certificate, key);
	X509_NAME_add_entry_by_txt(
		name, "CN", MBSTRING_ASC, (const unsigned char *)"peer", -1, -1, 0);
	X509_set_issuer_name(certificate, name);
	assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
	assert_int_equal(SSL_CTX_use_certificate(context, certificate), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

static void end_init(struct peer_end *e, struct pair_kind kind, bool serves)
{
	const char *cipher = ciphers[kind.version][kind.suite];
	int version = kind.version == RECORD_TLS13 ? TLS1_3_VERSION : TLS1_2_VERSION;

	e->context = SSL_CTX_new(serves ? TLS_server_method() : TLS_client_method());
	assert_non_null(e->context);
	SSL_CTX_set_min_proto_version(e->context, version);
	SSL_CTX_set_max_proto_version(e->context, version);
	SSL_CTX_set_keylog_callback(e->context, keylog);
	if (kind.version == RECORD_TLS13)
		assert_int_equal(SSL_CTX_set_ciphersuites(e->context, cipher), 1);
	else
		assert_int_equal(SSL_CTX_set_cipher_list(e->context, cipher), 1);
	if (serves)
		certify(e->context);
	e->ssl = SSL_new(e->context);
	e->in = BIO_new(BIO_s_mem());
	e->out = BIO_new(BIO_s_mem());
	SSL_set_app_data(e->ssl, e);
	SSL_set_bio(e->ssl, e->in, e->out);
	if (serves)
		SSL_set_accept_state(e->ssl);
	else
		SSL_set_connect_state(e->ssl);
}

// What an end has to send.
static void collect(struct peer_end *e, struct peer_stream *wire)
{
	int n;

	while ((n = BIO_read(e->out, wire->bytes + wire->n, (int)(sizeof(wire->bytes) - wire->n))) >
		0)
		wire->n += (size_t)n;
}

static void drop_front(struct peer_stream *s, size_t n)
{
	memmove(s->bytes, s->bytes + n, s->n - n);
	s->n -= n;
}

static void feed(struct peer_end *e, struct peer_stream *wire, size_t n)
{
	if (n > 0)
		assert_int_equal(BIO_write(e->in, wire->bytes, (int)n), n);
	drop_front(wire, n);
}

static size_t first_record(const struct peer_stream *s)
{
	size_t n = s->n < RECORD_HEADER_BYTES
		? 0
		: RECORD_HEADER_BYTES + (size_t)wire_get16(s->bytes + 3);

	return n <= s->n ? n : 0;
}

// Until ours is done; what comes behind the record that ended it stays on the wire.
static void shake_hands(struct peer_world *w, struct view early)
{
	bool early_is_out = early.len == 0;

	for (unsigned i = 0; i < 40 && !SSL_is_init_finished(w->ours.ssl); i++) {
		(void)SSL_do_handshake(w->peer.ssl);
		if (!early_is_out && SSL_is_init_finished(w->peer.ssl)) {
			assert_int_equal(
				SSL_write(w->peer.ssl, early.at, (int)early.len), early.len);
			early_is_out = true;
		}
		collect(&w->peer, &w->to_us);
		feed(&w->ours, &w->to_us, first_record(&w->to_us));
		(void)SSL_do_handshake(w->ours.ssl);
		collect(&w->ours, &w->to_peer);
		feed(&w->peer, &w->to_peer, w->to_peer.n);
	}
	assert_true(SSL_is_init_finished(w->ours.ssl));
	assert_int_equal(BIO_pending(w->ours.in), 0);
	(void)SSL_do_handshake(w->peer.ssl);
	assert_true(SSL_is_init_finished(w->peer.ssl));
	if (!early_is_out)
		assert_int_equal(SSL_write(w->peer.ssl, early.at, (int)early.len), early.len);
	collect(&w->peer, &w->to_us);
}

// RFC 5246 §6.3.
static void expand_key_block(SSL *ssl, enum record_suite suite, uint8_t *block, size_t n)
{
	char sha256[] = "SHA256", sha384[] = "SHA384";
	uint8_t master[48], seed[13 + 64];
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
	EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
	OSSL_PARAM parameters[4];

	memcpy(seed, "key expansion", 13);
	(void)SSL_get_server_random(ssl, seed + 13, 32);
	(void)SSL_get_client_random(ssl, seed + 45, 32);
	assert_int_equal(SSL_SESSION_get_master_key(SSL_get_session(ssl), master, 48), 48);
	parameters[0] = OSSL_PARAM_construct_utf8_string(
		OSSL_KDF_PARAM_DIGEST, suite == RECORD_AES_256_GCM ? sha384 : sha256, 0);
	parameters[1] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, master, 48);
	parameters[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed, sizeof(seed));
	parameters[3] = OSSL_PARAM_construct_end();
	assert_int_equal(EVP_KDF_derive(context, block, n, parameters), 1);
	EVP_KDF_CTX_free(context);
	EVP_KDF_free(kdf);
}

static void extract(struct peer_world *w, struct record_secrets *s)
{
	struct record_secret *client = w->role == RECORD_OPENED ? &s->send : &s->receive;
	struct record_secret *server = w->role == RECORD_OPENED ? &s->receive : &s->send;
	size_t n_key = record_key_bytes(w->kind.suite), n_iv = record_fixed_iv_bytes(w->kind.suite);
	uint8_t block[2 * (RECORD_KEY_BYTES + RECORD_IV_BYTES)];

	memset(s, 0, sizeof(*s));
	s->version = (uint8_t)w->kind.version;
	s->suite = (uint8_t)w->kind.suite;
	if (w->kind.version == RECORD_TLS13) {
		memcpy(client->traffic, w->ours.client_traffic, RECORD_SECRET_BYTES);
		memcpy(server->traffic, w->ours.server_traffic, RECORD_SECRET_BYTES);
		return;
	}
	expand_key_block(w->ours.ssl, w->kind.suite, block, 2 * (n_key + n_iv));
	memcpy(client->key, block, n_key);
	memcpy(server->key, block + n_key, n_key);
	memcpy(client->iv, block + 2 * n_key, n_iv);
	memcpy(server->iv, block + 2 * n_key + n_iv, n_iv);
	client->sequence = server->sequence = 1; // after the Finished
	if (record_has_explicit_nonce(w->kind.version, w->kind.suite))
		s->explicit_nonce = UINT64_C(0x8000000000000000); // far from OpenSSL's, by chance
}

struct peer_world *peer_world_new(
	struct pair_kind kind, enum record_role role, uint64_t key_records, struct view early)
{
	struct peer_world *w = calloc(1, sizeof(*w));
	struct record_secrets secrets;

	assert_non_null(w);
	w->kind = kind;
	w->role = role;
	end_init(&w->peer, kind, role == RECORD_OPENED);
	end_init(&w->ours, kind, role == RECORD_ACCEPTED);
	SSL_CTX_set_num_tickets(w->ours.context, 0);
	SSL_set_num_tickets(w->ours.ssl, 0);
	if (kind.version == RECORD_TLS13)
		assert_int_equal(SSL_set_block_padding(w->peer.ssl, 64), 1);
	w->crypto = pair_crypto(RECORD_PROVIDER_BEST, key_records);
	shake_hands(w, early);
	extract(w, &secrets);
	assert_null(record_secrets_check(&secrets));
	assert_int_equal(record_session_begin(&w->session, w->crypto, &secrets, role), 0);
	record_secrets_wipe(&secrets);
	return w;
}

void peer_world_free(struct peer_world *w)
{
	record_session_end(&w->session, w->crypto);
	record_crypto_free(w->crypto);
	SSL_free(w->peer.ssl);
	SSL_CTX_free(w->peer.context);
	SSL_free(w->ours.ssl);
	SSL_CTX_free(w->ours.context);
	free(w);
}

void peer_pump(struct peer_world *w)
{
	feed(&w->peer, &w->to_peer, w->to_peer.n);
	collect(&w->peer, &w->to_us);
}

void peer_write(struct peer_world *w, const void *bytes, size_t n)
{
	assert_int_equal(SSL_write(w->peer.ssl, bytes, (int)n), n);
	peer_pump(w);
}

static void send_bytes(struct peer_world *w, const uint8_t *bytes, size_t n)
{
	assert_true(w->to_peer.n + n <= sizeof(w->to_peer.bytes));
	memcpy(w->to_peer.bytes + w->to_peer.n, bytes, n);
	w->to_peer.n += n;
}

void peer_open(struct peer_world *w)
{
	static uint8_t out[RECORD_OPEN_BYTES];
	size_t n;

	while ((n = record_length(&w->session, view_of(w->to_us.bytes, w->to_us.n))) > 0 &&
		n <= w->to_us.n) {
		size_t cut = 1 + w->seed++ * 7 % (n - 1);
		struct view parts[2] = {{w->to_us.bytes, cut}, {w->to_us.bytes + cut, n - cut}};

		record_open(&w->session, w->crypto, parts, 2, out, &w->last);
		drop_front(&w->to_us, n);
		send_bytes(w, w->last.answer, w->last.n_answer);
		w->n_answers += w->last.n_answer > 0;
		w->n_digested += w->last.kind == RECORD_DIGESTED;
		if (w->last.kind != RECORD_TEXT && w->last.kind != RECORD_DIGESTED)
			return;
		assert_true(w->text.n + w->last.text.len <= sizeof(w->text.bytes));
		if (w->last.text.len > 0)
			memcpy(w->text.bytes + w->text.n, w->last.text.at, w->last.text.len);
		w->text.n += w->last.text.len;
	}
	assert_true(w->to_us.n == 0);
}

void peer_seal(struct peer_world *w, const void *bytes, size_t n)
{
	static uint8_t out[PEER_STREAM_BYTES];
	struct view text = view_of(bytes, n);
	size_t n_sealed = record_seal(&w->session, w->crypto, &text, 1, out);

	assert_true(n_sealed > n);
	send_bytes(w, out, n_sealed);
	peer_pump(w);
}

void peer_expect_read(struct peer_world *w, const void *bytes, size_t n)
{
	static uint8_t seen[PEER_STREAM_BYTES];
	size_t n_seen = 0;

	peer_pump(w);
	while (n_seen < n) {
		int got = SSL_read(w->peer.ssl, seen + n_seen, (int)(sizeof(seen) - n_seen));

		assert_true(got > 0);
		n_seen += (size_t)got;
	}
	assert_int_equal(n_seen, n);
	assert_memory_equal(seen, bytes, n);
	collect(&w->peer, &w->to_us);
}
