// SPDX-License-Identifier: BSD-3-Clause
// A segment in words, `ACK seq 1 ack 1 len 100`: to be sent by a peer, or expected of the engine.

#pragma once

#include "tests/script/value.h"
#include "tests/script/world.h"

struct range {
	bool given;
	int64_t low, high;
};

struct segment_words {
	uint8_t flags;
	struct range seq, ack, len, window, offer, urgent, mss, scale, ts, echo, offset;
	bool sack_permitted, no_sack_permitted, no_ts, any_sack, junk, push, no_push;
	unsigned n_sack;
	struct range sack[WIRE_SACK_MAX][2];
	unsigned n_raw;
	uint8_t raw[WIRE_OPTIONS_MAX];
	char wrong[128]; // why it could not be read; empty: it could
};

// Words of a line. False with s->wrong for what is no segment.
bool segment_read(
	const struct values *v, char *const words[], unsigned n_words, struct segment_words *s);

// The segment that a peer sends. payload: WORLD_PACKET_MAX bytes that live as long as wire.
void segment_make(const struct segment_words *s, const struct world *w, const struct peer *p,
	uint8_t *payload, struct wire *wire);

// NULL, or the word in which an engine's segment is another one than expected.
const char *segment_differs(
	const struct segment_words *s, const struct peer *p, const struct wire *wire);
