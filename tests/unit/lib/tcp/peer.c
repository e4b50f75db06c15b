// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/lib/tcp/peer.h"

#define MTU 1500

static struct endpoint endpoint_of(const char *text)
{
	struct endpoint e;

	assert_int_equal(endpoint_parse(view_string(text), 0, TRANSPORT_TCP, &e), 0);
	return e;
}

struct tcp_config peer_config(void)
{
	struct tcp_config config;

	tcp_config_default(&config, 8);
	config.n_half_open = 4;
	config.n_time_waits = 4;
	config.n_chunks = 64;
	config.chunk_bytes = 536;
	config.receive_bytes_max = 4096;
	config.send_bytes_max = 8192;
	config.key = (struct siphash_key){1, 2};
	return config;
}

void peer_begin(struct peer *p, const struct tcp_config *config)
{
	struct tcp_config own = peer_config();
	size_t bytes;

	if (config == NULL)
		config = &own;
	memset(p, 0, sizeof(*p));
	p->now = 5000 * PEER_MS;
	p->ts = 1000;
	p->local = endpoint_of("192.0.2.1:5060");
	p->remote = endpoint_of("198.51.100.7:33333");
	p->options = (struct tcp_options){.has_mss = true, .mss = 1460};
	bytes = tcp_memory_bytes(config);
	assert_int_not_equal(bytes, 0);
	p->memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
	assert_non_null(p->memory);
	memset(p->memory, 0, bytes);
	p->t = tcp_init(p->memory, config, p->counters, p->now);
	assert_non_null(p->t);
	assert_int_equal(tcp_listen(p->t, &p->local, MTU, 9), 0);
}

void peer_end(struct peer *p)
{
	struct tcp_usage usage;

	peer_events(p, NULL, NULL);
	tcp_usage(p->t, &usage);
	assert_int_equal(usage.n_conns, 0);
	assert_int_equal(usage.n_half_open, 0);
	assert_int_equal(usage.n_chunks, 0);
	free(p->memory);
}

struct tcp_segment peer_segment(const struct peer *p, uint8_t flags, uint32_t seq, uint32_t ack,
	const void *bytes, size_t n)
{
	struct tcp_segment s = {
		.local = p->local,
		.remote = p->remote,
		.seq = PEER_IRS + seq,
		.ack = (flags & TCP_ACK) != 0 ? p->iss + ack : 0,
		.window = UINT16_MAX,
		.flags = flags,
		.payload = view_of(bytes, n),
	};

	if ((flags & TCP_SYN) != 0)
		s.options = p->options;
	s.options.has_timestamps = p->options.has_timestamps;
	s.options.ts_value = p->ts;
	return s;
}

enum reason peer_give(struct peer *p, const struct tcp_segment *s)
{
	uint64_t before[REASON_N];
	enum reason reason = REASON_none;

	memcpy(before, p->counters, sizeof(before));
	tcp_input_burst(p->t, s, 1, p->now);
	for (int r = REASON_tcp_segment_taken; r <= REASON_tcp_replies_full; r++) {
		if (p->counters[r] == before[r])
			continue;
		assert_int_equal(reason, REASON_none);
		assert_int_equal(p->counters[r], before[r] + 1);
		reason = (enum reason)r;
	}
	assert_int_not_equal(reason, REASON_none);
	return reason;
}

enum reason peer_send(struct peer *p, uint8_t flags, uint32_t seq, uint32_t ack, const char *text)
{
	struct tcp_segment s =
		peer_segment(p, flags, seq, ack, text, text == NULL ? 0 : strlen(text));

	return peer_give(p, &s);
}

