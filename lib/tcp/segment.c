// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/segment.h"

#include "lib/base/wire.h"

// Option kinds, and how long they are (RFC 9293 §3.2, RFC 7323 §2.2 and §3.2, RFC 2018 §2 and §3).
enum option {
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_MSS = 2,
	OPTION_WINDOW_SCALE = 3,
	OPTION_SACK_PERMITTED = 4,
	OPTION_SACK = 5,
	OPTION_TIMESTAMPS = 8,
};
#define MSS_BYTES            4
#define WINDOW_SCALE_BYTES   3
#define SACK_PERMITTED_BYTES 2
#define TIMESTAMPS_BYTES     10
#define SACK_BLOCK_BYTES     8

// NOP NOP kind length in one word, as most stacks send the option (RFC 7323 appendix A).
#define NOP_NOP_TIMESTAMPS 0x0101080au
#define ALIGNED_BYTES      (2 + TIMESTAMPS_BYTES)

static void parse_timestamps(struct tcp_options *o, const uint8_t *at)
{
	o->has_timestamps = true;
	o->ts_value = wire_get32(at);
	o->ts_echo = wire_get32(at + 4);
}

static void parse_sack(struct tcp_options *o, const uint8_t *at, size_t n_bytes)
{
	if (n_bytes == 0 || n_bytes % SACK_BLOCK_BYTES != 0)
		return;
	o->n_sack_blocks = (uint8_t)(n_bytes / SACK_BLOCK_BYTES);
	for (unsigned i = 0; i < o->n_sack_blocks; i++, at += SACK_BLOCK_BYTES)
		o->sack[i] = (struct tcp_sack_block){wire_get32(at), wire_get32(at + 4)};
}

// An option that only a SYN may carry. at: behind kind and length.
static void parse_syn_option(struct tcp_options *o, uint8_t kind, const uint8_t *at, size_t n_bytes)
{
	if (kind == OPTION_MSS && n_bytes == MSS_BYTES - 2) {
		o->has_mss = true;
		o->mss = wire_get16(at);
	} else if (kind == OPTION_WINDOW_SCALE && n_bytes == WINDOW_SCALE_BYTES - 2) {
		o->has_window_scale = true;
		o->window_scale = at[0] < TCP_WINDOW_SCALE_MAX ? at[0] : TCP_WINDOW_SCALE_MAX;
	} else if (kind == OPTION_SACK_PERMITTED && n_bytes == SACK_PERMITTED_BYTES - 2) {
		o->sack_permitted = true;
	}
}

static enum reason parse_options(
	struct tcp_options *o, bool syn, const uint8_t *at, const uint8_t *end)
{
	while (at < end && *at != OPTION_END) {
		size_t n_bytes;

		if (*at == OPTION_NOP) {
			at++;
			continue;
		}
		if (end - at < 2 || at[1] < 2 || at[1] > end - at)
			return REASON_tcp_malformed;
		n_bytes = at[1];
		if (at[0] == OPTION_TIMESTAMPS && n_bytes == TIMESTAMPS_BYTES)
			parse_timestamps(o, at + 2);
		else if (at[0] == OPTION_SACK)
			parse_sack(o, at + 2, n_bytes - 2);
		else if (syn)
			parse_syn_option(o, at[0], at + 2, n_bytes - 2);
		at += n_bytes;
	}
	return REASON_none;
}

enum reason tcp_segment_parse(struct view packet, struct tcp_segment *out)
{
	const uint8_t *at = packet.at;
	size_t n_bytes;

	if (packet.len < TCP_BYTES)
		return REASON_tcp_malformed;
	n_bytes = (size_t)(at[12] >> 4) * 4;
	if (n_bytes < TCP_BYTES || n_bytes > packet.len)
		return REASON_tcp_malformed;
	out->remote.port = wire_get16(at);
	out->local.port = wire_get16(at + 2);
	out->remote.transport = out->local.transport = TRANSPORT_TCP;
	out->remote.zero = out->local.zero = 0;
	out->seq = wire_get32(at + 4);
	out->ack = wire_get32(at + 8);
	out->flags = at[13];
	out->window = wire_get16(at + 14);
	out->payload = view_of(at + n_bytes, packet.len - n_bytes);
	memset(&out->options, 0, sizeof(out->options));
	if (n_bytes == TCP_BYTES + ALIGNED_BYTES &&
		wire_get32(at + TCP_BYTES) == NOP_NOP_TIMESTAMPS) {
		parse_timestamps(&out->options, at + TCP_BYTES + 4);
		return REASON_none;
	}
	return parse_options(
		&out->options, (out->flags & TCP_SYN) != 0, at + TCP_BYTES, at + n_bytes);
}

