// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/siphash.h"

#include <endian.h>

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static inline uint64_t rotl(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void sip_round(struct siphash *h)
{
	h->v0 += h->v1;
	h->v2 += h->v3;
	h->v1 = rotl(h->v1, 13) ^ h->v0;
	h->v3 = rotl(h->v3, 16) ^ h->v2;
	h->v0 = rotl(h->v0, 32);
	h->v2 += h->v1;
	h->v0 += h->v3;
	h->v1 = rotl(h->v1, 17) ^ h->v2;
	h->v3 = rotl(h->v3, 21) ^ h->v0;
	h->v2 = rotl(h->v2, 32);
}

static inline void absorb(struct siphash *h, uint64_t word)
{
	h->v3 ^= word;
	sip_round(h);
	sip_round(h);
	h->v0 ^= word;
}

// n < 8 bytes as a word, lowest first, without a loop: two loads that may overlap.
static inline uint64_t load_few(const uint8_t *p, size_t n)
{
	uint32_t low, high;

	if (n >= 4) {
		memcpy(&low, p, sizeof(low));
		memcpy(&high, p + n - 4, sizeof(high));
		return (uint64_t)le32toh(high) << (8 * (n - 4)) | le32toh(low);
	}
	if (n == 0)
		return 0;
	return (uint64_t)p[n - 1] << (8 * (n - 1)) | (uint64_t)p[n / 2] << (8 * (n / 2)) | p[0];
}

struct siphash_key siphash_key_from(const uint8_t key[SIPHASH_KEY_BYTES])
{
	return (struct siphash_key){load64(key), load64(key + 8)};
}

void siphash_init(struct siphash *h, const struct siphash_key *key)
{
	h->v0 = key->k0 ^ 0x736f6d6570736575;
	h->v1 = key->k1 ^ 0x646f72616e646f6d;
	h->v2 = key->k0 ^ 0x6c7967656e657261;
	h->v3 = key->k1 ^ 0x7465646279746573;
	h->tail = 0;
	h->n_bytes = 0;
}

void siphash_add(struct siphash *out, const void *bytes, size_t n_bytes)
{
	// A copy that no byte pointer can alias stays in registers.
	struct siphash h = *out;
	const uint8_t *p = bytes;
	unsigned in_tail = h.n_bytes & 7, missing = 8 - in_tail;

	h.n_bytes += n_bytes;
	if (n_bytes < missing) {
		h.tail |= load_few(p, n_bytes) << (8 * in_tail);
		*out = h;
		return;
	}
	if (in_tail != 0) {
		absorb(&h, h.tail | load_few(p, missing) << (8 * in_tail));
		p += missing;
		n_bytes -= missing;
	}
	for (; n_bytes >= 8; p += 8, n_bytes -= 8)
		absorb(&h, load64(p));
	h.tail = load_few(p, n_bytes);
	*out = h;
}

void siphash_add_part(struct siphash *h, struct view part)
{
	uint64_t len = part.len;

	siphash_add(h, &len, sizeof(len));
	siphash_add(h, part.at, part.len);
}

void siphash_add_padded(struct siphash *out, struct view part)
{
	struct siphash h = *out;
	const uint8_t *p = part.at;
	size_t n_bytes = part.len;

	for (; n_bytes >= 8; p += 8, n_bytes -= 8)
		absorb(&h, load64(p));
	if (n_bytes > 0)
		absorb(&h, load_few(p, n_bytes));
	h.n_bytes += (part.len + 7) / 8 * 8;
	*out = h;
}

static inline uint64_t end(struct siphash *h)
{
	absorb(h, h->tail | h->n_bytes << 56);
	h->v2 ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(h);
	return h->v0 ^ h->v1 ^ h->v2 ^ h->v3;
}

uint64_t siphash_end(struct siphash *h)
{
	return end(h);
}

uint64_t siphash_end_words(const struct siphash *begun, const uint64_t words[], unsigned n_words)
{
	struct siphash h = *begun;

	for (unsigned i = 0; i < n_words; i++)
		absorb(&h, words[i]);
	h.n_bytes += 8 * (uint64_t)n_words;
	return end(&h);
}

uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t n_bytes)
{
	struct siphash h;

	siphash_init(&h, key);
	siphash_add(&h, bytes, n_bytes);
	return siphash_end(&h);
}
