// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/control/tls/aead.h"

#include "tests/unit/test.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#define HEADER_BYTES 5
#define TAG_BYTES    16

// Key and IV of one direction.
struct keys {
	uint8_t key[RECORD_KEY_BYTES], iv[RECORD_IV_BYTES];
};

static void expand_label(const struct record_secret *s, enum record_suite suite, const char *label,
	uint8_t *out, size_t n_out)
{
	bool sha384 = suite == RECORD_AES_256_GCM;
	char digest[] = "SHA256", digest384[] = "SHA384";
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	uint8_t info[32], secret[RECORD_SECRET_BYTES];
	size_t n = 0, n_label = strlen(label);
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	OSSL_PARAM params[5];

	memcpy(secret, s->traffic, sizeof(secret));
	info[n++] = 0;
	info[n++] = (uint8_t)n_out;
	info[n++] = (uint8_t)(6 + n_label);
	memcpy(info + n, "tls13 ", 6);
	memcpy(info + n + 6, label, n_label);
	n += 6 + n_label;
	info[n++] = 0;
	params[0] = OSSL_PARAM_construct_utf8_string(
		OSSL_KDF_PARAM_DIGEST, sha384 ? digest384 : digest, 0);
	params[1] = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
	params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret, sha384 ? 48 : 32);
	params[3] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, n);
	params[4] = OSSL_PARAM_construct_end();
	assert_int_equal(EVP_KDF_derive(ctx, out, n_out, params), 1);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

static struct keys keys_of(const struct record_secrets *s, const struct record_secret *way)
{
	struct keys k;

	if (s->version == RECORD_TLS13) {
		enum record_suite suite = (enum record_suite)s->suite;

		expand_label(way, suite, "key", k.key, suite == RECORD_AES_128_GCM ? 16 : 32);
		expand_label(way, suite, "iv", k.iv, sizeof(k.iv));
	} else {
		memcpy(k.key, way->key, sizeof(k.key));
		memcpy(k.iv, way->iv, sizeof(k.iv));
	}
	return k;
}

static const EVP_CIPHER *cipher_of(const struct record_secrets *s)
{
	if (s->suite == RECORD_AES_128_GCM)
		return EVP_aes_128_gcm();
	return s->suite == RECORD_AES_256_GCM ? EVP_aes_256_gcm() : EVP_chacha20_poly1305();
}

static bool has_explicit_nonce(const struct record_secrets *s)
{
	return s->version == RECORD_TLS12 && s->suite != RECORD_CHACHA20_POLY1305;
}

static void put64(uint8_t *at, uint64_t value)
{
	for (int i = 7; i >= 0; i--, value >>= 8)
		at[i] = (uint8_t)value;
}

static void make_nonce(const struct record_secrets *s, const struct keys *k, uint64_t sequence,
	const uint8_t *explicit_nonce, uint8_t nonce[RECORD_IV_BYTES])
{
	uint8_t number[8];

	memcpy(nonce, k->iv, RECORD_IV_BYTES);
	if (has_explicit_nonce(s)) {
		memcpy(nonce + 4, explicit_nonce, 8);
		return;
	}
	put64(number, sequence);
	for (int i = 0; i < 8; i++)
		nonce[4 + i] ^= number[i];
}

// What is authenticated with a record of n bytes of content.
static size_t make_aad(const struct record_secrets *s, const uint8_t *header, uint64_t sequence,
	size_t n, uint8_t aad[13])
{
	if (s->version == RECORD_TLS13) {
		memcpy(aad, header, HEADER_BYTES);
		return HEADER_BYTES;
	}
	put64(aad, sequence);
	memcpy(aad + 8, header, 3);
	aad[11] = (uint8_t)(n >> 8);
	aad[12] = (uint8_t)n;
	return 13;
}

int aead_open(struct record_secrets *s, struct view record, uint8_t *plaintext, uint8_t *type)
{
	size_t n_nonce = has_explicit_nonce(s) ? 8 : 0;
	struct keys k = keys_of(s, &s->receive);
	uint8_t nonce[RECORD_IV_BYTES], aad[13], tag[TAG_BYTES];
	const uint8_t *body = record.at + HEADER_BYTES + n_nonce;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	size_t n = record.len - HEADER_BYTES - n_nonce - TAG_BYTES, n_aad;
	int got = 0, rest = 0, good;

	make_nonce(s, &k, s->receive.sequence, record.at + HEADER_BYTES, nonce);
	n_aad = make_aad(s, record.at, s->receive.sequence, n, aad);
	memcpy(tag, body + n, TAG_BYTES);
	EVP_DecryptInit_ex(ctx, cipher_of(s), NULL, k.key, nonce);
	EVP_DecryptUpdate(ctx, NULL, &rest, aad, (int)n_aad);
	EVP_DecryptUpdate(ctx, plaintext, &got, body, (int)n);
	EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag);
	good = EVP_DecryptFinal_ex(ctx, plaintext + got, &rest);
	EVP_CIPHER_CTX_free(ctx);
	s->receive.sequence++;
	if (good != 1)
		return -1;
	*type = record.at[0];
	if (s->version == RECORD_TLS13) {
		while (got > 0 && plaintext[got - 1] == 0)
			got--;
		*type = got > 0 ? plaintext[--got] : 0;
	}
	return got;
}

size_t aead_seal(struct record_secrets *s, uint8_t type, struct view plaintext, uint8_t *record)
{
	bool tls13 = s->version == RECORD_TLS13;
	size_t n_nonce = has_explicit_nonce(s) ? 8 : 0, n = plaintext.len + tls13;
	size_t n_body = n_nonce + n + TAG_BYTES, n_aad;
	struct keys k = keys_of(s, &s->send);
	uint8_t nonce[RECORD_IV_BYTES], aad[13], content[1024];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int got = 0, rest = 0;

	memcpy(content, plaintext.at, plaintext.len);
	content[plaintext.len] = type;
	record[0] = tls13 ? AEAD_TYPE_DATA : type;
	record[1] = 3;
	record[2] = 3;
	record[3] = (uint8_t)(n_body >> 8);
	record[4] = (uint8_t)n_body;
	if (n_nonce > 0)
		put64(record + HEADER_BYTES, s->explicit_nonce++);
	make_nonce(s, &k, s->send.sequence, record + HEADER_BYTES, nonce);
	n_aad = make_aad(s, record, s->send.sequence++, n, aad);
	EVP_EncryptInit_ex(ctx, cipher_of(s), NULL, k.key, nonce);
	EVP_EncryptUpdate(ctx, NULL, &rest, aad, (int)n_aad);
	EVP_EncryptUpdate(ctx, record + HEADER_BYTES + n_nonce, &got, content, (int)n);
	EVP_EncryptFinal_ex(ctx, record + HEADER_BYTES + n_nonce + got, &rest);
	EVP_CIPHER_CTX_ctrl(
		ctx, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, record + HEADER_BYTES + n_nonce + n);
	EVP_CIPHER_CTX_free(ctx);
	return HEADER_BYTES + n_body;
}
