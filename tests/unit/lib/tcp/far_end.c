// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/lib/tcp/far_end.h"

#include "lib/tcp/seq.h"
#include "tests/unit/test.h"

#define MS         1000000ull
#define THEIR_ISS  0xfffffff0u // theirs wraps soon
#define SCALE      8
#define CHUNK_ROOM 1512

static void take_events(struct far_end *f)
{
	struct tcp_event event;

	while (tcp_next_event(f->t, &event)) {
		if (event.what & TCP_CLOSED) {
			f->is_closed = true;
			f->reason = event.reason;
		}
	}
}

static void take(struct far_end *f, const struct tcp_packet *packet)
{
	uint8_t bytes[TCP_HEADER_BYTES_MAX];
	struct far_segment *seen = &f->segments[f->n_segments++];
	struct tcp_segment s;

	assert_true(f->n_segments < FAR_SEGMENTS_MAX);
	memcpy(bytes, packet->header, packet->header_bytes);
	assert_int_equal(tcp_segment_parse(view_of(bytes, packet->header_bytes), &s), REASON_none);
	if (s.flags & TCP_SYN)
		f->iss = s.seq;
	*seen = (struct far_segment){
		.ms = (f->now - f->start) / MS,
		.seq = s.seq - f->iss - 1,
		.ack = s.ack - THEIR_ISS - 1,
		.len = packet->payload_bytes,
		.flags = s.flags,
		.is_syn = s.flags & TCP_SYN,
		.ts_value = s.options.ts_value,
		.n_blocks = s.options.n_sack_blocks,
		.first_byte = packet->n_parts > 0 ? packet->parts[0].at[0] : 0,
	};
	// What a segment holds is what was written there.
	for (uint32_t i = 0, at = seen->seq; i < packet->n_parts; at += packet->parts[i++].len) {
		for (uint32_t k = 0; k < packet->parts[i].len; k += 97)
			assert_int_equal(packet->parts[i].at[k], (at + k) % 251);
	}
	f->ts_echo = s.options.ts_value;
}

unsigned far_take(struct far_end *f)
{
	struct tcp_packet packet;
	unsigned n = 0;

	for (; tcp_output(f->t, f->now, TCP_OUTPUT_ALL, 0, &packet); n++)
		take(f, &packet);
	take_events(f);
	return n;
}

static unsigned pass(struct far_end *f)
{
	f->now += MS;
	tcp_timers(f->t, f->now, 1000);
	return far_take(f);
}

void far_wait(struct far_end *f, uint32_t ms)
{
	while (ms-- > 0)
		pass(f);
}

uint32_t far_wait_for_segment(struct far_end *f, uint32_t ms)
{
	for (uint32_t i = 1; i <= ms; i++) {
		if (pass(f) > 0)
			return i;
	}
	return ms + 1;
}

void far_forget(struct far_end *f)
{
	f->n_segments = 0;
}

static void input(struct far_end *f, struct tcp_segment *s)
{
	s->local = f->local;
	s->remote = f->remote;
	if (f->options.timestamps) {
		s->options.has_timestamps = true;
		s->options.ts_value = (uint32_t)(f->now / MS);
		s->options.ts_echo = f->ts_echo;
	}
	tcp_input_burst(f->t, s, 1, f->now);
	take_events(f);
}

void far_ack(struct far_end *f, uint32_t ack, unsigned n_blocks, const uint32_t blocks[])
{
	struct tcp_segment s = {
		.seq = THEIR_ISS + 1 + f->sent,
		.ack = f->iss + 1 + ack,
		.flags = TCP_ACK,
		.window =
			(uint16_t)(f->options.window > UINT16_MAX ? f->window >> SCALE : f->window),
	};

	s.options.n_sack_blocks = (uint8_t)n_blocks;
	for (unsigned i = 0; i < n_blocks; i++) {
		s.options.sack[i].from = f->iss + 1 + blocks[2 * i];
		s.options.sack[i].to = f->iss + 1 + blocks[2 * i + 1];
	}
	input(f, &s);
}

void far_syn_ack(struct far_end *f)
{
	struct tcp_segment s = {
		.seq = THEIR_ISS,
		.ack = f->iss + 1,
		.flags = TCP_SYN | TCP_ACK,
		.window = (uint16_t)(f->window < UINT16_MAX ? f->window : UINT16_MAX),
		.options = {.has_mss = true,
			.mss = f->options.mss,
			.sack_permitted = !f->options.no_sack,
			.has_window_scale = f->options.window > UINT16_MAX,
			.window_scale = SCALE},
	};

	input(f, &s);
	far_take(f);
}

static struct endpoint endpoint(bool v6, uint8_t last, uint16_t port)
{
	struct endpoint e = {.port = port, .transport = TRANSPORT_TCP};

	e.ip.family = v6 ? IP_V6 : IP_V4;
	e.ip.bytes[0] = 10;
	e.ip.bytes[3] = last;
	return e;
}

void far_begin(struct far_end *f, const struct far_options *options)
{
	struct tcp_config config;
	size_t n_bytes;

	*f = (struct far_end){.options = *options, .now = 5000 * MS};
	if (f->options.mss == 0)
		f->options.mss = 1460;
	if (f->options.window == 0)
		f->options.window = UINT16_MAX;
	if (f->options.rtt_ms == 0)
		f->options.rtt_ms = 20;
	f->window = f->options.window;
	f->start = f->now;
	f->local = endpoint(options->v6, 1, 5060);
	f->remote = endpoint(options->v6, 2, 5061);
	tcp_config_default(&config, 4);
	config.n_chunks = options->n_chunks ? options->n_chunks : 2048;
	config.chunk_bytes = CHUNK_ROOM;
	if (options->user_timeout_s)
		config.user_timeout_s = options->user_timeout_s;
	config.keepalive_s = options->keepalive_s;
	n_bytes = (tcp_memory_bytes(&config) + 63) / 64 * 64;
	f->memory = aligned_alloc(64, n_bytes);
	assert_non_null(f->memory);
	memset(f->memory, 0, n_bytes);
	f->t = tcp_init(f->memory, &config, f->counters, f->now);
	assert_non_null(f->t);
	assert_int_equal(tcp_open(f->t, &f->local, &f->remote, 1500, 0, f->now, &f->id), 0);
	far_take(f);
	assert_int_equal(f->n_segments, 1);
	assert_true(f->segments[0].is_syn);
}

void far_open(struct far_end *f, const struct far_options *options)
{
	far_begin(f, options);
	far_wait(f, f->options.rtt_ms);
	far_syn_ack(f);
	far_forget(f);
}

void far_free(struct far_end *f)
{
	free(f->memory);
}

void far_write(struct far_end *f, uint32_t n_bytes)
{
	static uint8_t bytes[1 << 20];

	assert_true(n_bytes <= sizeof(bytes));
	for (uint32_t i = 0; i < n_bytes; i++)
		bytes[i] = (uint8_t)((f->written + i) % 251);
	assert_int_equal(tcp_write(f->t, f->id, bytes, n_bytes), 0);
	f->written += n_bytes;
	far_take(f);
}

uint32_t far_bytes(const struct far_end *f)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < f->n_segments; i++)
		n += f->segments[i].len;
	return n;
}

const struct far_segment *far_last(const struct far_end *f)
{
	for (unsigned i = f->n_segments; i > 0; i--) {
		if (f->segments[i - 1].len > 0)
			return &f->segments[i - 1];
	}
	return NULL;
}

struct tcp_status far_info(struct far_end *f)
{
	struct tcp_status info;

	memset(&info, 0, sizeof(info));
	tcp_describe(f->t, f->id, &info);
	return info;
}
