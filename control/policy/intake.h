// SPDX-License-Identifier: BSD-3-Clause
// A document and its list files as descriptors: read, parsed and compiled in one go. What
// `fedctl check` does at its desk is what control does with a publication. Any thread.

#pragma once

#include "control/policy/compile.h"

#define INTAKE_FDS_MAX (1 + DOCUMENT_FILES_MAX)

struct intake {
	const int *fds; // the document's, then the list files' in its order; stay the caller's
	size_t n_fds;
	uint64_t generation;
	uint8_t relay_key[SIPHASH_KEY_BYTES];
	struct replica *former; // as in struct compile_input
};

// On success *text is the document's bytes, the caller's to file_free(). errors->file_name is what
// the document is called. 0; -EINVAL when errors has been added to; -ENOMEM.
int intake_compile(
	const struct intake *in, struct compiled *out, struct view *text, struct errors *errors);
