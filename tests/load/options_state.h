// SPDX-License-Identifier: BSD-3-Clause
// What the files of options share: options.c reads, options_check.c looks whether it fits together.
// Nobody else includes it.

#pragma once

#include "tests/load/options.h"

// What has been read so far.
struct options_reader {
	struct options *out;
	struct errors *errors;
	const char *target;
	bool is_callee;
};

// What is wrong goes to errors; fills in what goes without saying.
void options_check(struct options_reader *r);
