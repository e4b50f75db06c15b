// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as a stream's, cut anywhere: the frame says the same as of all of them at once, and of
// a message that the parser takes, the end that the parser sees. The first byte chooses the cuts.

#include "lib/sip/frame.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

// The length of the next piece, 1 to 64 bytes, by a generator of no quality.
static size_t piece(uint32_t *seed, size_t left)
{
	size_t n;

	*seed = *seed * 1664525 + 1013904223;
	n = 1 + (*seed >> 24) % 64;
	return n < left ? n : left;
}

static enum reason feed_in_pieces(struct sip_frame *f, struct view bytes, uint32_t seed)
{
	enum reason fault = REASON_none;

	for (size_t at = 0, n; at < bytes.len && fault == REASON_none && !f->ended; at += n) {
		n = piece(&seed, bytes.len - at);
		fault = sip_frame_feed(f, view_of(bytes.at + at, n));
	}
	return fault;
}

static void check_blank(struct view bytes, uint32_t seed)
{
	bool half = false, half_whole = false;
	unsigned n_pings = 0, n_pings_whole = 0;
	size_t at = 0, whole = sip_frame_skip_blank(bytes, &half_whole, &n_pings_whole);

	for (size_t end = 0; end < bytes.len;) {
		end += piece(&seed, bytes.len - end);
		at += sip_frame_skip_blank(view_of(bytes.at + at, end - at), &half, &n_pings);
	}
	require(at == whole && n_pings == n_pings_whole && half == half_whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sip_frame whole = {0}, cut = {0};
	struct sip_message *m = malloc(sizeof(*m));
	enum reason fault;
	struct view bytes;

	require(m != NULL);
	if (size < 2) {
		free(m);
		return 0;
	}
	bytes = view_of(data + 1, size - 1);
	check_blank(bytes, data[0]);
	fault = sip_frame_feed(&whole, bytes);
	require(feed_in_pieces(&cut, bytes, data[0]) == fault);
	require(whole.n_bytes <= SIP_HEAD_BYTES_MAX || fault == REASON_sip_header_too_large);
	if (fault == REASON_none)
		require(whole.n_bytes == cut.n_bytes && whole.ended == cut.ended &&
			whole.body_bytes == cut.body_bytes);
	if (bytes.at[0] != '\r' && sip_message_parse(bytes, SIP_STREAM, m) == REASON_none)
		require(fault == REASON_none && whole.ended &&
			(uint64_t)whole.n_bytes + whole.body_bytes == m->bytes.len);
	free(m);
	return 0;
}
