// SPDX-License-Identifier: BSD-3-Clause
// Text of a domain name that is not ASCII: decoded, mapped by UTS #46 (non-transitional, STD3
// rules) and brought to Unicode's normalisation form C. Called by domain.c only.
// Pure; bounded by UNICODE_POINTS_MAX.

#pragma once

#include "lib/base/view.h"

// No name of DOMAIN_BYTES_MAX comes from more, decomposed: a label has at most 59 code points
// besides "xn--", each of at most four when decomposed, and dots.
#define UNICODE_POINTS_MAX 1024

struct unicode_text {
	uint32_t points[UNICODE_POINTS_MAX];
	size_t n;
};

// The mapped and composed code points of UTF-8 text. -EINVAL where it is no UTF-8, holds a
// disallowed code point or is too long.
int unicode_map(struct view text, struct unicode_text *out);

// A mark that combines with what stands before it: no label begins with one.
bool unicode_is_mark(uint32_t point);
