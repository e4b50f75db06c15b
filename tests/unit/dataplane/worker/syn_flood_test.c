// SPDX-License-Identifier: BSD-3-Clause
// SYNs that nobody means: what is established relays on, who means it gets in by cookie, and memory
// is bounded. Two workers, turned by hand; how many SYNs a second they stand is bench syn_flood's.

#include "lib/base/wire.h"
#include "lib/net/ether.h"
#include "lib/net/ip.h"
#include "lib/net/tcp.h"
#include "lib/tcp/segment.h"
#include "tests/unit/dataplane/worker/loaded_world.h"
#include "tests/unit/test.h"

#define SYNS_A_TURN 24 // of 64 frames that two workers take
#define N_SYNS      20000
#define SYN_BYTES   20
#define FRAME_BYTES (ETHER_BYTES + IPV4_BYTES + SYN_BYTES)

enum spoof {
	SPOOF_FAR,  // addresses beyond the gateway
	SPOOF_NEAR, // of the link itself, where nobody is
};

static uint64_t n_syns;

static struct rte_mbuf *new_syn(enum spoof spoof)
{
	struct ip_header h = {.destination = {.bytes = {192, 0, 2, 1}, .family = IP_V4},
		.source = {.family = IP_V4},
		.payload_bytes = SYN_BYTES,
		.protocol = IP_PROTOCOL_TCP,
		.hop_limit = 60};
	struct rte_mbuf *m = pools_get(&world.ends[WORLD_CALLER].pools, FRAME_BYTES);
	uint32_t number = (uint32_t)n_syns * 0x9e3779b1;
	uint8_t *at, *segment;

	if (m == NULL)
		return NULL;
	n_syns++;
	at = (uint8_t *)rte_pktmbuf_append(m, FRAME_BYTES);
	segment = at + ETHER_BYTES + IPV4_BYTES;
	wire_put32(h.source.bytes, spoof == SPOOF_FAR ? 0x0b000000 | number >> 8 : 0xc0000200);
	if (spoof == SPOOF_NEAR)
		h.source.bytes[3] = (uint8_t)(10 + number % 200);
	ether_build(at, world.ports[WORLD_OUTSIDE].mac.addr_bytes,
		world.ends[WORLD_CALLER].port.mac.addr_bytes, 0, ETHER_TYPE_IPV4);
	ipv4_build(at + ETHER_BYTES, &h);
	memset(segment, 0, SYN_BYTES);
	wire_put16(segment, (uint16_t)(1024 + number % 60000));
	wire_put16(segment + 2, 5060);
	wire_put32(segment + 4, number);
	segment[12] = SYN_BYTES / 4 << 4;
	segment[13] = TCP_SYN;
	wire_put16(segment + 14, 65535);
	tcp_checksum_fill(segment, SYN_BYTES, &h.source, &h.destination);
	return m;
}

// So many SYNs before each turn.
static void flood(void *arg)
{
	enum spoof spoof = *(const enum spoof *)arg;

	for (unsigned i = 0; i < SYNS_A_TURN; i++) {
		struct rte_mbuf *m = new_syn(spoof);

		if (m != NULL)
			loaded_world_receive(WORLD_OUTSIDE, m);
	}
}

// What a worker's engine holds of peers that never finished their handshake, and of connections.
static void assert_memory_is_bounded(uint32_t n_conns_max)
{
	for (unsigned w = 0; w < WORLD_WORKERS; w++) {
		struct tcp_usage usage;

		tcp_usage(conns_engine(world.workers[w].conns), &usage);
		assert_true(usage.n_half_open <= world.map.tcp.n_half_open);
		assert_true(usage.n_conns <= world.map.tcp.n_half_open + n_conns_max);
		assert_true(usage.n_time_waits == 0);
	}
}

static void begin_under_flood(enum spoof *spoof)
{
	loaded_world_begin(TRANSPORT_TCP, DEVICE_RIGHT);
	loaded_world_get_through(WORLD_CALLER);
	n_syns = 0;
	world.meanwhile = flood;
	world.meanwhile_arg = spoof;
}

