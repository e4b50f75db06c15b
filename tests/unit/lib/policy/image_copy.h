// SPDX-License-Identifier: BSD-3-Clause
// A copy of a fixture's image that a test may spoil.

#pragma once

#include "lib/policy/image_format.h"
#include "tests/unit/lib/policy/fixture.h"

struct image_copy {
	uint8_t *bytes; // the caller's to free
	size_t n;
	struct image_header *header;
};

struct image_copy copy_image(const struct fixture *f);
void *copy_section(const struct image_copy *c, enum image_section s);
// Makes every checksum good again.
void copy_mend(struct image_copy *c);
// Why image_open() refuses it; NULL: it does not.
const char *copy_error(const struct image_copy *c);
