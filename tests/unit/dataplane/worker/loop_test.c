// SPDX-License-Identifier: BSD-3-Clause
// Workers' turns over ports of rings: frames in, frames out, with EAL but without a device.

#include "dataplane/core_map/machine.h"
#include "dataplane/worker/worker.h"
#include "lib/base/wire.h"
#include "tests/unit/test.h"

#include <rte_eth_ring.h>
#include <rte_ethdev.h>

#define N_WORKERS 2

static const char map_text[] =
	"hugepages: never\n"
	"main_core: 0\n"
	"idle: sleep\n"
	"memory: {packets: 4096}\n"
	"control: {user: nobody}\n"
	"ports: [{name: p, device: net_ring_p, descriptors: 256, addresses: [192.0.2.1/24]}]\n"
	"workers: [{core: 0}, {core: 1}]\n"
	"listeners: [{name: l, port: p, address: 192.0.2.1, udp: 5060, side: outside}]\n";

static struct core_map map;
static struct pools pools[N_WORKERS];
static struct port ports[1];
static struct rte_ring *rx[N_WORKERS], *tx[N_WORKERS];
static struct exchange *exchange;
static struct worker *workers;

// The machine of the test has two cores, whatever the real one has; EAL runs on one.
static int set_up(void **state)
{
	struct machine machine = {.n_cores = 2, .core_usable = {true, true}, .n_nodes = 1};
	static struct errors errors, warnings;
	char error[CORE_MAP_ERROR_BYTES];
	struct core_map bare;

	(void)state;
	errors_init(&errors, "m");
	errors_init(&warnings, "m");
	assert_int_equal(
		core_map_parse(view_string(map_text), &machine, &map, &errors, &warnings), 0);
	bare = map;
	bare.n_ports = 0;
	bare.workers[1].core = 0;
	assert_int_equal(eal_start(&bare, error), 0);
	for (unsigned w = 0; w < N_WORKERS; w++) {
		rx[w] = rte_ring_create(w == 0 ? "rx0" : "rx1", 512, SOCKET_ID_ANY, 0);
		tx[w] = rte_ring_create(w == 0 ? "tx0" : "tx1", 512, SOCKET_ID_ANY, 0);
		assert_true(rx[w] != NULL && tx[w] != NULL);
		assert_int_equal(pools_open(&pools[w], w, 0, map.n_packets), 0);
	}
	assert_true(rte_eth_from_rings("p", rx, N_WORKERS, tx, N_WORKERS, 0) >= 0);
	assert_int_equal(ports_open(&map, pools, ports, error), 0);
	exchange = exchange_new(N_WORKERS);
	workers = aligned_alloc(_Alignof(struct worker), N_WORKERS * sizeof(*workers));
	assert_true(exchange != NULL && workers != NULL);
	for (unsigned w = 0; w < N_WORKERS; w++)
		assert_int_equal(worker_init(&workers[w], &map, w, ports, &pools[w], exchange), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (unsigned w = 0; w < N_WORKERS; w++)
		worker_fini(&workers[w]);
	exchange_free(exchange);
	ports_close(&map, ports);
	for (unsigned w = 0; w < N_WORKERS; w++)
		pools_close(&pools[w]);
	free(workers);
	eal_stop();
	return 0;
}

static uint16_t internet_checksum(const uint8_t *at, size_t n_bytes)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n_bytes; i += 2)
		sum += wire_get16(at + i);
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

// An ICMP echo request or a SIP OPTIONS keepalive is told apart by the caller's payload.
static struct rte_mbuf *new_frame(uint8_t protocol, uint8_t source, const uint8_t *l4, size_t n)
{
	struct rte_mbuf *m = pools_get(&pools[0], 34 + n);
	uint8_t *at;

	assert_non_null(m);
	assert_non_null(rte_pktmbuf_append(m, (uint16_t)(34 + n)));
	at = rte_pktmbuf_mtod(m, uint8_t *);
	memset(at, 0, 34);
	memcpy(at, ports[0].mac.addr_bytes, 6);
	memcpy(at + 6, "\x02\0\0\0\0", 5);
	at[11] = source;
	wire_put16(at + 12, 0x0800);
	at[14] = 0x45;
	wire_put16(at + 16, (uint16_t)(20 + n));
	at[22] = 64;
	at[23] = protocol;
	memcpy(at + 26, "\xc0\0\2", 3);
	at[29] = source;
	memcpy(at + 30, "\xc0\0\2\1", 4);
	wire_put16(at + 24, internet_checksum(at + 14, 20));
	memcpy(at + 34, l4, n);
	return m;
}

static struct rte_mbuf *new_echo(uint8_t source)
{
	uint8_t icmp[16] = {8, 0, 0, 0, 0, 1, 0, 2, 'e', 'c', 'h', 'o'};

