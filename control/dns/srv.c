// SPDX-License-Identifier: BSD-3-Clause

#include "control/dns/srv.h"

#include <errno.h>
#include <stdlib.h>

#define FIXED_BYTES     6
#define LABEL_BYTES_MAX 63

static uint16_t load16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

// Letters, digits, hyphen, and the underscore that some hosts have all the same.
static bool is_host_byte(uint8_t c)
{
	c = ascii_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

// One label to text. Bytes of wire taken, or -EBADMSG.
static int read_label(struct view wire, char *out)
{
	size_t n = wire.at[0];

	if (n > LABEL_BYTES_MAX || n + 1 > wire.len)
		return -EBADMSG;
	for (size_t i = 0; i < n; i++) {
		if (!is_host_byte(wire.at[1 + i]))
			return -EBADMSG;
		out[i] = (char)ascii_lower(wire.at[1 + i]);
	}
	return (int)n + 1;
}

static int read_name(struct view wire, char out[DNS_NAME_BYTES])
{
	size_t at = 0, n_out = 0;

	// At most 255 bytes on the wire (RFC 1035 §2.3.4): so the text fits.
	if (wire.len == 0 || wire.len > DNS_NAME_BYTES - 1)
		return -EBADMSG;
	while (at < wire.len && wire.at[at] != 0) {
		int n;

		if (n_out > 0)
			out[n_out++] = '.';
		n = read_label(view_of(wire.at + at, wire.len - at), out + n_out);
		if (n < 0)
			return n;
		at += (size_t)n;
		n_out += (size_t)n - 1;
	}
	out[n_out] = '\0';
	return at + 1 == wire.len ? 0 : -EBADMSG;
}

int srv_parse(struct view rdata, struct srv *out)
{
	if (rdata.len <= FIXED_BYTES)
		return -EBADMSG;
	*out = (struct srv){
		.priority = load16(rdata.at),
		.weight = load16(rdata.at + 2),
		.port = load16(rdata.at + 4),
	};
	return read_name(view_of(rdata.at + FIXED_BYTES, rdata.len - FIXED_BYTES), out->target);
}

// Those of weight 0 first within a priority, as the algorithm wants it.
static int compare(const void *a, const void *b)
{
	const struct srv *x = a, *y = b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	if ((x->weight == 0) != (y->weight == 0))
		return x->weight == 0 ? -1 : 1;
	return 0;
}

// The first whose running sum of weights reaches a number from 0 to their total.
static size_t choose(const struct srv list[], size_t n, uint32_t random)
{
	uint32_t total = 0, sum = 0, wanted;

	for (size_t i = 0; i < n; i++)
		total += list[i].weight;
	wanted = (uint32_t)((uint64_t)random * (total + UINT64_C(1)) >> 32);
	for (size_t i = 0; i < n; i++) {
		sum += list[i].weight;
		if (sum >= wanted)
			return i;
	}
	return n - 1;
}

static void order_equals(struct srv list[], size_t n, uint32_t (*draw)(void *arg), void *arg)
{
	for (size_t i = 0; i + 1 < n; i++) {
		size_t chosen = i + choose(list + i, n - i, draw(arg));
		struct srv first = list[chosen];

		memmove(list + i + 1, list + i, (chosen - i) * sizeof(list[0]));
		list[i] = first;
	}
}

void srv_order(struct srv list[], size_t n, uint32_t (*draw)(void *arg), void *arg)
{
	size_t from = 0;

	if (n == 0)
		return;
	qsort(list, n, sizeof(list[0]), compare);
	for (size_t i = 1; i <= n; i++) {
		if (i < n && list[i].priority == list[from].priority)
			continue;
		order_equals(list + from, i - from, draw, arg);
		from = i;
	}
}
