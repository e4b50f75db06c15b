// SPDX-License-Identifier: BSD-3-Clause
// Text appended to a buffer of fixed size. What does not fit is not written and is remembered, so
// that a writer adds everything and asks once, at the end.
// Any thread; the buffer is the caller's.

#pragma once

#include "lib/base/view.h"

struct text {
	uint8_t *start, *at, *end;
	bool overflow; // something did not fit; nothing is written after it
};

#define TEXT_HEX64_BYTES 16

static inline struct text text_over(void *buffer, size_t n_bytes)
{
	uint8_t *p = buffer;

	return (struct text){p, p, p + n_bytes, false};
}

static inline struct view text_view(const struct text *t)
{
	return view_of(t->start, (size_t)(t->at - t->start));
}

// What was added since a former value of t->at.
static inline struct view text_since(const struct text *t, const uint8_t *mark)
{
	return view_of(mark, (size_t)(t->at - mark));
}

// Makes room for n bytes and returns where they go, NULL when they do not fit.
static inline uint8_t *text_reserve(struct text *t, size_t n)
{
	uint8_t *at = t->at;

	if (t->overflow || n > (size_t)(t->end - at)) {
		t->overflow = true;
		return NULL;
	}
	t->at += n;
	return at;
}

static inline void text_add(struct text *t, struct view v)
{
	uint8_t *at = text_reserve(t, v.len);

	if (at != NULL && v.len > 0)
		memcpy(at, v.at, v.len);
}

// Decimal, without leading zeros.
void text_add_number(struct text *t, uint32_t value);

// Sixteen lower-case digits, the highest first.
void text_add_hex64(struct text *t, uint64_t value);