// Padding comes first, so that values lie at multiples of four.
static uint8_t *build_nops(uint8_t *at, unsigned n)
{
	while (n-- > 0)
		*at++ = OPTION_NOP;
	return at;
}

static uint8_t *build_kind(uint8_t *at, enum option kind, size_t n_bytes)
{
	at[0] = (uint8_t)kind;
	at[1] = (uint8_t)n_bytes;
	return at + 2;
}

// SACK-permitted takes the place of the padding in front of timestamps: a SYN's options are 20
// bytes, which leaves room for others that a middlebox adds.
static uint8_t *build_sack_permitted_and_timestamps(uint8_t *at, const struct tcp_options *o)
{
	if (!o->sack_permitted && !o->has_timestamps)
		return at;
	if (!o->sack_permitted || !o->has_timestamps)
		at = build_nops(at, 2);
	if (o->sack_permitted)
		at = build_kind(at, OPTION_SACK_PERMITTED, SACK_PERMITTED_BYTES);
	if (o->has_timestamps) {
		at = build_kind(at, OPTION_TIMESTAMPS, TIMESTAMPS_BYTES);
		wire_put32(at, o->ts_value);
		wire_put32(at + 4, o->ts_echo);
		at += 8;
	}
	return at;
}

// room: up to the longest header.
static uint8_t *build_sack(uint8_t *at, const struct tcp_options *o, size_t room)
{
	unsigned n = o->n_sack_blocks;

	while (n > 0 && 4 + (size_t)n * SACK_BLOCK_BYTES > room)
		n--;
	if (n == 0)
		return at;
	at = build_kind(build_nops(at, 2), OPTION_SACK, 2 + (size_t)n * SACK_BLOCK_BYTES);
	for (unsigned i = 0; i < n; i++, at += SACK_BLOCK_BYTES) {
		wire_put32(at, o->sack[i].from);
		wire_put32(at + 4, o->sack[i].to);
	}
	return at;
}

static bool has_timestamps_alone(const struct tcp_options *o)
{
	return o->has_timestamps && o->n_sack_blocks == 0 &&
		!(o->has_mss | o->has_window_scale | o->sack_permitted);
}

static uint8_t *build_options(uint8_t *at, const struct tcp_options *o)
{
	uint8_t *limit = at + TCP_HEADER_BYTES_MAX - TCP_BYTES;

	if (has_timestamps_alone(o)) {
		wire_put32(at, NOP_NOP_TIMESTAMPS);
		wire_put32(at + 4, o->ts_value);
		wire_put32(at + 8, o->ts_echo);
		return at + ALIGNED_BYTES;
	}
	if (o->has_mss) {
		at = build_kind(at, OPTION_MSS, MSS_BYTES);
		wire_put16(at, o->mss);
		at += 2;
	}
	at = build_sack_permitted_and_timestamps(at, o);
	if (o->has_window_scale) {
		at = build_kind(build_nops(at, 1), OPTION_WINDOW_SCALE, WINDOW_SCALE_BYTES);
		*at++ = o->window_scale;
	}
	return build_sack(at, o, (size_t)(limit - at));
}

size_t tcp_segment_build(uint8_t *at, const struct tcp_segment *s)
{
	size_t n_bytes = (size_t)(build_options(at + TCP_BYTES, &s->options) - at);

	wire_put16(at, s->local.port);
	wire_put16(at + 2, s->remote.port);
	wire_put32(at + 4, s->seq);
	wire_put32(at + 8, s->ack);
	at[12] = (uint8_t)(n_bytes / 4 << 4);
	at[13] = s->flags;
	wire_put16(at + 14, s->window);
	memset(at + TCP_CHECKSUM_AT, 0, 4); // and the urgent pointer
	return n_bytes;
}
