// SPDX-License-Identifier: BSD-3-Clause
// What is wrong with a document, as both control and fedctl --json tell it.

#pragma once

#include "lib/base/errors.h"

#include <jansson.h>

// As a list of texts, the caller's. How many were not kept is n_dropped.
json_t *errors_json(const struct errors *errors);