	wire_put16(icmp + 2, internet_checksum(icmp, sizeof(icmp)));
	return new_frame(1, source, icmp, sizeof(icmp));
}

static void receive_at(unsigned w, struct rte_mbuf *frame)
{
	assert_int_equal(rte_ring_enqueue(rx[w], frame), 0);
}

static void turn_all(void)
{
	for (unsigned i = 0; i < 8; i++) {
		for (unsigned w = 0; w < N_WORKERS; w++)
			worker_turn(&workers[w]);
	}
}

// Echo replies to that source that left by worker w; everything else that left is let go.
static unsigned take_replies(unsigned w, uint8_t source)
{
	unsigned n = 0;
	void *frame;

	while (rte_ring_dequeue(tx[w], &frame) == 0) {
		const uint8_t *at = rte_pktmbuf_mtod((struct rte_mbuf *)frame, const uint8_t *);

		n += wire_get16(at + 12) == 0x0800 && at[23] == 1 && at[34] == 0 &&
			at[33] == source;
		rte_pktmbuf_free(frame);
	}
	return n;
}

static unsigned owner_of(uint8_t source)
{
	struct steering fresh = {.n_workers = N_WORKERS};
	struct rte_mbuf *m = new_echo(source);
	unsigned owner = steering_owner(&fresh, &ports[0], 0, m);

	rte_pktmbuf_free(m);
	return owner;
}

static void an_empty_turn_finds_nothing_and_is_not_busy(void **state)
{
	uint64_t busy, empty;

	(void)state;
	turn_all();
	busy = workers[0].counters.busy_ns;
	empty = workers[0].counters.polls_empty;
	assert_false(worker_turn(&workers[0]));
	assert_int_equal(workers[0].counters.busy_ns, busy);
	assert_int_equal(workers[0].counters.polls_empty, empty + 1);
}

static void a_frame_is_answered_by_its_owner_whoever_receives_it(void **state)
{
	(void)state;
	for (uint8_t source = 2; source < 40; source++) {
		unsigned owner = owner_of(source);

		for (unsigned receiver = 0; receiver < N_WORKERS; receiver++) {
			uint64_t steered = workers[receiver].counters.reason[REASON_steered];
			uint64_t taken = workers[owner].counters.steered_in;

			receive_at(receiver, new_echo(source));
			turn_all();
			assert_int_equal(
				workers[receiver].counters.reason[REASON_steered] - steered,
				receiver != owner);
			assert_int_equal(
				workers[owner].counters.steered_in - taken, receiver != owner);
			for (unsigned w = 0; w < N_WORKERS; w++)
				assert_int_equal(take_replies(w, source), w == owner);
		}
	}
}

static void a_turn_that_found_something_counts_as_busy(void **state)
{
	uint64_t busy = workers[0].counters.busy_ns, rx_frames = workers[0].counters.rx_frames;

	(void)state;
	receive_at(0, new_echo(9));
	assert_true(worker_turn(&workers[0]));
	assert_true(workers[0].counters.busy_ns > busy);
	assert_int_equal(workers[0].counters.rx_frames, rx_frames + 1);
	turn_all();
	take_replies(0, 9);
	take_replies(1, 9);
}

static uint64_t free_packets(void)
{
	return rte_mempool_avail_count(pools[0].small) + rte_mempool_avail_count(pools[1].small) +
		rte_mempool_avail_count(pools[0].reserve) +
		rte_mempool_avail_count(pools[1].reserve);
}

// SIP without a policy is refused, so a message in gives one out; neither may leak.
static void a_sip_request_is_refused_without_a_policy_and_no_buffer_leaks(void **state)
{
	static const char request[] =
		"OPTIONS sip:a@b.example SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK1\r\n"
		"From: <sip:c@d.example>;tag=1\r\nTo: <sip:a@b.example>\r\nCall-ID: x\r\n"
		"CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n";
	uint8_t udp[8 + sizeof(request) - 1] = {0x13, 0xc4, 0x13, 0xc4};
	uint64_t refused = 0, before;

	(void)state;
	wire_put16(udp + 4, sizeof(udp)); // a checksum of 0: none
	memcpy(udp + 8, request, sizeof(request) - 1);
	turn_all();
	before = free_packets();
	for (unsigned i = 0; i < 200; i++) {
		receive_at(i % N_WORKERS, new_frame(17, 9, udp, sizeof(udp)));
		turn_all();
	}
	for (unsigned w = 0; w < N_WORKERS; w++) {
		refused += workers[w].counters.reason[REASON_no_policy];
		take_replies(w, 0);
	}
	assert_int_equal(refused, 200);
	// The neighbour did not answer, so some refusals still wait for it; no more than that.
	assert_true(before - free_packets() <= 16);
}

