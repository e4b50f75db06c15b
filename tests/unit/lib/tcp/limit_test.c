// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/lib/tcp/peer.h"

#include "lib/tcp/limit.h"

#include <errno.h>
#include <stdlib.h>

#define LISTENER 9 // of struct peer

static struct peer p;

static int set_up(void **state)
{
	struct tcp_config config = peer_config();

	(void)state;
	config.n_sources = config.n_conns;
	peer_begin(&p, &config);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	peer_end(&p);
	return 0;
}

static void come_from(const char *text)
{
	assert_int_equal(endpoint_parse(view_string(text), 0, TRANSPORT_TCP, &p.remote), 0);
}

static tcp_conn_id connect_from(const char *text)
{
	come_from(text);
	return peer_connect(&p);
}

static void expect_refusal(const char *from, enum reason reason)
{
	come_from(from);
	assert_int_equal(peer_send(&p, TCP_SYN, 0, 0, NULL), reason);
	p.iss = 0; // that of a reset in answer to a SYN
	peer_expect(&p, TCP_RST | TCP_ACK, 0, 1);
	peer_expect_nothing(&p);
}

static void end(tcp_conn_id id, const char *from)
{
	come_from(from);
	tcp_abort(p.t, id, REASON_tcp_aborted);
	peer_drain(&p);
	peer_events(&p, NULL, NULL);
}

static void a_source_has_no_more_connections_than_its_limit(void **state)
{
	tcp_conn_id first, second, other;

	(void)state;
	assert_int_equal(tcp_limit(p.t, LISTENER, 0, 2), 0);
	first = connect_from("198.51.100.7:1001");
	second = connect_from("198.51.100.7:1002");
	expect_refusal("198.51.100.7:1003", REASON_tcp_source_full);
	other = connect_from("198.51.100.8:1003");
	end(first, "198.51.100.7:1001");
	first = connect_from("198.51.100.7:1004");
	expect_refusal("198.51.100.7:1005", REASON_tcp_source_full);
	end(first, "198.51.100.7:1004");
	end(second, "198.51.100.7:1002");
	end(other, "198.51.100.8:1003");
}

static void a_listener_has_no_more_connections_than_its_limit(void **state)
{
	tcp_conn_id first, second;

	(void)state;
	assert_int_equal(tcp_limit(p.t, LISTENER, 2, 0), 0);
	first = connect_from("198.51.100.7:1001");
	second = connect_from("198.51.100.8:1002");
	expect_refusal("198.51.100.9:1003", REASON_tcp_listener_full);
	end(first, "198.51.100.7:1001");
	first = connect_from("198.51.100.9:1004");
	end(first, "198.51.100.9:1004");
	end(second, "198.51.100.8:1002");
}

// Whoever forges SYNs of a source does not use up what it may have.
static void handshakes_that_are_not_over_do_not_count(void **state)
{
	struct peer_out out;
	uint32_t iss[3];
	tcp_conn_id id;

	(void)state;
	assert_int_equal(tcp_limit(p.t, LISTENER, 0, 1), 0);
	for (unsigned i = 0; i < 3; i++) {
		p.remote.port = (uint16_t)(2000 + i);
		assert_int_equal(peer_send(&p, TCP_SYN, 0, 0, NULL), REASON_tcp_segment_taken);
		assert_true(peer_take(&p, &out));
		iss[i] = p.iss;
	}
	p.iss = iss[1];
	p.remote.port = 2001;
	assert_int_equal(peer_send(&p, TCP_ACK, 1, 1, NULL), REASON_tcp_segment_taken);
	assert_int_equal(peer_events(&p, &id, NULL), TCP_OPENED);
	// The others come too late.
	p.iss = iss[2];
	p.remote.port = 2002;
	assert_int_equal(peer_send(&p, TCP_ACK, 1, 1, "hello"), REASON_tcp_source_full);
	peer_expect(&p, TCP_RST, 1, 0);
	assert_int_equal(peer_events(&p, NULL, NULL), 0);
	// An ACK of nothing ends nothing.
	p.iss = iss[0];
	p.remote.port = 2000;
	assert_int_equal(peer_send(&p, TCP_ACK, 1, 7, NULL), REASON_tcp_ack_unacceptable);
	peer_drain(&p);
	p.remote.port = 2001;
	tcp_abort(p.t, id, REASON_tcp_aborted);
	peer_drain(&p);
	peer_events(&p, NULL, NULL);
	p.remote.port = 2000;
	assert_int_equal(peer_send(&p, TCP_ACK, 1, 1, NULL), REASON_tcp_segment_taken);
	assert_int_equal(peer_events(&p, &id, NULL), TCP_OPENED);
	tcp_abort(p.t, id, REASON_tcp_aborted);
	peer_drain(&p);
}

