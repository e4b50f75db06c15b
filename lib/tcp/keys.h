// SPDX-License-Identifier: BSD-3-Clause
// What is made of the engine's secret: initial sequence numbers (RFC 6528), offsets of timestamps
// (RFC 7323 §5.4) and SYN cookies (RFC 4987 §3.6). Pure.

#pragma once

#include "lib/base/siphash.h"
#include "lib/tcp/segment.h"

struct tcp_keys {
	struct siphash isn, timestamp, cookie; // each begun with a word of its own
};

void tcp_keys_init(struct tcp_keys *k, const struct siphash_key *key);

// M + F(local, remote, secret), M counting every 4 us (RFC 6528 §3).
uint32_t tcp_keys_isn(const struct tcp_keys *k, const struct endpoint *local,
	const struct endpoint *remote, uint64_t now);

// What our timestamps of this pair are ahead of the clock in milliseconds; the same each time, so
// that a new connection's are later than those of the last (RFC 6191).
uint32_t tcp_keys_ts_offset(
	const struct tcp_keys *k, const struct endpoint *local, const struct endpoint *remote);

// What a SYN said that the cookie must remember.
struct tcp_cookie {
	uint16_t mss; // rounded down to one of eight
	bool has_timestamps;
	bool has_window_scale, sack_permitted; // remembered in the timestamp alone
	uint8_t window_scale;
};

// The ISN of a SYN-ACK that leaves nothing behind: its age, the peer's ISN and the pair under the
// hash, and the MSS. ts_value: in: our timestamp now; out: its low six bits hold window scale and
// SACK, and it is never later than now.
uint32_t tcp_cookie_make(
	const struct tcp_keys *k, const struct tcp_segment *syn, uint64_t now, uint32_t *ts_value);
// The ACK that answers one: true when it is ours and at most 64 s old; with what it remembers.
bool tcp_cookie_check(const struct tcp_keys *k, const struct tcp_segment *ack, uint64_t now,
	struct tcp_cookie *out);