// The first of them are remembered, as many as the bound says; one of a pair that is remembered is
// told what was expected of it, and counted. Every other one has got a cookie.
static void assert_every_syn_is_accounted_for(void)
{
	uint64_t n_remembered = (uint64_t)WORLD_WORKERS * world.map.tcp.n_half_open;

	assert_int_equal(world.n_lost, 0);
	assert_int_equal(loaded_world_count(REASON_tcp_not_opened), 0); // none is old enough
	assert_int_equal(loaded_world_count(REASON_tcp_cookie_sent),
		n_syns - n_remembered - loaded_world_count(REASON_tcp_not_acceptable));
}

static void assert_established_relays_on(enum spoof spoof)
{
	begin_under_flood(&spoof);
	while (n_syns < N_SYNS)
		loaded_world_call(WORLD_CALLER, 500);
	world.meanwhile = NULL;
	loaded_world_settle();
	assert_memory_is_bounded(WORLD_CONNS + LINK_TARGET_SLOTS);
	assert_every_syn_is_accounted_for();
	// From afar no two are of one pair; of the link itself there are 60,000 pairs.
	assert_int_equal(loaded_world_count(REASON_tcp_not_acceptable) > 0, spoof == SPOOF_NEAR);
	assert_int_equal(loaded_world_count(REASON_tcp_no_conns), 0);
	assert_int_equal(loaded_world_count(REASON_sip_request_relayed), // none came twice
		loaded_world_count(REASON_sip_response_relayed));
	loaded_world_end(NULL);
}

static void established_connections_relay_on_under_syns_from_afar(void **state)
{
	(void)state;
	assert_established_relays_on(SPOOF_FAR);
}

static void established_connections_relay_on_under_syns_from_the_link_itself(void **state)
{
	(void)state;
	assert_established_relays_on(SPOOF_NEAR);
}

// In use of connections, over both workers, while no SYN finds room but in a cookie.
static uint32_t conns_beside_the_flood(void)
{
	uint32_t n = 0;

	for (unsigned w = 0; w < WORLD_WORKERS; w++) {
		struct tcp_usage usage;

		tcp_usage(conns_engine(world.workers[w].conns), &usage);
		assert_int_equal(usage.n_half_open, world.map.tcp.n_half_open);
		n += usage.n_conns - usage.n_half_open;
	}
	return n;
}

static void an_honest_newcomer_gets_in_by_cookie_and_is_served(void **state)
{
	enum spoof spoof = SPOOF_FAR;
	uint32_t n_before;

	(void)state;
	begin_under_flood(&spoof);
	while (loaded_world_count(REASON_tcp_cookie_sent) < 1000)
		loaded_world_turn();
	n_before = conns_beside_the_flood();
	loaded_world_add_newcomer(TRANSPORT_TCP);
	loaded_world_get_through(WORLD_NEWCOMER);
	loaded_world_call(WORLD_NEWCOMER, 500); // in turn over all of its connections
	// And the relay may have connected to its server once more.
	assert_in_range(conns_beside_the_flood(), n_before + WORLD_CONNS,
		n_before + WORLD_CONNS + LINK_TARGET_SLOTS);
	loaded_world_call(WORLD_CALLER, 500);
	world.meanwhile = NULL;
	assert_memory_is_bounded(2 * WORLD_CONNS + LINK_TARGET_SLOTS);
	assert_int_equal(loaded_world_count(REASON_tcp_cookie_bad), 0);
	loaded_world_end(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			established_connections_relay_on_under_syns_from_afar, loaded_world_end),
		cmocka_unit_test_teardown(
			established_connections_relay_on_under_syns_from_the_link_itself,
			loaded_world_end),
		cmocka_unit_test_teardown(
			an_honest_newcomer_gets_in_by_cookie_and_is_served, loaded_world_end),
	};

	return cmocka_run_group_tests(tests, loaded_world_open, loaded_world_close);
}
