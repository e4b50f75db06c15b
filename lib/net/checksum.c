// SPDX-License-Identifier: BSD-3-Clause

#include "lib/net/checksum.h"

#include <endian.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#define WIDE_BYTES 128 // below this the wide loop does not pay for its end

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

// End-around carry: in ones' complement, 2^64 is 1.
static uint64_t add_carry(uint64_t a, uint64_t b)
{
	a += b;
	return a + (a < b);
}

#ifdef __x86_64__
// Whole vectors only, of a datagram at most: no lane overflows, nor the sum of all. Words of
// sixteen bits are added by pairs into 32 bits, as signed ones: each less 2^15, which is put back
// at the end.
__attribute__((target("avx2"))) static uint64_t add_avx2(
	uint64_t sum, const uint8_t *p, size_t n_bytes)
{
	const __m256i bias = _mm256_set1_epi16(INT16_MIN), ones = _mm256_set1_epi16(1);
	__m256i a = _mm256_setzero_si256(), b = a;
	size_t n_words = n_bytes / 32 * 16;
	__m128i all;

	for (; n_bytes >= 64; p += 64, n_bytes -= 64) {
		__m256i v = _mm256_loadu_si256((const __m256i_u *)p);
		__m256i w = _mm256_loadu_si256((const __m256i_u *)(p + 32));

		a = _mm256_add_epi32(a, _mm256_madd_epi16(_mm256_xor_si256(v, bias), ones));
		b = _mm256_add_epi32(b, _mm256_madd_epi16(_mm256_xor_si256(w, bias), ones));
	}
	if (n_bytes >= 32) {
		__m256i v = _mm256_loadu_si256((const __m256i_u *)p);

		a = _mm256_add_epi32(a, _mm256_madd_epi16(_mm256_xor_si256(v, bias), ones));
	}
	a = _mm256_add_epi32(a, b);
	all = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
	all = _mm_add_epi32(all, _mm_unpackhi_epi64(all, all));
	all = _mm_add_epi32(all, _mm_shuffle_epi32(all, 1));
	return add_carry(sum, (uint64_t)_mm_cvtsi128_si32(all) + ((uint64_t)n_words << 15));
}
#endif

uint64_t checksum_add(uint64_t sum, const void *bytes, size_t n_bytes)
{
	const uint8_t *p = bytes;
	uint64_t a = sum, b = 0, c = 0, d = 0, last = 0;

#ifdef __x86_64__
	if (n_bytes >= WIDE_BYTES && n_bytes <= UINT16_MAX && __builtin_cpu_supports("avx2")) {
		a = add_avx2(a, p, n_bytes);
		p += n_bytes / 32 * 32;
		n_bytes %= 32;
	}
#endif
	// Four chains, since each addition waits for the carry of the one before.
	for (; n_bytes >= 32; p += 32, n_bytes -= 32) {
		a = add_carry(a, load64(p));
		b = add_carry(b, load64(p + 8));
		c = add_carry(c, load64(p + 16));
		d = add_carry(d, load64(p + 24));
	}
	a = add_carry(add_carry(a, b), add_carry(c, d));
	for (; n_bytes >= 8; p += 8, n_bytes -= 8)
		a = add_carry(a, load64(p));
	if (n_bytes > 0) {
		memcpy(&last, p, n_bytes);
		a = add_carry(a, last);
	}
	return a;
}

static uint64_t add_address(uint64_t sum, const struct ip_addr *ip)
{
	return add_carry(add_carry(sum, load64(ip->bytes)), load64(ip->bytes + 8));
}

uint64_t checksum_add_pseudo(uint64_t sum, const struct ip_addr *source,
	const struct ip_addr *destination, uint8_t protocol, uint32_t n_bytes)
{
	// An IPv4 address has twelve bytes of zero after it, which add nothing, and IPv4's shorter
	// tail has the same sum, since its length fits sixteen bits.
	sum = add_address(add_address(sum, source), destination);
	return add_carry(sum, htobe64((uint64_t)n_bytes << 32 | protocol));
}

uint16_t checksum_fold(uint64_t sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16 & 0xffff) + (sum & 0xffff) + (sum >> 32);
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)((sum >> 16) + sum);
}

uint16_t checksum_end(uint64_t sum)
{
	return (uint16_t)~checksum_fold(sum);
}

uint16_t checksum_replace(uint16_t checksum, uint16_t was, uint16_t is)
{
	return checksum_end((uint64_t)(uint16_t)~checksum + (uint16_t)~was + is);
}
