// SPDX-License-Identifier: BSD-3-Clause
// Domain names in the one form in which they are compared: the A-label form, lower case, without a
// trailing dot (RFC 5890 §2.3.2.1, FEATURES P4). One canonical form makes A-label, U-label, upper
// case and unnormalised spellings equal by construction, with one look-up.
// Pure; any thread; no allocation; bounded by DOMAIN_BYTES_MAX.

#pragma once

#include "lib/base/view.h"

// Of the canonical form, and four times of it in any spelling: a U-label takes at most four bytes
// of UTF-8 where its A-label takes one. Longer input is refused before any work.
#define DOMAIN_BYTES_MAX          255
#define DOMAIN_SPELLING_BYTES_MAX (4 * DOMAIN_BYTES_MAX)
#define DOMAIN_LABEL_BYTES_MAX    63
#define DOMAIN_LABELS_MAX         128

// Zero bytes that follow a name, so that it is read in words without a look at its end.
#define DOMAIN_PADDING 16

struct domain {
	uint8_t text[DOMAIN_BYTES_MAX + DOMAIN_PADDING + 1]; // len bytes, then DOMAIN_PADDING zeros
	uint64_t dots[4]; // bit i % 64 of [i / 64]: text[i] is a dot
	uint8_t len;
};

// Writes the canonical form of name: ASCII is lowered; anything else is mapped (UTS #46,
// non-transitional: case folded, NFC) and encoded (RFC 3492). A name must have labels of 1 to 63
// bytes; underscores are allowed as DNS has them. An A-label stays as it is: a malformed one equals
// only itself, for no U-label encodes to it. IP literals and names whose last label is a number
// are no domains.
// 0, or -EINVAL.
int domain_canonical(struct view name, struct domain *out);

// Start of the label that ends at end ≤ len, a dot's place or len itself.
static inline size_t domain_label_start(const struct domain *d, size_t end)
{
	size_t word = end / 64;
	uint64_t bits = d->dots[word] & ((UINT64_C(1) << end % 64) - 1);

	while (bits == 0) {
		if (word == 0)
			return 0;
		bits = d->dots[--word];
	}
	return word * 64 + 64 - (size_t)__builtin_clzll(bits);
}
