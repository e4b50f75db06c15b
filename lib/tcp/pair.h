// SPDX-License-Identifier: BSD-3-Clause
// A pair of endpoints as words for a hash. Callers: table.c, keys.c. Pure.

#pragma once

#include "lib/base/addr.h"

#define TCP_PAIR_WORDS_MAX 5

// Two words for IPv4, five for IPv6: their number is part of the hash, so no pair of one family
// looks like one of the other.
static inline unsigned tcp_pair_words(const struct endpoint *local, const struct endpoint *remote,
	uint64_t words[TCP_PAIR_WORDS_MAX])
{
	uint32_t from, to;

	words[0] = (uint64_t)local->port << 16 | remote->port;
	if (local->ip.family == IP_V4) {
		memcpy(&from, local->ip.bytes, sizeof(from));
		memcpy(&to, remote->ip.bytes, sizeof(to));
		words[1] = (uint64_t)from << 32 | to;
		return 2;
	}
	memcpy(words + 1, local->ip.bytes, sizeof(local->ip.bytes));
	memcpy(words + 3, remote->ip.bytes, sizeof(remote->ip.bytes));
	return TCP_PAIR_WORDS_MAX;
}