static void an_empty_pool_is_counted_and_survived(void **state)
{
	struct rte_mbuf *all[8192];
	unsigned n = 0;
	uint64_t no_buffer = workers[0].counters.reason[REASON_no_buffer];

	(void)state;
	assert_null(pools_get(&pools[0], POOL_HUGE_BYTES + 1));
	while (n < 8192 && (all[n] = pools_get(&pools[0], 100)) != NULL)
		n++;
	while (n < 8192 && (all[n] = pools_get_reserve(&pools[0], 100)) != NULL)
		n++;
	assert_null(worker_get_buffer(&workers[0], 100));
	assert_true(workers[0].counters.reason[REASON_no_buffer] == no_buffer);
	turn_all();
	rte_pktmbuf_free_bulk(all, n);
	assert_non_null(all[0] = worker_get_buffer(&workers[0], 100));
	assert_true(rte_pktmbuf_tailroom(all[0]) >= 100 + RELAY_GROWTH_BYTES);
	rte_pktmbuf_free(all[0]);
}

static void each_datagram_of_a_burst_gets_a_buffer_of_its_size(void **state)
{
	static const size_t sizes[] = {100, POOL_SMALL_BYTES, 1, POOL_HUGE_BYTES, 200};
	enum { N = sizeof(sizes) / sizeof(sizes[0]) };
	struct net_datagram datagrams[N] = {0};
	struct rte_mbuf *buffers[N];
	unsigned before = rte_mempool_avail_count(pools[0].small);

	(void)state;
	for (unsigned i = 0; i < N; i++)
		datagrams[i].payload.len = sizes[i];
	worker_get_buffers(&workers[0], datagrams, N, buffers);
	assert_int_equal(rte_mempool_avail_count(pools[0].small), before - 3);
	for (unsigned i = 0; i < N; i++) {
		assert_non_null(buffers[i]);
		assert_int_equal(rte_pktmbuf_pkt_len(buffers[i]), 0);
		assert_int_equal(rte_mbuf_refcnt_read(buffers[i]), 1);
		// What no buffer holds gets room for a refusal.
		if (sizes[i] < POOL_HUGE_BYTES)
			assert_true(
				rte_pktmbuf_tailroom(buffers[i]) >= sizes[i] + RELAY_GROWTH_BYTES);
		else
			assert_ptr_equal(buffers[i]->pool, pools[0].reserve);
	}
	rte_pktmbuf_free_bulk(buffers, N);
	assert_int_equal(rte_mempool_avail_count(pools[0].small), before);
}

static void a_burst_beyond_the_pools_gets_what_there_is(void **state)
{
	struct net_datagram datagrams[QUEUE_BURST] = {0};
	struct rte_mbuf *buffers[QUEUE_BURST], *all[8192];
	unsigned n = 0, n_got = 0;

	(void)state;
	while (n < 8192 && (all[n] = pools_get(&pools[0], 100)) != NULL)
		n++;
	rte_pktmbuf_free_bulk(all, 3);
	worker_get_buffers(&workers[0], datagrams, QUEUE_BURST, buffers);
	for (unsigned i = 0; i < QUEUE_BURST; i++)
		n_got += buffers[i] != NULL && buffers[i]->pool == pools[0].small;
	assert_int_equal(n_got, 3);
	rte_pktmbuf_free_bulk(buffers, QUEUE_BURST);
	rte_pktmbuf_free_bulk(all + 3, n - 3);
}

static void what_a_full_transmit_queue_refuses_is_counted_and_freed(void **state)
{
	struct queue *q = &workers[0].queues[0];
	uint64_t full = workers[0].counters.reason[REASON_tx_full];
	uint64_t sent = workers[0].counters.tx_frames, before;

	(void)state;
	take_replies(0, 0);
	before = free_packets();
	for (unsigned i = 0; i < 1000; i++)
		queue_send(q, new_echo(3));
	queue_flush(q);
	full = workers[0].counters.reason[REASON_tx_full] - full;
	sent = workers[0].counters.tx_frames - sent;
	assert_int_equal(full + sent, 1000);
	assert_true(full > 0 && sent >= 256);
	take_replies(0, 3);
	assert_int_equal(free_packets(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_turn_finds_nothing_and_is_not_busy),
		cmocka_unit_test(a_frame_is_answered_by_its_owner_whoever_receives_it),
		cmocka_unit_test(a_turn_that_found_something_counts_as_busy),
		cmocka_unit_test(a_sip_request_is_refused_without_a_policy_and_no_buffer_leaks),
		cmocka_unit_test(an_empty_pool_is_counted_and_survived),
		cmocka_unit_test(each_datagram_of_a_burst_gets_a_buffer_of_its_size),
		cmocka_unit_test(a_burst_beyond_the_pools_gets_what_there_is),
		cmocka_unit_test(what_a_full_transmit_queue_refuses_is_counted_and_freed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
