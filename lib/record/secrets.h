// SPDX-License-Identifier: BSD-3-Clause
// What the record layer of an established TLS session starts from: the hand-over of a finished
// handshake, one struct for both versions and both roles. Control fills it from its handshake
// (RFC 8446 §7.1, §7.3; RFC 5246 §6.3), a worker's record layer goes on exactly there. The master
// secret stays in control.
//
// Plain data that travels in a ring message: the receiver checks it, and wipes every copy of it.

#pragma once

#include <stddef.h>
#include <stdint.h>

enum record_version {
	RECORD_VERSION_NONE,
	RECORD_TLS12,
	RECORD_TLS13,
	RECORD_VERSION_N,
};

// The AEAD and, of TLS 1.3, the hash of the key schedule that goes with it: AES-256-GCM has
// SHA-384, the others SHA-256. What else made a TLS 1.2 suite (ECDHE, ECDSA or RSA) is over by now.
enum record_suite {
	RECORD_SUITE_NONE,
	RECORD_AES_128_GCM,
	RECORD_AES_256_GCM,
	RECORD_CHACHA20_POLY1305,
	RECORD_SUITE_N,
};

#define RECORD_SECRET_BYTES 48
#define RECORD_KEY_BYTES    32
#define RECORD_IV_BYTES     12

// One direction. Bytes that version and suite do not use are zero.
struct record_secret {
	// TLS 1.3: the traffic secret, 32 or 48 bytes. TLS 1.2: none.
	uint8_t traffic[RECORD_SECRET_BYTES];
	// TLS 1.2: write key, and the fixed part of the nonce: 4 bytes with GCM, 12 with ChaCha20
	// (RFC 5288 §3, RFC 7905 §2). TLS 1.3: none, both come from the traffic secret.
	uint8_t key[RECORD_KEY_BYTES];
	uint8_t iv[RECORD_IV_BYTES];
	uint8_t zero[4];
	uint64_t sequence; // of the next record under these keys
};

struct record_secrets {
	uint8_t version; // enum record_version
	uint8_t suite;   // enum record_suite
	uint8_t zero[6];
	uint64_t explicit_nonce; // of the next record sent, TLS 1.2 with GCM; else 0
	struct record_secret receive, send;
};

_Static_assert(sizeof(struct record_secrets) == 16 + 2 * 104, "no padding: it is compared whole");

// NULL, or which rule the bytes break (static text): known version and suite, zero where unused.
const char *record_secrets_check(const struct record_secrets *s);
// Overwrites it in a way that the compiler keeps.
void record_secrets_wipe(struct record_secrets *s);
