// SPDX-License-Identifier: BSD-3-Clause
// How many handshakes may begin (FEATURES T7): token buckets, one for each source and one for all.
// A source is an IPv4 address or an IPv6 /56, what one customer usually has. The table is bounded:
// a source that has been forgotten begins anew with a full bucket, and the one of all bounds what
// an attacker with many addresses gains by that. Pure: time and seed come from the caller. One
// thread.

#pragma once

#include "lib/base/addr.h"

struct handshake_rate;

struct handshake_rate_config {
	uint32_t source_per_s, source_burst; // of one source; 0 per_s: no limit
	uint32_t all_per_s, all_burst;
	uint32_t n_sources; // remembered at once, 1 to 2^20; rounded up to a power of two, 8 at
			    // least
	uint64_t seed[2];   // secret: sources cannot be chosen to meet in one place
};

enum handshake_rate_verdict {
	HANDSHAKE_RATE_OK,
	HANDSHAKE_RATE_SOURCE, // this source had its share
	HANDSHAKE_RATE_ALL,    // all together had theirs
};

// NULL with errno: EINVAL, ENOMEM.
struct handshake_rate *handshake_rate_new(const struct handshake_rate_config *config);
void handshake_rate_free(struct handshake_rate *r);

// Asks for one handshake; OK takes a token of both, a refusal takes none.
enum handshake_rate_verdict handshake_rate_take(
	struct handshake_rate *r, const struct ip_addr *source, uint64_t now_ns);
