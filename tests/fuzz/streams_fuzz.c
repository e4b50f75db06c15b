// SPDX-License-Identifier: BSD-3-Clause
// Any bytes on a stream of SIP, cut anywhere, in a town where whatever is longer than 400 bytes has
// a body of its own: what leaves by the next hop's connection is whole messages and nothing else,
// and when the stream has ended nothing of it is left. The first byte chooses the cuts.

#include "lib/sip/message.h"
#include "tests/unit/dataplane/relay/streams_world.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct town_sizes sizes = {
	.message_bytes_max = 400, .body_bytes_max = 4000, .n_bodies = 2};

static void require(bool holds)
{
	if (!holds)
		abort();
}

// The length of the next piece, 1 to 512 bytes, by a generator of no quality.
static size_t piece(uint32_t *seed, size_t left)
{
	size_t n;

	*seed = *seed * 1664525 + 1013904223;
	n = 1 + (*seed >> 24) % 64 * ((*seed >> 20) % 8 + 1);
	return n < left ? n : left;
}

static void check_whole(const struct town_peer *p)
{
	static struct sip_message m;

	for (size_t at = 0; at < p->n; at += m.bytes.len) {
		struct view rest = view_of((const uint8_t *)p->text + at, p->n - at);

		require(sip_message_parse(rest, SIP_STREAM, &m) == REASON_none);
		require(m.bytes.at == rest.at);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct streams_usage usage;
	struct town_peer *caller;
	struct town *t;
	uint32_t seed;

	if (size < 2 || size > 16384)
		return 0;
	seed = data[0];
	t = town_new_of(1, &sizes);
	caller = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0);
	for (size_t at = 1, n; at < size && !caller->finished && !caller->closed; at += n) {
		n = piece(&seed, size - at);
		town_say_bytes(t, caller, data + at, n);
		town_run(t, 1);
	}
	town_run(t, 20);
	if (!caller->closed)
		town_abort(t, caller);
	town_run(t, 50);
	for (unsigned i = 0; i < t->n_peers; i++) {
		if (t->peers[i].accepted)
			check_whole(&t->peers[i]);
	}
	streams_usage(t->workers[0].streams, &usage);
	require(usage.n_intakes == 0 && usage.n_bodies == 0);
	town_free(t);
	return 0;
}
