// SPDX-License-Identifier: BSD-3-Clause
// A wildcard over domain names as a regular expression that Hyperscan takes.

#pragma once

#include "lib/base/view.h"

// The expression has no anchor on a side where the wildcard has a star: a search for the rest costs
// less than a match of the whole. Written NUL-terminated; its length, or -EINVAL with a text in
// *error (static).
int wildcard_to_regex(struct view wildcard, char *regex, size_t room, const char **error);
