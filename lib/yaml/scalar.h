// SPDX-License-Identifier: BSD-3-Clause
// One scalar of a document against its key. For schema.c, and for who shows
// what a document may say.

#pragma once

#include "lib/yaml/schema.h"

#define SCALAR_WHAT_BYTES 160

// plain: written without quotes. Sets event->number. True; or false after an error was added.
bool scalar_check(const struct schema_key *key, bool plain, struct schema_event *event,
	struct errors *errors);

// What would be right for the key, in words.
void scalar_what(const struct schema_key *key, char what[SCALAR_WHAT_BYTES]);
