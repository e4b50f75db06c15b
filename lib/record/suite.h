// SPDX-License-Identifier: BSD-3-Clause
// What each suite and version make of a record: sizes, no more. Within lib/record.

#pragma once

#include "lib/record/secrets.h"

#include <stdbool.h>

#define RECORD_HASH_BYTES_MAX 48

static inline size_t record_key_bytes(enum record_suite suite)
{
	return suite == RECORD_AES_128_GCM ? 16 : 32;
}

// Of the key schedule's hash, TLS 1.3.
static inline size_t record_hash_bytes(enum record_suite suite)
{
	return suite == RECORD_AES_256_GCM ? 48 : 32;
}

// Of a nonce, what the key block gives, TLS 1.2.
static inline size_t record_fixed_iv_bytes(enum record_suite suite)
{
	return suite == RECORD_CHACHA20_POLY1305 ? 12 : 4;
}

// RFC 5288 §3: eight bytes of each nonce travel in front of the ciphertext.
static inline bool record_has_explicit_nonce(enum record_version version, enum record_suite suite)
{
	return version == RECORD_TLS12 && suite != RECORD_CHACHA20_POLY1305;
}
