// SPDX-License-Identifier: BSD-3-Clause
// A finished handshake's secrets, by OpenSSL's public functions only (DESIGN §3).

#include "control/tls/handshake_state.h"

#include "control/tls/library.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>

#define CHANGE_CIPHER_SPEC   20
#define HANDSHAKE            22
#define EXPLICIT_NONCE_BYTES 8
#define MASTER_BYTES         48

// Key and IV bytes of each direction in TLS 1.2's key block; an AEAD has no MAC keys.
#define KEY_BLOCK_BYTES (2 * (RECORD_KEY_BYTES + RECORD_IV_BYTES))

struct suite {
	uint16_t id; // of the IANA's list
	enum record_suite suite;
};

static const struct suite suites[] = {
	{0x1301, RECORD_AES_128_GCM}, {0x1302, RECORD_AES_256_GCM},
	{0x1303, RECORD_CHACHA20_POLY1305}, {0xc02b, RECORD_AES_128_GCM}, // ECDHE-ECDSA
	{0xc02f, RECORD_AES_128_GCM},                                     // ECDHE-RSA
	{0xc02c, RECORD_AES_256_GCM},                                     // ECDHE-ECDSA
	{0xc030, RECORD_AES_256_GCM},                                     // ECDHE-RSA
	{0xcca9, RECORD_CHACHA20_POLY1305},                               // ECDHE-ECDSA
	{0xcca8, RECORD_CHACHA20_POLY1305},                               // ECDHE-RSA
};

enum record_suite tls_extract_suite(const SSL *ssl)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);

	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]) && cipher != NULL; i++) {
		if (suites[i].id == SSL_CIPHER_get_protocol_id(cipher))
			return suites[i].suite;
	}
	return RECORD_SUITE_NONE;
}

