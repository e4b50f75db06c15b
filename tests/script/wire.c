// SPDX-License-Identifier: BSD-3-Clause

#include "tests/script/wire.h"

#include <string.h>

enum option {
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_MSS = 2,
	OPTION_WINDOW_SCALE = 3,
	OPTION_SACK_PERMITTED = 4,
	OPTION_SACK = 5,
	OPTION_TIMESTAMPS = 8,
};

// Options under construction; n beyond the room means that they do not fit.
struct options {
	uint8_t at[256];
	size_t n;
};

static void put8(struct options *o, unsigned value)
{
	if (o->n < sizeof(o->at))
		o->at[o->n++] = (uint8_t)value;
}

static void put16(struct options *o, unsigned value)
{
	put8(o, value >> 8);
	put8(o, value & 0xff);
}

static void put32(struct options *o, uint32_t value)
{
	put16(o, value >> 16);
	put16(o, value & 0xffff);
}

static unsigned get16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static void put_options(const struct wire *w, struct options *o)
{
	for (unsigned i = 0; i < w->n_raw; i++)
		put8(o, w->raw[i]);
	if (w->has_mss) {
		put16(o, OPTION_MSS << 8 | 4);
		put16(o, w->mss);
	}
	if (w->sack_permitted)
		put16(o, OPTION_SACK_PERMITTED << 8 | 2);
	if (w->has_window_scale) {
		put16(o, OPTION_WINDOW_SCALE << 8 | 3);
		put8(o, w->window_scale);
	}
	if (w->has_timestamps) {
		put16(o, OPTION_TIMESTAMPS << 8 | 10);
		put32(o, w->ts_value);
		put32(o, w->ts_echo);
	}
	if (w->n_sack > 0) {
		put16(o, OPTION_SACK << 8 | (2 + 8 * w->n_sack));
		for (unsigned i = 0; i < w->n_sack; i++) {
			put32(o, w->sack[i][0]);
			put32(o, w->sack[i][1]);
		}
	}
	while (o->n % 4 != 0)
		put8(o, OPTION_NOP);
}

size_t wire_encode(const struct wire *w, uint8_t *at, size_t n_bytes)
{
	struct options header = {.n = 0}, options = {.n = 0};
	size_t n;

	put_options(w, &options);
	n = WIRE_BYTES + options.n;
	if (options.n > WIRE_OPTIONS_MAX || n + w->payload_bytes > n_bytes)
		return 0;
	put16(&header, w->source);
	put16(&header, w->target);
	put32(&header, w->seq);
	put32(&header, w->ack);
	put8(&header, (unsigned)((w->offset_bytes > 0 ? w->offset_bytes : n) / 4 << 4));
	put8(&header, w->flags);
	put16(&header, w->window);
	put16(&header, 0);
	put16(&header, w->urgent);
	memcpy(at, header.at, WIRE_BYTES);
	memcpy(at + WIRE_BYTES, options.at, options.n);
	if (w->payload_bytes > 0)
		memcpy(at + n, w->payload, w->payload_bytes);
	return n + w->payload_bytes;
}

static const char *decode_sack(const uint8_t *at, unsigned length, struct wire *out)
{
	if (length < 10 || length > 34 || length % 8 != 2 || out->n_sack > 0)
		return "SACK option of a wrong length";
	out->n_sack = (length - 2) / 8;
	for (unsigned i = 0; i < out->n_sack; i++) {
		out->sack[i][0] = get32(at + 2 + 8 * i);
		out->sack[i][1] = get32(at + 6 + 8 * i);
	}
	return NULL;
}

// at: the option, whose length fits the header.
static const char *decode_option(const uint8_t *at, unsigned length, struct wire *out)
{
	switch (at[0]) {
	case OPTION_MSS:
		out->has_mss = true;
		out->mss = length == 4 ? (uint16_t)get16(at + 2) : 0;
		return length == 4 ? NULL : "MSS option of a wrong length";
	case OPTION_WINDOW_SCALE:
		out->has_window_scale = true;
		out->window_scale = length == 3 ? at[2] : 0;
		return length == 3 ? NULL : "window scale option of a wrong length";
	case OPTION_SACK_PERMITTED:
		out->sack_permitted = true;
		return length == 2 ? NULL : "SACK permitted option of a wrong length";
	case OPTION_SACK:
		return decode_sack(at, length, out);
	case OPTION_TIMESTAMPS:
		if (length != 10)
			return "timestamps option of a wrong length";
		out->has_timestamps = true;
		out->ts_value = get32(at + 2);
		out->ts_echo = get32(at + 6);
		return NULL;
	default:
		return "an option that nobody asked for";
	}
}

static const char *decode_options(const uint8_t *at, size_t n_bytes, struct wire *out)
{
	const char *wrong = NULL;

	for (size_t i = 0; i < n_bytes && at[i] != OPTION_END && wrong == NULL;) {
		if (at[i] == OPTION_NOP) {
			i++;
			continue;
		}
		if (i + 2 > n_bytes || at[i + 1] < 2 || i + at[i + 1] > n_bytes)
			return "an option that runs out of the header";
		wrong = decode_option(at + i, at[i + 1], out);
		i += at[i + 1];
	}
	return wrong;
}

const char *wire_decode(const uint8_t *at, size_t n_bytes, struct wire *out)
{
	size_t n;

	memset(out, 0, sizeof(*out));
	if (n_bytes < WIRE_BYTES)
		return "shorter than a header";
	n = (size_t)(at[12] >> 4) * 4;
	if (n < WIRE_BYTES || n > n_bytes)
		return "data offset that cannot be";
	if ((at[12] & 0x0f) != 0)
		return "reserved bits that are not zero (RFC 9293 §3.1)";
	out->source = (uint16_t)get16(at);
	out->target = (uint16_t)get16(at + 2);
	out->seq = get32(at + 4);
	out->ack = get32(at + 8);
	out->offset_bytes = (uint8_t)n;
	out->flags = at[13];
	out->window = (uint16_t)get16(at + 14);
	out->urgent = (uint16_t)get16(at + 18);
	out->payload = at + n;
	out->payload_bytes = (uint32_t)(n_bytes - n);
	return decode_options(at + WIRE_BYTES, n - WIRE_BYTES, out);
}
