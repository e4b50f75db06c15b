// SPDX-License-Identifier: BSD-3-Clause
// A compiled policy under another number. Any thread; no I/O but the image's memfd.

#pragma once

#include "control/policy/compile.h"

// The same policy with another generation: its digest stays, its patterns are taken over. *out is
// the caller's; from stays as it is, and nobody closes it meanwhile. 0 or -errno.
int compiled_renumber(const struct compiled *from, uint64_t generation, struct compiled *out);
