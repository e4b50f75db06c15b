// SPDX-License-Identifier: BSD-3-Clause
// The patterns of an image as a Hyperscan database.
// Compiled in control, to report errors, and in the dataplane's compiler child; the bytecode of the
// one is never given to the other.

#pragma once

#include "lib/policy/image.h"

#include <hs/hs.h>

// Compile flags that an image may ask for. All are set by the builder; a pattern without single
// match is refused by the check, since each of its matches would cost a call.
#define PATTERNS_FLAGS (HS_FLAG_CASELESS | HS_FLAG_DOTALL | HS_FLAG_SINGLEMATCH)

// Why a pattern set did not compile.
struct patterns_error {
	uint32_t index; // of the pattern, UINT32_MAX when it is no single one
	char text[200];
};

// Compiles every pattern of the image (block mode, single match). NULL database with 0 when the
// image has none. 0, -EINVAL with *error, or -ENOMEM. Free with hs_free_database().
int patterns_compile(
	const struct image *image, hs_database_t **database, struct patterns_error *error);

// The same for texts that lie apart from any image, n > 0 of them, NUL-terminated; the index of
// each is its id.
int patterns_compile_texts(const char *const expressions[], const unsigned flags[], unsigned n,
	hs_database_t **database, struct patterns_error *error);
