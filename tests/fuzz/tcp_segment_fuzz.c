// SPDX-License-Identifier: BSD-3-Clause
// A segment from its header on: what is read of it lies inside, and survives being built and read
// again, but for the SACK blocks that our padding leaves no room for.

#include "lib/tcp/segment.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static bool options_equal(const struct tcp_options *a, const struct tcp_options *b)
{
	bool equal = a->has_mss == b->has_mss && a->mss == b->mss &&
		a->has_window_scale == b->has_window_scale && a->window_scale == b->window_scale &&
		a->sack_permitted == b->sack_permitted && a->has_timestamps == b->has_timestamps &&
		a->ts_value == b->ts_value && a->ts_echo == b->ts_echo &&
		a->n_sack_blocks == b->n_sack_blocks;

	for (unsigned i = 0; equal && i < a->n_sack_blocks; i++)
		equal = a->sack[i].from == b->sack[i].from && a->sack[i].to == b->sack[i].to;
	return equal;
}

static void check_shape(const struct tcp_segment *s, const uint8_t *data, size_t size)
{
	const struct tcp_options *o = &s->options;
	size_t n_header = (size_t)(s->payload.at - data);

	require(n_header >= TCP_BYTES && n_header <= TCP_HEADER_BYTES_MAX && n_header % 4 == 0);
	require(n_header + s->payload.len == size);
	require(o->n_sack_blocks <= TCP_SACK_BLOCKS_MAX && o->window_scale <= TCP_WINDOW_SCALE_MAX);
	require((s->flags & TCP_SYN) != 0 ||
		!(o->has_mss || o->has_window_scale || o->sack_permitted));
}

// s, built and parsed again, as the peer that sent it would see it.
static void check_survives(const struct tcp_segment *s)
{
	uint8_t built[TCP_HEADER_BYTES_MAX], twice[TCP_HEADER_BYTES_MAX];
	struct tcp_segment mine = *s, again;
	size_t n_bytes;

	mine.local.port = s->remote.port;
	mine.remote.port = s->local.port;
	n_bytes = tcp_segment_build(built, &mine);
	require(tcp_segment_parse(view_of(built, n_bytes), &again) == REASON_none);
	require(again.local.port == s->local.port && again.remote.port == s->remote.port);
	require(again.seq == s->seq && again.ack == s->ack);
	require(again.window == s->window && again.flags == s->flags);
	require(again.payload.len == 0);
	if (again.options.n_sack_blocks < s->options.n_sack_blocks) {
		require(n_bytes + 8 > TCP_HEADER_BYTES_MAX);
		mine.options.n_sack_blocks = again.options.n_sack_blocks;
	}
	require(options_equal(&again.options, &mine.options));
	require(tcp_segment_build(twice, &mine) == n_bytes);
	require(memcmp(built, twice, n_bytes) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tcp_segment s;

	if (tcp_segment_parse(view_of(data, size), &s) != REASON_none)
		return 0;
	check_shape(&s, data, size);
	check_survives(&s);
	return 0;
}