bool peer_take(struct peer *p, struct peer_out *out)
{
	static struct tcp_packet packet;
	static uint8_t wire[TCP_HEADER_BYTES_MAX];
	struct tcp_segment s;

	if (!tcp_output(p->t, p->now, TCP_OUTPUT_ALL, 1460, &packet))
		return false;
	memcpy(wire, packet.header, packet.header_bytes);
	assert_int_equal(tcp_segment_parse(view_of(wire, packet.header_bytes), &s), REASON_none);
	assert_int_equal(s.local.port, p->remote.port);
	assert_int_equal(s.remote.port, p->local.port);
	assert_true(ip_equal(&packet.local, &p->local.ip));
	assert_true(ip_equal(&packet.remote, &p->remote.ip));
	if ((s.flags & TCP_SYN) != 0) {
		p->iss = s.seq;
		p->window_scale = s.options.has_window_scale ? s.options.window_scale : 0;
	}
	*out = (struct peer_out){
		.seq = s.seq - p->iss,
		.ack = (s.flags & TCP_ACK) != 0 ? s.ack - PEER_IRS : 0,
		.flags = s.flags,
		.window =
			(s.flags & TCP_SYN) != 0 ? s.window : (uint32_t)s.window << p->window_scale,
		.options = s.options,
	};
	for (unsigned i = 0; i < packet.n_parts; i++) {
		memcpy(out->bytes + out->n_bytes, packet.parts[i].at, packet.parts[i].len);
		out->n_bytes += (uint32_t)packet.parts[i].len;
	}
	assert_int_equal(out->n_bytes, packet.payload_bytes);
	return true;
}

void peer_expect(struct peer *p, uint8_t flags, uint32_t seq, uint32_t ack)
{
	static struct peer_out out;

	assert_true(peer_take(p, &out));
	assert_int_equal(out.flags & ~TCP_PSH, flags);
	assert_int_equal(out.seq, seq);
	assert_int_equal(out.ack, ack);
}

void peer_expect_nothing(struct peer *p)
{
	static struct peer_out out;

	assert_false(peer_take(p, &out));
}

unsigned peer_drain(struct peer *p)
{
	static struct peer_out out;
	unsigned n = 0;

	while (peer_take(p, &out))
		n++;
	return n;
}

void peer_pass(struct peer *p, unsigned ms)
{
	for (unsigned i = 0; i < ms; i++) {
		p->now += PEER_MS;
		p->ts++;
		tcp_timers(p->t, p->now, 1000);
	}
}

uint8_t peer_events(struct peer *p, tcp_conn_id *id, enum reason *reason)
{
	struct tcp_event event;
	uint8_t what = 0;

	while (tcp_next_event(p->t, &event)) {
		what |= event.what;
		assert_int_equal(event.listener, 9);
		if (id != NULL)
			*id = event.conn;
		if (reason != NULL)
			*reason = event.reason;
	}
	return what;
}

tcp_conn_id peer_connect(struct peer *p)
{
	tcp_conn_id id = 0;

	assert_int_equal(peer_send(p, TCP_SYN, 0, 0, NULL), REASON_tcp_segment_taken);
	peer_expect(p, TCP_SYN | TCP_ACK, 0, 1);
	assert_int_equal(peer_send(p, TCP_ACK, 1, 1, NULL), REASON_tcp_segment_taken);
	assert_int_equal(peer_events(p, &id, NULL), TCP_OPENED);
	peer_expect_nothing(p);
	return id;
}

tcp_conn_id peer_accept(struct peer *p)
{
	tcp_conn_id id = 0;

	assert_int_equal(tcp_open(p->t, &p->local, &p->remote, MTU, 9, p->now, &id), 0);
	peer_expect(p, TCP_SYN, 0, 0);
	assert_int_equal(peer_send(p, TCP_SYN | TCP_ACK, 0, 1, NULL), REASON_tcp_segment_taken);
	assert_int_equal(peer_events(p, NULL, NULL), TCP_OPENED);
	peer_expect(p, TCP_ACK, 1, 1);
	return id;
}

enum tcp_state peer_state(struct peer *p, tcp_conn_id id)
{
	struct tcp_status info;

	return tcp_describe(p->t, id, &info) ? (enum tcp_state)info.state : TCP_STATE_CLOSED;
}
