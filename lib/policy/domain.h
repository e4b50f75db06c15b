// SPDX-License-Identifier: BSD-3-Clause
// Domain names in the one form in which they are compared: the A-label form, lower case, without a
// trailing dot (RFC 5890 §2.3.2.1, FEATURES P4). One canonical form makes A-label, U-label, upper
// case and unnormalised spellings equal by construction, with one look-up.
// Pure; any thread; no allocation; bounded by DOMAIN_BYTES_MAX.

#pragma once

#include "lib/base/view.h"

// Of the canonical form. Longer input is refused before any work.
#define DOMAIN_BYTES_MAX 255

struct domain {
	uint8_t len;
	uint8_t text[DOMAIN_BYTES_MAX];
};

// Writes the canonical form of name: ASCII is lowered; anything else is mapped (UTS #46,
// non-transitional: case folded, NFC) and encoded (RFC 3492). A name must have labels of 1 to 63
// bytes; underscores are allowed as DNS has them. IP literals are not names: -EINVAL.
// 0, or -EINVAL.
int domain_canonical(struct view name, struct domain *out);
