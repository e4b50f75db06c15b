// SPDX-License-Identifier: BSD-3-Clause

#include "lib/record/schedule.h"

#include "lib/record/provider.h"

#include <string.h>

#define BLOCK_BYTES_MAX 128
// struct HkdfLabel: length, "tls13 " and a label of this file, an empty context; and HKDF's
// counter.
#define INFO_BYTES_MAX (2 + 1 + 6 + 12 + 1 + 1)

// RFC 2104, of short messages. secret: of the hash's size, thus shorter than a block.
static bool hmac(struct record_crypto *c, size_t n_hash, const uint8_t *secret, const uint8_t *info,
	size_t n_info, uint8_t out[RECORD_HASH_BYTES_MAX])
{
	size_t n_block = n_hash == 48 ? 128 : 64;
	uint8_t text[BLOCK_BYTES_MAX + RECORD_HASH_BYTES_MAX];
	bool done;

	memset(text, 0x36, n_block);
	for (size_t i = 0; i < n_hash; i++)
		text[i] ^= secret[i];
	memcpy(text + n_block, info, n_info);
	done = c->hash(c, n_hash, text, n_block + n_info, out);
	memset(text, 0x5c, n_block);
	for (size_t i = 0; i < n_hash; i++)
		text[i] ^= secret[i];
	memcpy(text + n_block, out, n_hash);
	done = done && c->hash(c, n_hash, text, n_block + n_hash, out);
	explicit_bzero(text, sizeof(text));
	return done;
}

bool record_expand_label(struct record_crypto *c, enum record_suite suite,
	const uint8_t secret[RECORD_SECRET_BYTES], const char *label, uint8_t *out, size_t n_out)
{
	size_t n_label = strlen(label);
	uint8_t info[INFO_BYTES_MAX], digest[RECORD_HASH_BYTES_MAX];
	size_t n = 0;
	bool done;

	info[n++] = 0;
	info[n++] = (uint8_t)n_out;
	info[n++] = (uint8_t)(6 + n_label);
	memcpy(info + n, "tls13 ", 6);
	memcpy(info + n + 6, label, n_label);
	n += 6 + n_label;
	info[n++] = 0; // no context
	info[n++] = 1; // T(1) of RFC 5869 is all that is needed
	done = hmac(c, record_hash_bytes(suite), secret, info, n, digest);
	memcpy(out, digest, n_out);
	explicit_bzero(digest, sizeof(digest));
	return done;
}

bool record_keys_derive(struct record_crypto *c, enum record_suite suite,
	const uint8_t traffic[RECORD_SECRET_BYTES], struct record_keys *keys)
{
	keys->key_id = ++c->last_key_id;
	keys->sequence = 0;
	return record_expand_label(c, suite, traffic, "key", keys->key, record_key_bytes(suite)) &&
		record_expand_label(c, suite, traffic, "iv", keys->iv, RECORD_IV_BYTES);
}

bool record_keys_update(struct record_crypto *c, enum record_suite suite,
	uint8_t traffic[RECORD_SECRET_BYTES], struct record_keys *keys)
{
	uint8_t next[RECORD_SECRET_BYTES] = {0};
	bool done = record_expand_label(
		c, suite, traffic, "traffic upd", next, record_hash_bytes(suite));

	c->forget(c, keys->key_id);
	memcpy(traffic, next, sizeof(next));
	explicit_bzero(next, sizeof(next));
	return record_keys_derive(c, suite, traffic, keys) && done;
}
