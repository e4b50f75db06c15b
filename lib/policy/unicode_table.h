// SPDX-License-Identifier: BSD-3-Clause
// The tables behind unicode.h, written by scripts/gen-unicode. Code points are looked up in two
// stages: the index gives the block of UNICODE_BLOCK values.

#pragma once

#include <stdint.h>

#define UNICODE_BLOCK       64
#define UNICODE_CODE_POINTS 0x110000

// What becomes of a code point; anything above is where its sequence stands.
enum unicode_status {
	UNICODE_DISALLOWED,
	UNICODE_VALID,
	UNICODE_IGNORED,
};

extern const uint16_t unicode_status_index[], unicode_status[];
extern const uint32_t unicode_sequences[]; // length, then as many code points, fully decomposed

// Canonical combining class; UNICODE_MARK for a combining mark of class zero.
#define UNICODE_MARK 255
extern const uint8_t unicode_mark_index[], unicode_marks[];

// First, second and what they compose to, in this order.
extern const uint32_t unicode_pairs[][3];
extern const uint32_t unicode_n_pairs;
