// SPDX-License-Identifier: BSD-3-Clause
// Policy images for tests: local.example, partner.example, and blocks as wanted.

#pragma once

#include "lib/policy/image.h"

struct sample_image {
	uint64_t generation;
	const char *const *regexes; // blocked; NULL-terminated, or NULL for none
	const char *blocked;        // a blocked name, or NULL
};

// A sealed memfd, the caller's; *n_bytes is its size. Fails the test where it cannot.
int sample_image_fd(const struct sample_image *sample, size_t *n_bytes, struct image_info *info);

// The bytes of a memfd in memory of their own, aligned to a cache line; free() them.
void *sample_image_bytes(int fd, size_t n_bytes);
