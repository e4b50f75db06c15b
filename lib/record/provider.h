// SPDX-License-Identifier: BSD-3-Clause
// What a provider of crypto.h has: AEAD over pieces, and the hashes of the key schedule. Within
// lib/record.

#pragma once

#include "lib/record/crypto.h"
#include "lib/record/pieces.h"
#include "lib/record/suite.h"

enum record_direction {
	RECORD_SEAL,
	RECORD_OPEN,
};

// One AEAD operation.
struct record_aead {
	enum record_suite suite;
	enum record_direction direction;
	uint64_t key_id; // never the same for another key, suite included
	const uint8_t *key;
	// Written whole, by record_words_put(): a provider reads 16 bytes at once, and would wait
	// for smaller writes to leave the processor's store buffer.
	_Alignas(16) uint8_t nonce[16]; // RECORD_IV_BYTES of them
	_Alignas(16) uint8_t aad[16];
	uint8_t n_aad;
	// The bytes behind those of the pieces: the content type of TLS 1.3 when it is sealed.
	uint8_t n_tail; // 0 or 1
	uint8_t tail;
	struct record_pieces in;
	size_t n_in;
	uint8_t *out; // n_in + n_tail bytes of room; apart from in, or exactly where in is
	uint8_t *tag; // 16 bytes
};

// 16 bytes at once, the first in the lowest bits of low.
static inline void record_words_put(uint8_t at[16], uint64_t low, uint64_t high)
{
	typedef uint64_t words __attribute__((vector_size(16)));
	words both = {low, high};

	memcpy(at, &both, sizeof(both));
}

struct record_crypto {
	// Seals: writes out, then tag. Opens: false where tag is not that of what was read; out is
	// then anything. False also where a provider has failed.
	bool (*crypt)(struct record_crypto *c, struct record_aead *a);
	// SHA-256 or SHA-384, as n_digest says.
	bool (*hash)(struct record_crypto *c, size_t n_digest, const void *in, size_t n_in,
		uint8_t digest[RECORD_HASH_BYTES_MAX]);
	void (*forget)(struct record_crypto *c, uint64_t key_id); // drops what it keeps of a key
	// Brings that near, ahead of crypt; NULL: there is nothing to bring.
	void (*prefetch)(const struct record_crypto *c, uint64_t key_id);
	void (*free)(struct record_crypto *c);
	const char *name;
	uint64_t key_records;
	uint64_t last_key_id;
};

// Which of libipsec-mb's functions: those that suit this processor best, or, in tests, those that
// suit another one.
enum record_isa {
	RECORD_ISA_BEST,
	RECORD_ISA_SSE,
	RECORD_ISA_AVX,
	RECORD_ISA_AVX2,
	RECORD_ISA_AVX512,
};

// NULL with errno. The caller fills in key_records.
struct record_crypto *record_ipsec_mb_new(uint32_t n_keys, enum record_isa isa);
struct record_crypto *record_evp_new(void);
