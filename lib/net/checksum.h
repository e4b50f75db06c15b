// SPDX-License-Identifier: BSD-3-Clause
// The Internet checksum (RFC 1071): the ones' complement sum of 16-bit words.
// Sums are kept as the bytes lie in memory, which the sum allows (RFC 1071 §2(B)): a result is
// stored with memcpy and never swapped. Pure.

#pragma once

#include "lib/base/addr.h"

// Adds n_bytes to a sum begun with 0. A part before the last must have an even length.
uint64_t checksum_add(uint64_t sum, const void *bytes, size_t n_bytes);

// The pseudo header of RFC 768 and RFC 8200 §8.1.
uint64_t checksum_add_pseudo(uint64_t sum, const struct ip_addr *source,
	const struct ip_addr *destination, uint8_t protocol, uint32_t n_bytes);

// Folded to sixteen bits, not yet complemented: what a device wants in the checksum field when it
// adds the rest.
uint16_t checksum_fold(uint64_t sum);

// What the checksum field must hold, when it was zero in the sum.
uint16_t checksum_end(uint64_t sum);

// True for a sum that includes the checksum field itself.
static inline bool checksum_holds(uint64_t sum)
{
	return checksum_fold(sum) == 0xffff;
}

// The field after one 16-bit word that it covers has changed (RFC 1624 §3, equation 3).
uint16_t checksum_replace(uint16_t checksum, uint16_t was, uint16_t is);
