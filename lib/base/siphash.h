// SPDX-License-Identifier: BSD-3-Clause
// SipHash-2-4, the keyed hash behind every value that a peer must not be able to guess or collide:
// Via branches, To tags, hash tables that peers fill. Aumasson and Bernstein, 2012.
// Any thread; no state beyond the struct that the caller holds.

#pragma once

#include "lib/base/view.h"

#define SIPHASH_KEY_BYTES 16

struct siphash_key {
	uint64_t k0, k1;
};

// A hash under way, for input in several parts.
struct siphash {
	uint64_t v0, v1, v2, v3;
	uint64_t tail; // bytes not yet a whole word, lowest first
	uint64_t n_bytes;
};

// key: 16 bytes, little endian as in the reference implementation.
struct siphash_key siphash_key_from(const uint8_t key[SIPHASH_KEY_BYTES]);

void siphash_init(struct siphash *h, const struct siphash_key *key);
void siphash_add(struct siphash *h, const void *bytes, size_t n_bytes);
// Adds the length before the bytes, so that neighbouring parts cannot be shifted into each other.
void siphash_add_part(struct siphash *h, struct view part);
// Adds a part and zeros up to a whole word, to a hash that has only whole words so far: quicker,
// since no word is put together out of two parts. The lengths of all parts go in front of them,
// or parts could be shifted into each other.
void siphash_add_padded(struct siphash *h, struct view part);
uint64_t siphash_end(struct siphash *h);

// Adds whole words and ends: what siphash_add() of their bytes, lowest first, and siphash_end()
// give, for a hash begun with whole words only. The quickest way for a short input of fixed shape.
uint64_t siphash_end_words(const struct siphash *begun, const uint64_t words[], unsigned n_words);

// siphash_end_words() of four inputs of the same length at once: words[i] are the words number i of
// each. More than twice as quick as one after the other where the machine has AVX2.
void siphash_end_words_of_4(
	const struct siphash *begun, const uint64_t words[][4], unsigned n_words, uint64_t out[4]);

// One part in one call.
uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t n_bytes);
