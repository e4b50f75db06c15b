// SPDX-License-Identifier: BSD-3-Clause
// What a thread opens and seals with: functions of a provider that suits the processor, and the
// expanded keys of the sessions that were used last. An expanded AES-GCM key is 1 KB, too much for
// an idle session to keep; it is made again from the session's 32 bytes when it is not here.
//
// Callers: the worker, one for all its sessions; tests. Thread: one at a time. Nothing allocates or
// makes a system call after record_crypto_new(), with libipsec-mb; OpenSSL may allocate.

#pragma once

#include <stddef.h>
#include <stdint.h>

enum record_provider {
	RECORD_PROVIDER_BEST,     // libipsec-mb where the processor has AES-NI and PCLMULQDQ
	RECORD_PROVIDER_IPSEC_MB, // AVX-512, AVX2 or SSE, as the processor has it
	RECORD_PROVIDER_EVP,      // OpenSSL, anywhere; a context a suite, re-keyed for each record
};

struct record_crypto_config {
	enum record_provider provider;
	// Expanded keys kept, 1 KB each: a power of two, at least RECORD_N_KEYS_MIN. A session in
	// use has two.
	uint32_t n_keys;
	// Records sealed under one key before it is replaced (RFC 8446 §5.5): at most
	// RECORD_KEY_RECORDS, which 0 stands for. Tests set less.
	uint64_t key_records;
};

#define RECORD_N_KEYS_MIN     4
#define RECORD_N_KEYS_DEFAULT 1024
#define RECORD_KEY_RECORDS    (UINT64_C(1) << 23)

struct record_crypto;

// NULL with errno: ENOMEM, EINVAL for a config out of range, ENOTSUP for a provider that this
// processor or machine has not.
struct record_crypto *record_crypto_new(const struct record_crypto_config *config);
// Wipes the keys. Sessions made with it must not be used any more.
void record_crypto_free(struct record_crypto *c);

// Of the functions in use, for the log at start: "libipsec-mb AVX512", "OpenSSL EVP".
const char *record_crypto_name(const struct record_crypto *c);
