// SPDX-License-Identifier: BSD-3-Clause
// A cursor over bytes that lie in several pieces. Within lib/record.

#pragma once

#include "lib/base/view.h"

struct record_pieces {
	const struct view *parts;
	unsigned n;
	size_t skip; // of parts[0], gone already
};

// The longest run from here on, max at most, and goes behind it. Empty at the end only.
static inline struct view record_pieces_next(struct record_pieces *p, size_t max)
{
	struct view run;

	while (p->n > 0 && p->skip == p->parts[0].len) {
		p->parts++;
		p->n--;
		p->skip = 0;
	}
	if (p->n == 0)
		return VIEW_NONE;
	run = view_of(p->parts[0].at + p->skip, p->parts[0].len - p->skip);
	run.len = run.len < max ? run.len : max;
	p->skip += run.len;
	return run;
}

// The next n bytes, where they lie in the piece under way; and goes behind them. NULL: they do not.
static inline const uint8_t *record_pieces_take(struct record_pieces *p, size_t n)
{
	const uint8_t *at;

	if (p->n == 0 || p->parts[0].len - p->skip < n)
		return NULL;
	at = p->parts[0].at + p->skip;
	p->skip += n;
	return at;
}

// Up to n bytes, and goes behind them. How many. Bytes that lie in out already stay there. Mostly
// they lie in one piece, and of the few whose number is constant no call is made then.
static inline size_t record_pieces_copy(struct record_pieces *p, uint8_t *out, size_t n)
{
	const uint8_t *at = record_pieces_take(p, n);
	size_t n_done = 0;

	if (at != NULL) {
		if (at != out)
			memcpy(out, at, n);
		return n;
	}
	while (n_done < n) {
		struct view run = record_pieces_next(p, n - n_done);

		if (run.at == NULL || run.len == 0)
			break;
		if (run.at != out + n_done)
			memcpy(out + n_done, run.at, run.len);
		n_done += run.len;
	}
	return n_done;
}

static inline void record_pieces_skip(struct record_pieces *p, size_t n)
{
	if (record_pieces_take(p, n) != NULL)
		return;
	while (n > 0) {
		size_t run = record_pieces_next(p, n).len;

		if (run == 0)
			break;
		n -= run;
	}
}

static inline size_t record_parts_bytes(const struct view parts[], unsigned n)
{
	size_t n_bytes = 0;

	for (unsigned i = 0; i < n; i++)
		n_bytes += parts[i].len;
	return n_bytes;
}
