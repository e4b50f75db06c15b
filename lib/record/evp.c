// SPDX-License-Identifier: BSD-3-Clause
// Provider: OpenSSL's EVP, for machines that libipsec-mb has nothing for. A context a suite, made
// once and given its key anew for each record: it keeps nothing of a session but the last key.

#include "lib/record/provider.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>

struct evp {
	struct record_crypto base;
	EVP_CIPHER_CTX *contexts[RECORD_SUITE_N];
	uint64_t key_ids[RECORD_SUITE_N]; // of the key that each still holds
	EVP_MD *sha256, *sha384;
	EVP_MD_CTX *digest;
};

static struct evp *self(struct record_crypto *c)
{
	return (struct evp *)c;
}

static bool update(EVP_CIPHER_CTX *x, uint8_t **out, struct view in)
{
	int n;

	if (EVP_CipherUpdate(x, *out, &n, in.at, (int)in.len) != 1)
		return false;
	*out += n;
	return true;
}

static bool crypt_pieces(EVP_CIPHER_CTX *x, struct record_aead *a)
{
	uint8_t *out = a->out;
	int n;

	for (size_t left = a->n_in; left > 0;) {
		struct view run = record_pieces_next(&a->in, left);

		left -= run.len;
		if (!update(x, &out, run))
			return false;
	}
	if (a->n_tail > 0 && !update(x, &out, view_of(&a->tail, 1)))
		return false;
	return EVP_CipherFinal_ex(x, out, &n) == 1;
}

static bool crypt(struct record_crypto *c, struct record_aead *a)
{
	EVP_CIPHER_CTX *x = self(c)->contexts[a->suite];
	bool seals = a->direction == RECORD_SEAL;
	int n;

	self(c)->key_ids[a->suite] = a->key_id;
	if (EVP_CipherInit_ex(x, NULL, NULL, a->key, a->nonce, seals) != 1)
		return false;
	if (!seals && EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_SET_TAG, 16, a->tag) != 1)
		return false;
	if (EVP_CipherUpdate(x, NULL, &n, a->aad, a->n_aad) != 1 || !crypt_pieces(x, a))
		return false;
	return !seals || EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_GET_TAG, 16, a->tag) == 1;
}

static bool hash(struct record_crypto *c, size_t n_digest, const void *in, size_t n_in,
	uint8_t digest[RECORD_HASH_BYTES_MAX])
{
	struct evp *e = self(c);

	return EVP_DigestInit_ex(e->digest, n_digest == 48 ? e->sha384 : e->sha256, NULL) == 1 &&
		EVP_DigestUpdate(e->digest, in, n_in) == 1 &&
		EVP_DigestFinal_ex(e->digest, digest, NULL) == 1;
}

static const uint8_t zeros[RECORD_KEY_BYTES];

static void forget(struct record_crypto *c, uint64_t key_id)
{
	struct evp *e = self(c);

	for (unsigned i = RECORD_SUITE_NONE + 1; i < RECORD_SUITE_N; i++) {
		if (e->key_ids[i] == key_id)
			(void)EVP_CipherInit_ex(e->contexts[i], NULL, NULL, zeros, zeros, 1);
	}
}

static void fini(struct record_crypto *c)
{
	struct evp *e = self(c);

	for (unsigned i = 0; i < RECORD_SUITE_N; i++)
		EVP_CIPHER_CTX_free(e->contexts[i]);
	EVP_MD_CTX_free(e->digest);
	EVP_MD_free(e->sha256);
	EVP_MD_free(e->sha384);
	free(e);
}

// With a key of zeros, so that later only key and nonce are to be set.
static bool make_context(struct evp *e, enum record_suite suite, const char *name)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
	EVP_CIPHER_CTX *x = EVP_CIPHER_CTX_new();
	bool made = cipher != NULL && x != NULL &&
		EVP_CipherInit_ex(x, cipher, NULL, zeros, zeros, 1) == 1;

	e->contexts[suite] = x;
	EVP_CIPHER_free(cipher); // the context has its own reference
	return made;
}

struct record_crypto *record_evp_new(void)
{
	struct evp *e = calloc(1, sizeof(*e));

	if (e == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	e->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	e->sha384 = EVP_MD_fetch(NULL, "SHA384", NULL);
	e->digest = EVP_MD_CTX_new();
	if (e->sha256 == NULL || e->sha384 == NULL || e->digest == NULL ||
		!make_context(e, RECORD_AES_128_GCM, "AES-128-GCM") ||
		!make_context(e, RECORD_AES_256_GCM, "AES-256-GCM") ||
		!make_context(e, RECORD_CHACHA20_POLY1305, "ChaCha20-Poly1305")) {
		fini(&e->base);
		errno = ENOTSUP;
		return NULL;
	}
	e->base.crypt = crypt;
	e->base.hash = hash;
	e->base.forget = forget;
	e->base.free = fini;
	e->base.name = "OpenSSL EVP";
	return &e->base;
}