enum record_version tls_extract_version(const SSL *ssl)
{
	switch (SSL_version(ssl)) {
	case TLS1_2_VERSION:
		return RECORD_TLS12;
	case TLS1_3_VERSION:
		return RECORD_TLS13;
	default:
		return RECORD_VERSION_NONE;
	}
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)ascii_lower((uint8_t)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void take_hex(const char *hex, struct traffic *out)
{
	size_t n = 0;

	for (; n < sizeof(out->bytes) && digit(hex[0]) >= 0 && digit(hex[1]) >= 0; hex += 2)
		out->bytes[n++] = (uint8_t)(digit(hex[0]) << 4 | digit(hex[1]));
	out->n = *hex == '\0' ? n : 0;
}

// A line is LABEL RANDOM SECRET, both in hex.
void tls_extract_keylog(const SSL *ssl, const char *line)
{
	static const char client[] = "CLIENT_TRAFFIC_SECRET_0 ";
	static const char server[] = "SERVER_TRAFFIC_SECRET_0 ";
	struct tls_handshake *h = SSL_get_app_data(ssl);
	const char *secret = strrchr(line, ' ');

	if (secret == NULL)
		return;
	if (strncmp(line, client, sizeof(client) - 1) == 0)
		take_hex(secret + 1, &h->client);
	else if (strncmp(line, server, sizeof(server) - 1) == 0)
		take_hex(secret + 1, &h->server);
}

// In TLS 1.2 the first handshake record behind ChangeCipherSpec is our Finished, and what stands
// first in it is its nonce: with GCM.
void tls_extract_watch(struct tls_handshake *h, struct view output)
{
	size_t at = 0;

	while (output.len - at >= TLS_RECORD_HEADER_BYTES) {
		const uint8_t *record = output.at + at;
		size_t n = (size_t)record[3] << 8 | record[4];

		if (n > output.len - at - TLS_RECORD_HEADER_BYTES)
			return;
		if (record[0] == CHANGE_CIPHER_SPEC)
			h->sent_change_cipher_spec = true;
		else if (record[0] == HANDSHAKE && h->sent_change_cipher_spec &&
			n > EXPLICIT_NONCE_BYTES)
			memcpy(h->explicit_nonce, record + TLS_RECORD_HEADER_BYTES,
				EXPLICIT_NONCE_BYTES);
		at += TLS_RECORD_HEADER_BYTES + n;
	}
}

static size_t key_bytes(enum record_suite suite)
{
	return suite == RECORD_AES_128_GCM ? 16 : 32;
}

static bool extract_13(const struct tls_handshake *h, struct record_secrets *s)
{
	const struct traffic *send = h->role == TLS_SERVER ? &h->server : &h->client;
	const struct traffic *receive = h->role == TLS_SERVER ? &h->client : &h->server;
	size_t n = s->suite == RECORD_AES_256_GCM ? 48 : 32;

	if (send->n != n || receive->n != n)
		return false;
	memcpy(s->send.traffic, send->bytes, n);
	memcpy(s->receive.traffic, receive->bytes, n);
	return true;
}

// RFC 5246 §6.3.
static bool expand(SSL *ssl, uint8_t block[], size_t n_block)
{
	uint8_t master[MASTER_BYTES], randoms[2 * SSL3_RANDOM_SIZE];
	char label[] = TLS_MD_KEY_EXPANSION_CONST, kind[] = "TLS1-PRF";
	const EVP_MD *digest = SSL_CIPHER_get_handshake_digest(SSL_get_current_cipher(ssl));
	EVP_KDF *kdf = EVP_KDF_fetch(tls_library(), kind, NULL);
	EVP_KDF_CTX *ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
	bool good = false;

	if (ctx != NULL && digest != NULL &&
		SSL_SESSION_get_master_key(SSL_get0_session(ssl), master, sizeof(master)) ==
			sizeof(master)) {
		char name[32];
		OSSL_PARAM params[] = {
			OSSL_PARAM_utf8_string(OSSL_KDF_PARAM_DIGEST, name, 0),
			OSSL_PARAM_octet_string(OSSL_KDF_PARAM_SECRET, master, sizeof(master)),
			OSSL_PARAM_octet_string(OSSL_KDF_PARAM_SEED, label, sizeof(label) - 1),
			OSSL_PARAM_octet_string(OSSL_KDF_PARAM_SEED, randoms, sizeof(randoms)),
			OSSL_PARAM_END,
		};

		snprintf(name, sizeof(name), "%s", EVP_MD_get0_name(digest));
		params[0].data_size = strlen(name);
		good = SSL_get_server_random(ssl, randoms, SSL3_RANDOM_SIZE) == SSL3_RANDOM_SIZE &&
			SSL_get_client_random(ssl, randoms + SSL3_RANDOM_SIZE, SSL3_RANDOM_SIZE) ==
				SSL3_RANDOM_SIZE &&
			EVP_KDF_derive(ctx, block, n_block, params) == 1;
	}
	OPENSSL_cleanse(master, sizeof(master));
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return good;
}

static uint64_t number(const uint8_t bytes[8])
{
	uint64_t n = 0;

	for (int i = 0; i < 8; i++)
		n = n << 8 | bytes[i];
	return n;
}

static bool extract_12(const struct tls_handshake *h, struct record_secrets *s)
{
	bool gcm = s->suite != RECORD_CHACHA20_POLY1305;
	size_t n_key = key_bytes((enum record_suite)s->suite), n_iv = gcm ? 4 : RECORD_IV_BYTES;
	struct record_secret *client = h->role == TLS_SERVER ? &s->receive : &s->send;
	struct record_secret *server = h->role == TLS_SERVER ? &s->send : &s->receive;
	uint8_t block[KEY_BLOCK_BYTES];
	bool good = expand(h->ssl, block, 2 * (n_key + n_iv));

	if (good) {
		memcpy(client->key, block, n_key);
		memcpy(server->key, block + n_key, n_key);
		memcpy(client->iv, block + 2 * n_key, n_iv);
		memcpy(server->iv, block + 2 * n_key + n_iv, n_iv);
		// Each side's Finished was its record number 0.
		client->sequence = server->sequence = 1;
		if (gcm)
			s->explicit_nonce = number(h->explicit_nonce) + 1;
	}
	OPENSSL_cleanse(block, sizeof(block));
	return good;
}

bool tls_extract(struct tls_handshake *h, struct record_secrets *secrets)
{
	memset(secrets, 0, sizeof(*secrets));
	secrets->version = (uint8_t)tls_extract_version(h->ssl);
	secrets->suite = (uint8_t)tls_extract_suite(h->ssl);
	if (secrets->suite == RECORD_SUITE_NONE)
		return false;
	switch ((enum record_version)secrets->version) {
	case RECORD_TLS12:
		return h->sent_change_cipher_spec && extract_12(h, secrets);
	case RECORD_TLS13:
		return extract_13(h, secrets);
	case RECORD_VERSION_NONE:
	case RECORD_VERSION_N:
		break;
	}
	return false;
}