static void a_cookie_opens_no_connection_over_the_limit(void **state)
{
	struct tcp_config config = peer_config();
	tcp_conn_id id;

	(void)state;
	peer_end(&p);
	config.n_half_open = 0;
	config.n_sources = config.n_conns;
	peer_begin(&p, &config);
	assert_int_equal(tcp_limit(p.t, LISTENER, 0, 1), 0);
	for (unsigned i = 0; i < 2; i++) {
		struct peer_out out;
		uint32_t iss;

		p.remote.port = 3001;
		assert_int_equal(peer_send(&p, TCP_SYN, 0, 0, NULL), REASON_tcp_cookie_sent);
		assert_true(peer_take(&p, &out));
		iss = p.iss;
		if (i == 0) {
			// While this one has its cookie, another one opens.
			p.remote.port = 3002;
			assert_int_equal(
				peer_send(&p, TCP_SYN, 0, 0, NULL), REASON_tcp_cookie_sent);
			assert_true(peer_take(&p, &out));
			assert_int_equal(
				peer_send(&p, TCP_ACK, 1, 1, NULL), REASON_tcp_segment_taken);
			assert_int_equal(peer_events(&p, &id, NULL), TCP_OPENED);
			p.remote.port = 3001;
			p.iss = iss;
			assert_int_equal(
				peer_send(&p, TCP_ACK, 1, 1, NULL), REASON_tcp_source_full);
			peer_expect(&p, TCP_RST, 1, 0);
			p.remote.port = 3002;
		} else {
			assert_int_equal(
				peer_send(&p, TCP_ACK, 1, 1, NULL), REASON_tcp_segment_taken);
			assert_int_equal(peer_events(&p, &id, NULL), TCP_OPENED);
		}
		tcp_abort(p.t, id, REASON_tcp_aborted);
		peer_drain(&p);
		peer_events(&p, NULL, NULL);
	}
}

static void connections_that_we_open_do_not_count(void **state)
{
	tcp_conn_id ours, theirs;

	(void)state;
	assert_int_equal(tcp_limit(p.t, LISTENER, 1, 1), 0);
	ours = peer_accept(&p);
	theirs = connect_from("198.51.100.7:1001");
	end(theirs, "198.51.100.7:1001");
	come_from("198.51.100.7:33333");
	tcp_abort(p.t, ours, REASON_tcp_aborted);
	peer_drain(&p);
}

static void a_limit_that_cannot_be_counted_is_refused(void **state)
{
	struct peer other;

	(void)state;
	assert_int_equal(tcp_limit(p.t, TCP_LISTENERS_MAX, 1, 1), -EINVAL);
	peer_begin(&other, NULL);
	assert_int_equal(tcp_limit(other.t, LISTENER, 1, 1), -EINVAL);
	assert_int_equal(tcp_limit(other.t, LISTENER, 1, 0), 0);
	peer_end(&other);
}

static struct ip_addr ip_of(const char *text)
{
	struct ip_addr ip;

	assert_int_equal(ip_parse(view_string(text), &ip), 0);
	return ip;
}

static void a_source_is_an_address_or_64_bits_of_one(void **state)
{
	static _Alignas(64) uint8_t memory[4096];
	static const struct siphash_key key = {1, 2};
	struct ip_addr six = ip_of("2001:db8::1"), neighbour = ip_of("2001:db8::2:1");
	struct ip_addr next = ip_of("2001:db8:0:1::1"), four = ip_of("192.0.2.1");
	struct ip_addr other = ip_of("192.0.2.2");
	struct tcp_limits l;

	(void)state;
	memset(memory, 0, sizeof(memory));
	assert_true(tcp_limits_memory_bytes(8) <= sizeof(memory));
	tcp_limits_init(&l, memory, 8, &key);
	tcp_limits_add(&l, 1, &six);
	tcp_limits_add(&l, 1, &neighbour);
	tcp_limits_add(&l, 1, &four);
	assert_int_equal(tcp_limits_of(&l, 1, &six), 2);
	assert_int_equal(tcp_limits_of(&l, 1, &neighbour), 2);
	assert_int_equal(tcp_limits_of(&l, 1, &next), 0);
	assert_int_equal(tcp_limits_of(&l, 1, &four), 1);
	assert_int_equal(tcp_limits_of(&l, 1, &other), 0);
	assert_int_equal(tcp_limits_of(&l, 2, &four), 0);
}

// Against counters in plain arrays; every place is given back in the end.
static void counts_are_exact_whatever_comes_and_goes(void **state)
{
	enum { N = 64, SOURCES = 200, STEPS = 20000 };
	static _Alignas(64) uint8_t memory[8192];
	static const struct siphash_key key = {3, 4};
	unsigned conns[N], counts[SOURCES] = {0}, n = 0;
	struct tcp_limits l;

	(void)state;
	memset(memory, 0, sizeof(memory));
	assert_true(tcp_limits_memory_bytes(N) <= sizeof(memory));
	tcp_limits_init(&l, memory, N, &key);
	srandom(7);
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned source = (unsigned)random() % SOURCES;
		struct ip_addr ip = {.family = IP_V4, .bytes = {10, 0, 0, (uint8_t)source}};

		if (n < N && random() % 2 == 0) {
			tcp_limits_add(&l, 5, &ip);
			conns[n++] = source;
			counts[source]++;
		} else if (n > 0) {
			unsigned at = (unsigned)random() % n;

			source = conns[at];
			ip.bytes[3] = (uint8_t)source;
			conns[at] = conns[--n];
			tcp_limits_del(&l, 5, &ip);
			counts[source]--;
		}
		assert_int_equal(tcp_limits_of(&l, 5, &ip), counts[source]);
	}
	while (n > 0) {
		struct ip_addr ip = {.family = IP_V4, .bytes = {10, 0, 0, (uint8_t)conns[--n]}};

		tcp_limits_del(&l, 5, &ip);
	}
	for (unsigned i = 0; i <= l.bucket_mask; i++)
		assert_int_equal(l.buckets[i], 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_source_has_no_more_connections_than_its_limit),
		TEST(a_listener_has_no_more_connections_than_its_limit),
		TEST(handshakes_that_are_not_over_do_not_count),
		TEST(a_cookie_opens_no_connection_over_the_limit),
		TEST(connections_that_we_open_do_not_count),
		TEST(a_limit_that_cannot_be_counted_is_refused),
		cmocka_unit_test(a_source_is_an_address_or_64_bits_of_one),
		cmocka_unit_test(counts_are_exact_whatever_comes_and_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
