// SPDX-License-Identifier: BSD-3-Clause

#include "lib/policy/unicode.h"

#include "lib/policy/unicode_table.h"

#include <errno.h>

// Hangul syllables are composed by arithmetic (The Unicode Standard, §3.12).
enum {
	HANGUL_S = 0xac00,
	HANGUL_L = 0x1100,
	HANGUL_V = 0x1161,
	HANGUL_T = 0x11a7,
	N_L = 19,
	N_V = 21,
	N_T = 28,
	N_S = N_L * N_V * N_T,
};

// Decodes one code point (RFC 3629 §4); the bytes it takes, 0 where it is none.
static size_t decode(const uint8_t *p, size_t n, uint32_t *point)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

	if (len == 0 || len > n || p[0] > 0xf4)
		return 0;
	*point = len == 1 ? p[0] : p[0] & (0x7fU >> len);
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*point = *point << 6 | (p[i] & 0x3f);
	}
	if (*point < least[len] || *point >= UNICODE_CODE_POINTS ||
		(*point >= 0xd800 && *point < 0xe000))
		return 0;
	return len;
}

static bool put(struct unicode_text *out, uint32_t point)
{
	if (out->n == UNICODE_POINTS_MAX)
		return false;
	out->points[out->n++] = point;
	return true;
}

static bool put_hangul(struct unicode_text *out, uint32_t point)
{
	uint32_t s = point - HANGUL_S;

	return put(out, HANGUL_L + s / (N_V * N_T)) && put(out, HANGUL_V + s / N_T % N_V) &&
		(s % N_T == 0 || put(out, HANGUL_T + s % N_T));
}

static uint16_t status_of(uint32_t point)
{
	return unicode_status[unicode_status_index[point / UNICODE_BLOCK] * UNICODE_BLOCK +
		point % UNICODE_BLOCK];
}

static uint8_t mark_of(uint32_t point)
{
	return unicode_marks[unicode_mark_index[point / UNICODE_BLOCK] * UNICODE_BLOCK +
		point % UNICODE_BLOCK];
}

bool unicode_is_mark(uint32_t point)
{
	return mark_of(point) != 0;
}

// Adds what becomes of a code point.
static bool put_mapped(struct unicode_text *out, uint32_t point)
{
	uint16_t status = point < 0x80 ? UNICODE_VALID : status_of(point);
	const uint32_t *sequence;

	if (status == UNICODE_DISALLOWED)
		return false;
	if (status == UNICODE_IGNORED)
		return true;
	if (status == UNICODE_VALID)
		return point - HANGUL_S < N_S
			? put_hangul(out, point)
			: put(out, point < 0x80 ? ascii_lower((uint8_t)point) : point);
	sequence = &unicode_sequences[status];
	for (uint32_t i = 1; i <= sequence[0]; i++) {
		if (!(sequence[i] - HANGUL_S < N_S ? put_hangul(out, sequence[i])
						   : put(out, sequence[i])))
			return false;
	}
	return true;
}

static uint8_t class_of(uint32_t point)
{
	uint8_t mark = mark_of(point);

	return mark == UNICODE_MARK ? 0 : mark;
}

// Canonical ordering (UAX #15): a stable sort of each run of marks by class. Runs longer than a
// label may have are refused: sorting them would cost the square of what a sender wrote.
#define RUN_MAX 64

static bool order(struct unicode_text *t)
{
	size_t run = 0;

	for (size_t i = 0; i < t->n; i++) {
		uint32_t point = t->points[i];
		uint8_t class = class_of(point);
		size_t at = i;

		run = class == 0 ? 0 : run + 1;
		if (run > RUN_MAX)
			return false;
		for (; class != 0 && at > 0 && class_of(t->points[at - 1]) > class; at--)
			t->points[at] = t->points[at - 1];
		t->points[at] = point;
	}
	return true;
}

// 0 where the two do not compose.
static uint32_t compose_pair(uint32_t first, uint32_t second)
{
	uint32_t low = 0, high = unicode_n_pairs;

	if (first - HANGUL_L < N_L && second - HANGUL_V < N_V)
		return HANGUL_S + ((first - HANGUL_L) * N_V + second - HANGUL_V) * N_T;
	if (first - HANGUL_S < N_S && (first - HANGUL_S) % N_T == 0 && second > HANGUL_T &&
		second < HANGUL_T + N_T)
		return first + second - HANGUL_T;
	while (low < high) {
		uint32_t middle = (low + high) / 2;
		const uint32_t *pair = unicode_pairs[middle];

		if (pair[0] == first && pair[1] == second)
			return pair[2];
		if (pair[0] < first || (pair[0] == first && pair[1] < second))
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}

// Canonical composition (UAX #15): each starter takes what follows it and is not blocked.
static void compose(struct unicode_text *t)
{
	size_t starter = SIZE_MAX, n = 0;
	uint8_t before = 0; // class of the point before this one, since the starter

	for (size_t i = 0; i < t->n; i++) {
		uint32_t point = t->points[i];
		uint8_t class = class_of(point);
		bool blocked = n != starter + 1 && before >= class;
		uint32_t composed = 0;

		if (starter != SIZE_MAX && !blocked)
			composed = compose_pair(t->points[starter], point);
		if (composed != 0) {
			t->points[starter] = composed;
			continue;
		}
		if (class == 0)
			starter = n;
		before = class;
		t->points[n++] = point;
	}
	t->n = n;
}

int unicode_map(struct view text, struct unicode_text *out)
{
	out->n = 0;
	while (text.len > 0) {
		uint32_t point;
		size_t len = decode(text.at, text.len, &point);

		if (len == 0 || !put_mapped(out, point))
			return -EINVAL;
		text = view_of(text.at + len, text.len - len);
	}
	if (!order(out))
		return -EINVAL;
	compose(out);
	return 0;
}
