// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/lib/record/pair.h"

#include "lib/record/inner.h"
#include "tests/unit/test.h"

const struct pair_kind pair_kinds[PAIR_KINDS] = {
	{RECORD_TLS12, RECORD_AES_128_GCM},
	{RECORD_TLS12, RECORD_AES_256_GCM},
	{RECORD_TLS12, RECORD_CHACHA20_POLY1305},
	{RECORD_TLS13, RECORD_AES_128_GCM},
	{RECORD_TLS13, RECORD_AES_256_GCM},
	{RECORD_TLS13, RECORD_CHACHA20_POLY1305},
};

void pair_fill(uint8_t *bytes, size_t n, uint64_t seed)
{
	uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

	for (size_t i = 0; i < n; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		bytes[i] = (uint8_t)(x >> 24);
	}
}

static void fill_secret(struct record_secret *s, struct pair_kind kind, uint64_t seed)
{
	if (kind.version == RECORD_TLS13) {
		pair_fill(s->traffic, record_hash_bytes(kind.suite), seed);
		return;
	}
	pair_fill(s->key, record_key_bytes(kind.suite), seed);
	pair_fill(s->iv, record_fixed_iv_bytes(kind.suite), seed + 1000);
	s->sequence = 1;
}

void pair_secrets(struct record_secrets *client, struct record_secrets *server,
	struct pair_kind kind, uint64_t seed)
{
	memset(client, 0, sizeof(*client));
	client->version = (uint8_t)kind.version;
	client->suite = (uint8_t)kind.suite;
	fill_secret(&client->send, kind, seed);
	fill_secret(&client->receive, kind, seed + 500);
	*server = *client;
	server->send = client->receive;
	server->receive = client->send;
	if (record_has_explicit_nonce(kind.version, kind.suite)) {
		client->explicit_nonce = UINT64_MAX; // wraps with the first record
		server->explicit_nonce = 1;
	}
}

struct record_crypto *pair_crypto(enum record_provider provider, uint64_t key_records)
{
	const struct record_crypto_config config = {
		.provider = provider, .n_keys = 16, .key_records = key_records};
	struct record_crypto *c = record_crypto_new(&config);

	assert_non_null(c);
	return c;
}

struct pair *pair_new(struct pair_kind kind, uint64_t key_records)
{
	struct pair *p = calloc(1, sizeof(*p));
	struct record_secrets client, server;

	assert_non_null(p);
	p->client_crypto = pair_crypto(RECORD_PROVIDER_BEST, key_records);
	p->server_crypto = pair_crypto(RECORD_PROVIDER_EVP, key_records);
	pair_secrets(&client, &server, kind, 1);
	assert_int_equal(
		record_session_begin(&p->client, p->client_crypto, &client, RECORD_OPENED), 0);
	assert_int_equal(
		record_session_begin(&p->server, p->server_crypto, &server, RECORD_ACCEPTED), 0);
	return p;
}

void pair_free(struct pair *p)
{
	record_session_end(&p->client, p->client_crypto);
	record_session_end(&p->server, p->server_crypto);
	record_crypto_free(p->client_crypto);
	record_crypto_free(p->server_crypto);
	free(p);
}

void pair_open(struct record_session *s, struct record_crypto *c, const uint8_t *record, size_t n,
	uint8_t *text, struct record_opened *opened)
{
	struct view whole = view_of(record, n);

	record_open(s, c, &whole, 1, text, opened);
}

size_t pair_forge(struct record_session *s, struct record_crypto *c, uint8_t type, struct view text,
	size_t n_zeros, uint8_t *out)
{
	size_t n_explicit = record_explicit_bytes(s), n_inner = record_inner_bytes(s) + n_zeros;
	size_t n = text.len + n_inner;
	uint8_t *body = out + RECORD_HEADER_BYTES + n_explicit;
	struct record_aead a = {0};
	struct view inner = view_of(body, n);

	out[0] = s->version == RECORD_TLS13 ? RECORD_TYPE_DATA : type;
	out[1] = 3;
	out[2] = 3;
	out[3] = (uint8_t)((n_explicit + n + RECORD_TAG_BYTES) >> 8);
	out[4] = (uint8_t)(n_explicit + n + RECORD_TAG_BYTES);
	memset(out + RECORD_HEADER_BYTES, 0xee, n_explicit);
	memset(body, 0, n);
	memcpy(body, text.at, text.len);
	if (n_inner > 0)
		body[text.len] = type;
	record_aead_prepare(s, &a, RECORD_SEAL, out, n);
	a.in = (struct record_pieces){.parts = &inner, .n = 1};
	a.n_in = n;
	a.out = body;
	a.tag = body + n;
	assert_true(c->crypt(c, &a));
	s->send.sequence++;
	return RECORD_HEADER_BYTES + n_explicit + n + RECORD_TAG_BYTES;
}

void pair_send_to_client(
	struct pair *p, uint8_t type, const void *bytes, size_t n, struct record_opened *opened)
{
	size_t n_record =
		pair_forge(&p->server, p->server_crypto, type, view_of(bytes, n), 0, p->sealed);

	pair_open(&p->client, p->client_crypto, p->sealed, n_record, p->text, opened);
}

void pair_send_to_server(
	struct pair *p, uint8_t type, const void *bytes, size_t n, struct record_opened *opened)
{
	size_t n_record =
		pair_forge(&p->client, p->client_crypto, type, view_of(bytes, n), 0, p->sealed);

	pair_open(&p->server, p->server_crypto, p->sealed, n_record, p->text, opened);
}

void pair_expect_digested(const struct record_opened *opened)
{
	assert_int_equal(opened->kind, RECORD_DIGESTED);
	assert_int_equal(opened->reason, REASON_none);
	assert_int_equal(opened->n_answer, 0);
}

void pair_expect_refused(
	const struct record_opened *opened, enum reason reason, enum record_alert alert)
{
	assert_int_equal(opened->kind, RECORD_REFUSED);
	assert_int_equal(opened->reason, reason);
	assert_int_equal(opened->alert, alert);
	assert_true(opened->n_answer > 0);
}

void pair_try(unsigned kind, bool to_client, uint8_t type, const void *bytes, size_t n,
	struct record_opened *opened)
{
	struct pair *p = pair_new(pair_kinds[kind], 0);

	if (to_client)
		pair_send_to_client(p, type, bytes, n, opened);
	else
		pair_send_to_server(p, type, bytes, n, opened);
	pair_free(p);
}

static void expect_text(struct record_session *from, struct record_crypto *from_crypto,
	struct record_session *to, struct record_crypto *to_crypto)
{
	static const struct view text = {(const uint8_t *)"OPTIONS sip:a@b SIP/2.0", 23};
	uint8_t sealed[256], out[RECORD_OPEN_BYTES];
	size_t n = record_seal(from, from_crypto, &text, 1, sealed);
	struct record_opened opened;

	assert_true(n > text.len);
	for (size_t at = 0; at < n;) {
		size_t n_record = record_length(to, view_of(sealed + at, n - at));

		pair_open(to, to_crypto, sealed + at, n_record, out, &opened);
		at += n_record;
	}
	assert_int_equal(opened.kind, RECORD_TEXT);
	assert_true(view_equal(opened.text, text));
}

void pair_expect_text_both_ways(struct pair *p)
{
	expect_text(&p->client, p->client_crypto, &p->server, p->server_crypto);
	expect_text(&p->server, p->server_crypto, &p->client, p->client_crypto);
}
