// SPDX-License-Identifier: BSD-3-Clause
// A view: a run of bytes that somebody else owns.
// Everything that parses hands out views into the bytes it was given; a view lives as long as
// those bytes and is never NUL-terminated.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct view {
	const uint8_t *at;
	size_t len;
};

#define VIEW_NONE ((struct view){NULL, 0})

// View of a string literal, without its NUL.
#define VIEW(literal) ((struct view){(const uint8_t *)("" literal), sizeof(literal) - 1})

static inline struct view view_of(const void *at, size_t len)
{
	return (struct view){at, len};
}

static inline struct view view_string(const char *s)
{
	return (struct view){(const uint8_t *)s, strlen(s)};
}

static inline bool view_equal(struct view a, struct view b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

// Letters A to Z become a to z; every other byte, also beyond ASCII, stays.
static inline uint8_t ascii_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

// ASCII case-insensitive.
static inline bool view_equal_nocase(struct view a, struct view b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (ascii_lower(a.at[i]) != ascii_lower(b.at[i]))
			return false;
	}
	return true;
}
