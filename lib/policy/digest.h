// SPDX-License-Identifier: BSD-3-Clause
// A fast 128-bit digest of many bytes: tells images apart and finds damage. It has no key and
// resists accidents, not malice; what must resist malice is checked field by field.
// Pure; any thread.

#pragma once

#include <stddef.h>
#include <stdint.h>

#define DIGEST_BYTES 16

struct digest {
	uint64_t low, high;
};

// The same on every machine of this byte order. About one memory pass.
struct digest digest_of(const void *bytes, size_t n_bytes);
