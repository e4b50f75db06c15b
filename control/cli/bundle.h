// SPDX-License-Identifier: BSD-3-Clause
// A document and the list files that it names, opened with the rights of whoever runs fedctl.

#pragma once

#include "control/policy/intake.h"

struct bundle {
	int fds[INTAKE_FDS_MAX];
	size_t n_fds;
};

// Parses the document to learn which files it names. 0; or -EINVAL when errors has been added to,
// with nothing open.
int bundle_open(struct bundle *b, const char *path, struct errors *errors);
void bundle_close(struct bundle *b);
