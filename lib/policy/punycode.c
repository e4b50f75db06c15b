// SPDX-License-Identifier: BSD-3-Clause

#include "lib/policy/punycode.h"

#include <errno.h>
#include <stdbool.h>

// RFC 3492 §5.
enum {
	BASE = 36,
	T_MIN = 1,
	T_MAX = 26,
	SKEW = 38,
	DAMP = 700,
	INITIAL_BIAS = 72,
	INITIAL_N = 0x80,
};

struct writer {
	uint8_t *at;
	size_t n, room;
};

static bool put(struct writer *w, uint8_t byte)
{
	if (w->n == w->room)
		return false;
	w->at[w->n++] = byte;
	return true;
}

static uint8_t digit(uint32_t value)
{
	return (uint8_t)(value < 26 ? 'a' + value : '0' + value - 26);
}

// RFC 3492 §6.1.
static uint32_t adapt(uint32_t delta, uint32_t n_points, bool first)
{
	uint32_t k = 0;

	delta = first ? delta / DAMP : delta / 2;
	delta += delta / n_points;
	for (; delta > (BASE - T_MIN) * T_MAX / 2; k += BASE)
		delta /= BASE - T_MIN;
	return k + (BASE - T_MIN + 1) * delta / (delta + SKEW);
}

// A delta as a variable-length integer, RFC 3492 §6.3.
static bool put_delta(struct writer *w, uint32_t delta, uint32_t bias)
{
	for (uint32_t k = BASE;; k += BASE) {
		uint32_t t = k <= bias ? T_MIN : k >= bias + T_MAX ? T_MAX : k - bias;

		if (delta < t)
			return put(w, digit(delta));
		if (!put(w, digit(t + (delta - t) % (BASE - t))))
			return false;
		delta = (delta - t) / (BASE - t);
	}
}

static uint32_t least_from(const uint32_t points[], size_t n_points, uint32_t n)
{
	uint32_t least = UINT32_MAX;

	for (size_t i = 0; i < n_points; i++) {
		if (points[i] >= n && points[i] < least)
			least = points[i];
	}
	return least;
}

int punycode_encode(const uint32_t points[], size_t n_points, uint8_t *out, size_t room)
{
	struct writer w = {out, 0, room};
	uint32_t n = INITIAL_N, delta = 0, bias = INITIAL_BIAS;
	size_t n_basic, n_handled;

	for (size_t i = 0; i < n_points; i++) {
		if (points[i] < INITIAL_N && !put(&w, (uint8_t)points[i]))
			return -EINVAL;
	}
	n_basic = n_handled = w.n;
	if (n_basic > 0 && !put(&w, '-'))
		return -EINVAL;
	while (n_handled < n_points) {
		uint32_t m = least_from(points, n_points, n);

		delta += (m - n) * (uint32_t)(n_handled + 1);
		n = m;
		for (size_t i = 0; i < n_points; i++) {
			if (points[i] < n)
				delta++;
			if (points[i] != n)
				continue;
			if (!put_delta(&w, delta, bias))
				return -EINVAL;
			bias = adapt(delta, (uint32_t)n_handled + 1, n_handled == n_basic);
			delta = 0;
			n_handled++;
		}
		delta++;
		n++;
	}
	return (int)w.n;
}
