// SPDX-License-Identifier: BSD-3-Clause
// An array that grows: the builder's only memory. Items move when it grows.

#pragma once

#include <stddef.h>

struct buffer {
	void *items;
	size_t n, room; // of items
};

// Adds n_items of item_bytes each, all zero, and returns the first; the caller fills them. NULL:
// out of memory, nothing added.
void *buffer_add(struct buffer *b, size_t n_items, size_t item_bytes);
void buffer_free(struct buffer *b);
