// SPDX-License-Identifier: BSD-3-Clause
// Names to be looked up, many times: of the document's partners, which an identity card has first.
// Made once, then read by any thread.

#pragma once

#include "lib/base/view.h"

#include <stdbool.h>

struct tls_names {
	char **at; // in order
	size_t n;
};

// Copies n canonical names. False: out of memory; tls_names_fini() either way.
bool tls_names_init(struct tls_names *names, const char *const at[], size_t n);
void tls_names_fini(struct tls_names *names);

// name: in any spelling.
bool tls_names_have(const struct tls_names *names, struct view name);
