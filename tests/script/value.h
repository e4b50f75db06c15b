// SPDX-License-Identifier: BSD-3-Clause
// Numbers in a script: variables and sums of them, `1+1448*i`, and ranges, `990..1010`.

#pragma once

#include <stdbool.h>
#include <stdint.h>

#define VALUE_NAMES_MAX  64
#define VALUE_NAME_BYTES 32

struct values {
	unsigned n;
	struct {
		char name[VALUE_NAME_BYTES];
		int64_t value;
	} of[VALUE_NAMES_MAX];
};

// Sets a variable, new or not. False for a name that is none, or beyond VALUE_NAMES_MAX.
bool value_set(struct values *v, const char *name, int64_t value);

// False for text that is no sum of numbers and known variables.
bool value_read(const struct values *v, const char *text, int64_t *out);

// LOW..HIGH, or one value for both.
bool value_read_range(const struct values *v, const char *text, int64_t *low, int64_t *high);
