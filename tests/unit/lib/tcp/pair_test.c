// SPDX-License-Identifier: BSD-3-Clause
// Two engines over a wire that loses nothing, or every so many segments.

#include "lib/tcp/state.h"
#include "lib/tcp/tcp.h"
#include "tests/unit/test.h"

#define MS       1000000ull
#define N_FLYING 4096
#define N_BYTES  300000

struct side {
	struct tcp *t;
	void *memory;
	uint64_t counters[REASON_N];
	struct endpoint at;
	tcp_conn_id conn;
	uint32_t n_sent, n_got;
	bool opened, finished, closed, is_closing;
	enum reason reason;
};

// A segment on the wire.
struct flying {
	struct endpoint from, to;
	uint8_t bytes[2048];
	size_t n_bytes;
};

static struct side a, b;
static uint64_t now;
static unsigned n_segments, lose_every;
static struct flying wire[N_FLYING];
static unsigned n_wire;

static uint8_t byte_at(const struct side *from, uint32_t i)
{
	return (uint8_t)(i * 31 + i / 256 + (from == &a));
}

static void side_begin(struct side *s, const char *at, uint64_t key)
{
	struct tcp_config config;
	size_t bytes;

	memset(s, 0, sizeof(*s));
	tcp_config_default(&config, 16);
	config.key = (struct siphash_key){key, key + 1};
	config.n_chunks = 512;
	config.receive_bytes_max = 100000;
	bytes = tcp_memory_bytes(&config);
	s->memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
	memset(s->memory, 0, bytes);
	s->t = tcp_init(s->memory, &config, s->counters, now);
	assert_non_null(s->t);
	assert_int_equal(endpoint_parse(view_string(at), 0, TRANSPORT_TCP, &s->at), 0);
}

static int setup(void **state)
{
	(void)state;
	now = 1000 * MS;
	n_segments = lose_every = 0;
	side_begin(&a, "[2001:db8::a]:5061", 1);
	side_begin(&b, "[2001:db8::b]:5060", 2);
	assert_int_equal(tcp_listen(b.t, &b.at, 1500, 1), 0);
	return 0;
}

static void expect_nothing_left(struct side *s)
{
	struct tcp_usage usage;

	tcp_usage(s->t, &usage);
	assert_int_equal(usage.n_conns, 0);
	assert_int_equal(usage.n_half_open, 0);
	assert_int_equal(usage.n_chunks, 0);
	free(s->memory);
}

static int teardown(void **state)
{
	(void)state;
	expect_nothing_left(&a);
	expect_nothing_left(&b);
	return 0;
}

static void collect(struct side *s)
{
	static struct tcp_packet packet;

	while (tcp_output(s->t, now, TCP_OUTPUT_ALL, 1440, &packet)) {
		struct flying *f = &wire[n_wire];

		if (lose_every > 0 && ++n_segments % lose_every == 0)
			continue;
		assert_true(++n_wire < N_FLYING);
		f->from = (struct endpoint){.ip = packet.local};
		f->to = (struct endpoint){.ip = packet.remote};
		memcpy(f->bytes, packet.header, packet.header_bytes);
		f->n_bytes = packet.header_bytes;
		for (unsigned i = 0; i < packet.n_parts; i++) {
			memcpy(f->bytes + f->n_bytes, packet.parts[i].at, packet.parts[i].len);
			f->n_bytes += packet.parts[i].len;
		}
	}
}

static void deliver(void)
{
	for (unsigned i = 0; i < n_wire; i++) {
		struct side *to = ip_equal(&wire[i].to.ip, &a.at.ip) ? &a : &b;
		struct tcp_segment s = {.local.ip = wire[i].to.ip, .remote.ip = wire[i].from.ip};

		s.local.transport = s.remote.transport = TRANSPORT_TCP;
		assert_int_equal(tcp_segment_parse(view_of(wire[i].bytes, wire[i].n_bytes), &s),
			REASON_none);
		tcp_input_burst(to->t, &s, 1, now);
	}
	n_wire = 0;
}

static void user(struct side *s)
{
	struct side *other = s == &a ? &b : &a;
	struct tcp_event e;

	while (tcp_next_event(s->t, &e)) {
		if ((e.what & TCP_OPENED) != 0) {
			s->conn = e.conn;
			s->opened = true;
		}
		s->finished |= (e.what & TCP_PEER_FINISHED) != 0;
		if ((e.what & TCP_CLOSED) != 0) {
			assert_false(s->closed);
			s->closed = true;
			s->reason = e.reason;
		}
	}
	for (struct view v = tcp_peek(s->t, s->conn); v.len > 0; v = tcp_peek(s->t, s->conn)) {
		for (size_t i = 0; i < v.len; i++)
			assert_int_equal(v.at[i], byte_at(other, s->n_got++));
		tcp_consume(s->t, s->conn, (uint32_t)v.len);
	}
}

