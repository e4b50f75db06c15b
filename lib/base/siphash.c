// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/siphash.h"

#include <endian.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

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

#ifdef __x86_64__
#define AVX2 __attribute__((target("avx2"))) static inline

// Four hashes under way, one in each lane.
struct lanes {
	__m256i v0, v1, v2, v3;
};

AVX2 __m256i rotl_lanes(__m256i x, int bits)
{
	return _mm256_or_si256(_mm256_slli_epi64(x, bits), _mm256_srli_epi64(x, 64 - bits));
}

AVX2 __m256i swap_halves(__m256i x)
{
	return _mm256_shuffle_epi32(x, 0xb1);
}

AVX2 void round_of_lanes(struct lanes *l)
{
	l->v0 = _mm256_add_epi64(l->v0, l->v1);
	l->v2 = _mm256_add_epi64(l->v2, l->v3);
	l->v1 = _mm256_xor_si256(rotl_lanes(l->v1, 13), l->v0);
	l->v3 = _mm256_xor_si256(rotl_lanes(l->v3, 16), l->v2);
	l->v0 = swap_halves(l->v0);
	l->v2 = _mm256_add_epi64(l->v2, l->v1);
	l->v0 = _mm256_add_epi64(l->v0, l->v3);
	l->v1 = _mm256_xor_si256(rotl_lanes(l->v1, 17), l->v2);
	l->v3 = _mm256_xor_si256(rotl_lanes(l->v3, 21), l->v0);
	l->v2 = swap_halves(l->v2);
}

AVX2 void absorb_lanes(struct lanes *l, __m256i word)
{
	l->v3 = _mm256_xor_si256(l->v3, word);
	round_of_lanes(l);
	round_of_lanes(l);
	l->v0 = _mm256_xor_si256(l->v0, word);
}

AVX2 __m256i in_all_lanes(uint64_t word)
{
	return _mm256_set1_epi64x((long long)word);
}

__attribute__((target("avx2"))) static void end_words_avx2(
	const struct siphash *begun, const uint64_t words[][4], unsigned n_words, uint64_t out[4])
{
	struct lanes l = {in_all_lanes(begun->v0), in_all_lanes(begun->v1), in_all_lanes(begun->v2),
		in_all_lanes(begun->v3)};

	for (unsigned i = 0; i < n_words; i++)
		absorb_lanes(&l, _mm256_loadu_si256((const __m256i_u *)words[i]));
	absorb_lanes(&l, in_all_lanes((begun->n_bytes + 8 * (uint64_t)n_words) << 56));
	l.v2 = _mm256_xor_si256(l.v2, in_all_lanes(0xff));
	for (int i = 0; i < 4; i++)
		round_of_lanes(&l);
	l.v0 = _mm256_xor_si256(_mm256_xor_si256(l.v0, l.v1), _mm256_xor_si256(l.v2, l.v3));
	_mm256_storeu_si256((__m256i_u *)out, l.v0);
}
#endif

void siphash_end_words_of_4(
	const struct siphash *begun, const uint64_t words[][4], unsigned n_words, uint64_t out[4])
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2")) {
		end_words_avx2(begun, words, n_words, out);
		return;
	}
#endif
	for (unsigned lane = 0; lane < 4; lane++) {
		struct siphash h = *begun;

		for (unsigned i = 0; i < n_words; i++)
			absorb(&h, words[i][lane]);
		h.n_bytes += 8 * (uint64_t)n_words;
		out[lane] = end(&h);
	}
}

uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t n_bytes)
{
	struct siphash h;

	siphash_init(&h, key);
	siphash_add(&h, bytes, n_bytes);
	return siphash_end(&h);
}
