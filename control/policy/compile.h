// SPDX-License-Identifier: BSD-3-Clause
// From a document and the list files that it names to the policy image. Any thread; no I/O but the
// image's memfd. Deterministic: the same input gives the same digest.

#pragma once

#include "control/policy/document.h"
#include "control/policy/replica.h"

#define COMPILE_FILE_BYTES_MAX (256u << 20) // of one list file

struct compile_input {
	const struct document *document;
	const struct view *files; // texts of the list files, as document_file() counts them
	uint64_t generation;
	uint8_t relay_key[SIPHASH_KEY_BYTES];
	struct replica *former; // whose compiled patterns may be taken over; or NULL
};

// The caller's: compiled_close().
struct compiled {
	int image_fd; // sealed memfd
	uint64_t n_bytes;
	struct image_info info;
	struct replica *replica;
};

void compiled_close(struct compiled *c);

// 0; -EINVAL when errors has been added to, about the document or one of its files; -ENOMEM.
// Nothing is kept of a document with an error.
int compile(const struct compile_input *input, struct compiled *out, struct errors *errors);
