// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/keys.h"

#include "lib/tcp/pair.h"
#include "lib/tcp/seq.h"

#define ISN_TICK_NS 4000 // RFC 6528 §3

// A cookie is taken in the period in which it was made and in the next one.
#define COOKIE_PERIOD_NS 32000000000

// Bits of a cookie, from the lowest.
#define COOKIE_PERIOD_MASK 1u
#define COOKIE_MSS_SHIFT   1
#define COOKIE_MSS_MASK    7u
#define COOKIE_HASH_MASK   (UINT32_MAX << 4)

// What the low bits of the timestamp remember.
#define STAMP_MASK         63u
#define STAMP_NO_SCALE     15u // in place of a window scale, which is at most 14
#define STAMP_SCALE_MASK   15u
#define STAMP_SACK         16u
#define STAMP_NO_TIMESTAMP 64u // under the hash only

// The least is for paths that nobody should have; then IPv4's and IPv6's defaults (RFC 9293
// §3.7.1), tunnels, IPv6 and IPv4 over Ethernet, jumbo frames.
static const uint16_t cookie_mss[COOKIE_MSS_MASK + 1] = {
	64, 536, 1220, 1360, 1400, 1440, 1460, 8940};

static void begin(struct siphash *h, const struct siphash_key *key, uint64_t use)
{
	siphash_init(h, key);
	siphash_add(h, &use, sizeof(use));
}

void tcp_keys_init(struct tcp_keys *k, const struct siphash_key *key)
{
	begin(&k->isn, key, 1);
	begin(&k->timestamp, key, 2);
	begin(&k->cookie, key, 3);
}

static uint32_t hash_pair(
	const struct siphash *begun, const struct endpoint *local, const struct endpoint *remote)
{
	uint64_t words[TCP_PAIR_WORDS_MAX];

	return (uint32_t)siphash_end_words(begun, words, tcp_pair_words(local, remote, words));
}

uint32_t tcp_keys_isn(const struct tcp_keys *k, const struct endpoint *local,
	const struct endpoint *remote, uint64_t now)
{
	return (uint32_t)(now / ISN_TICK_NS) + hash_pair(&k->isn, local, remote);
}

uint32_t tcp_keys_ts_offset(
	const struct tcp_keys *k, const struct endpoint *local, const struct endpoint *remote)
{
	return hash_pair(&k->timestamp, local, remote);
}

// s: the SYN, or the ACK to the SYN-ACK. stamp: what the timestamp remembers.
static uint32_t cookie_hash(const struct tcp_keys *k, const struct tcp_segment *s,
	uint32_t peer_isn, uint32_t period, uint32_t mss_index, uint32_t stamp)
{
	uint64_t words[TCP_PAIR_WORDS_MAX + 2];
	unsigned n = tcp_pair_words(&s->local, &s->remote, words);

	words[n++] = (uint64_t)peer_isn << 32 | period;
	words[n++] = (uint64_t)mss_index << 32 | stamp;
	return (uint32_t)siphash_end_words(&k->cookie, words, n) & COOKIE_HASH_MASK;
}

static uint32_t mss_index_of(const struct tcp_segment *syn)
{
	uint16_t without = syn->remote.ip.family == IP_V4 ? 536 : 1220;
	uint16_t mss = syn->options.has_mss ? syn->options.mss : without;
	uint32_t i = COOKIE_MSS_MASK;

	while (i > 0 && cookie_mss[i] > mss)
		i--;
	return i;
}

static uint32_t stamp_of(const struct tcp_options *o)
{
	uint32_t stamp = o->has_window_scale ? o->window_scale : STAMP_NO_SCALE;

	if (!o->has_timestamps)
		return STAMP_NO_TIMESTAMP;
	return o->sack_permitted ? stamp | STAMP_SACK : stamp;
}

uint32_t tcp_cookie_make(
	const struct tcp_keys *k, const struct tcp_segment *syn, uint64_t now, uint32_t *ts_value)
{
	uint32_t period = (uint32_t)(now / COOKIE_PERIOD_NS);
	uint32_t mss_index = mss_index_of(syn), stamp = stamp_of(&syn->options), was = *ts_value;

	if (syn->options.has_timestamps) {
		*ts_value = (was & ~STAMP_MASK) | stamp;
		if (seq_gt(*ts_value, was))
			*ts_value -= STAMP_MASK + 1;
	}
	return cookie_hash(k, syn, syn->seq, period, mss_index, stamp) |
		mss_index << COOKIE_MSS_SHIFT | (period & COOKIE_PERIOD_MASK);
}

bool tcp_cookie_check(const struct tcp_keys *k, const struct tcp_segment *ack, uint64_t now,
	struct tcp_cookie *out)
{
	const struct tcp_options *o = &ack->options;
	uint32_t cookie = ack->ack - 1, period = (uint32_t)(now / COOKIE_PERIOD_NS);
	uint32_t mss_index = cookie >> COOKIE_MSS_SHIFT & COOKIE_MSS_MASK;
	uint32_t stamp = o->has_timestamps ? o->ts_echo & STAMP_MASK : STAMP_NO_TIMESTAMP;
	uint32_t scale = stamp & STAMP_SCALE_MASK;

	// The period that it says it was made in: this one or the last.
	period -= (period ^ cookie) & COOKIE_PERIOD_MASK;
	if (cookie_hash(k, ack, ack->seq - 1, period, mss_index, stamp) !=
		(cookie & COOKIE_HASH_MASK))
		return false;
	*out = (struct tcp_cookie){
		.mss = cookie_mss[mss_index],
		.has_timestamps = o->has_timestamps,
		.has_window_scale = o->has_timestamps && scale != STAMP_NO_SCALE,
		.sack_permitted = (stamp & STAMP_SACK) != 0,
	};
	if (out->has_window_scale)
		out->window_scale = (uint8_t)scale;
	return true;
}
