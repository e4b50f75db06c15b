// SPDX-License-Identifier: BSD-3-Clause
// What is wrong with a document, in the words that its author reads: "FILE:LINE: text".
// A document's reader gathers all that it finds, so that one run shows them together.
// One thread; no allocation.

#pragma once

#include <stdbool.h>

#define ERRORS_MAX        20
#define ERRORS_TEXT_BYTES 256

struct errors {
	const char *file_name; // the caller's
	unsigned n;            // texts kept, at most ERRORS_MAX
	unsigned n_dropped;    // found beyond them
	char text[ERRORS_MAX][ERRORS_TEXT_BYTES];
};

void errors_init(struct errors *e, const char *file_name);

// line: from 1; 0 leaves line and colon out. Text that does not fit is cut.
__attribute__((format(printf, 3, 4))) void errors_add(
	struct errors *e, unsigned line, const char *format, ...);
// The same for another file, such as a list that the document names.
__attribute__((format(printf, 4, 5))) void errors_add_in(
	struct errors *e, const char *file_name, unsigned line, const char *format, ...);

// So many were found that looking for more is no use.
bool errors_full(const struct errors *e);