static void send_some(struct side *s, uint32_t total)
{
	uint8_t bytes[700];

	while (s->opened && s->n_sent < total) {
		uint32_t n = total - s->n_sent;

		n = n < sizeof(bytes) ? n : sizeof(bytes);
		for (uint32_t i = 0; i < n; i++)
			bytes[i] = byte_at(s, s->n_sent + i);
		if (tcp_write(s->t, s->conn, bytes, n) != 0)
			return;
		s->n_sent += n;
	}
	if (s->opened && !s->is_closing && total > 0 && s->n_sent == total) {
		tcp_close(s->t, s->conn, now);
		s->is_closing = true;
	}
}

static void turn(uint32_t a_total, uint32_t b_total)
{
	now += MS;
	tcp_timers(a.t, now, 100);
	tcp_timers(b.t, now, 100);
	user(&a);
	user(&b);
	send_some(&a, a_total);
	send_some(&b, b_total);
	collect(&a);
	collect(&b);
	deliver();
}

static void open_from_a(void)
{
	assert_int_equal(tcp_open(a.t, &a.at, &b.at, 1500, 2, now, &a.conn), 0);
}

static void expect_whole(void)
{
	assert_true(a.closed && b.closed);
	assert_int_equal(a.reason, REASON_tcp_closed);
	assert_int_equal(b.reason, REASON_tcp_closed);
	assert_true(a.finished && b.finished);
	assert_int_equal(b.n_got, N_BYTES);
	assert_int_equal(a.n_got, N_BYTES);
}

static void bytes_go_both_ways_and_all_ends(void **state)
{
	(void)state;
	open_from_a();
	for (unsigned i = 0; i < 5000 && !(a.closed && b.closed); i++)
		turn(N_BYTES, N_BYTES);
	expect_whole();
	// Nobody was answered by a reset.
	assert_int_equal(a.counters[REASON_tcp_no_connection], 0);
	assert_int_equal(b.counters[REASON_tcp_cookie_bad], 0);
}

static void they_do_when_segments_are_lost(void **state)
{
	static const unsigned every[] = {3, 7, 20, 100};

	for (unsigned i = 0; i < 4; i++) {
		if (i > 0) {
			teardown(state);
			setup(state);
		}
		lose_every = every[i];
		open_from_a();
		for (unsigned j = 0; j < 2000000 && !(a.closed && b.closed); j++)
			turn(N_BYTES, N_BYTES);
		expect_whole();
	}
}

static void ends_that_open_at_once_share_a_connection(void **state)
{
	(void)state;
	tcp_unlisten(b.t, 1);
	open_from_a();
	assert_int_equal(tcp_open(b.t, &b.at, &a.at, 1500, 1, now, &b.conn), 0);
	for (unsigned i = 0; i < 5000 && !(a.closed && b.closed); i++)
		turn(N_BYTES, N_BYTES);
	expect_whole();
}

// Both have one of the other's, each with wrong numbers: as after a restart of both, or forged.
static void ends_that_disagree_fall_silent(void **state)
{
	struct tcp_packet packet;
	struct tcp_segment last;
	unsigned n_before;

	(void)state;
	open_from_a();
	for (unsigned i = 0; i < 50; i++)
		turn(0, 0);
	assert_true(a.opened && b.opened);
	// Text that b never sent: a is now ahead of b.
	assert_int_equal(tcp_write(b.t, b.conn, "x", 1), 0);
	assert_true(tcp_output(b.t, now, TCP_OUTPUT_ALL, 1440, &packet));
	assert_int_equal(
		tcp_segment_parse(view_of(packet.header, packet.header_bytes), &last), REASON_none);
	last.local = a.at;
	last.remote = b.at;
	last.payload = VIEW("xyz");
	tcp_input_burst(a.t, &last, 1, now);
	n_before = n_segments;
	lose_every = UINT32_MAX;
	for (unsigned i = 0; i < 100000; i++) {
		now += MS;
		tcp_timers(a.t, now, 100);
		collect(&a);
		collect(&b);
		deliver();
	}
	// They did not agree, and yet:
	assert_int_not_equal(b.counters[REASON_tcp_ack_unacceptable], 0);
	assert_true(n_segments - n_before < 60);
	tcp_abort(a.t, a.conn, REASON_tcp_aborted);
	tcp_abort(b.t, b.conn, REASON_tcp_aborted);
	collect(&a);
	collect(&b);
	deliver();
	user(&a);
	user(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		CASE(bytes_go_both_ways_and_all_ends),
		CASE(they_do_when_segments_are_lost),
		CASE(ends_that_open_at_once_share_a_connection),
		CASE(ends_that_disagree_fall_silent),
#undef CASE
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
