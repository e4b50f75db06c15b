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
	uint16_t mss; // rounded down to one of eight; less than the least of them: that
	bool has_timestamps;
	bool has_window_scale, sack_permitted; // remembered in the timestamp alone
	uint8_t window_scale;
};

// The ISN of a SYN-ACK that leaves nothing behind: 28 bits of a hash over pair, peer's ISN, age and
// all that it remembers; three of MSS, one of age. A SYN without MSS option: RFC 9293 §3.7.1's.
// ts_value: in: our timestamp now; out: its low six bits hold window scale and SACK, and it is
// never later than now, and at most 63 earlier. For a SYN without timestamps it is left as it is,
// and the SYN-ACK must offer neither window scale nor SACK.
uint32_t tcp_cookie_make(
	const struct tcp_keys *k, const struct tcp_segment *syn, uint64_t now, uint32_t *ts_value);
// The ACK that answers one, or data that overtook it: true when it is ours and at most 32 s old,
// and surely false when older than 64 s; with what it remembers. A guess is taken once in 2^28.
bool tcp_cookie_check(const struct tcp_keys *k, const struct tcp_segment *ack, uint64_t now,
	struct tcp_cookie *out);
