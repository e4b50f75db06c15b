// SPDX-License-Identifier: BSD-3-Clause
// A caller and a callee in one process, each on a port of rings, with a wire between them that
// loses, doubles or changes what it is told to. Nothing here depends on how fast the machine is:
// what is due is sent late rather than never.

#include "control/tls/refusal.h"
#include "lib/base/wire.h"
#include "lib/net/ip.h"
#include "tests/load/load.h"
#include "tests/unit/test.h"

#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <stdlib.h>
#include <unistd.h>

#define N_DESCRIPTORS 1024
#define RATE          20000
#define TURNS_MAX     20000000
#define N_CONNS       8

enum {
	CALLER,
	CALLEE,
	N_ENDS,
};

enum fault {
	NO_FAULT,
	LOSE,
	DOUBLE,
	CHANGE,
};

// What happens to every n-th frame that has the text in it.
struct wire_fault {
	enum fault fault;
	const char *text;
	unsigned every;
	size_t change_at; // behind the text
	unsigned n_seen, n_done;
};

struct end {
	struct core_map map;
	struct pools pools;
	struct port port;
	struct rte_ring *rx, *tx;
	struct identities *identities;
	struct load *load;
};

static struct end ends[N_ENDS];
static char folder[] = "/tmp/fedload-test.XXXXXX";
static struct wire_fault wire_fault;
// Where all are answered the drain ends with the last one, so it may be long; where some are not,
// it lasts.
static const struct trial_times patient = {
	.warm_up_ns = 5000000, .measure_ns = 50000000, .drain_ns = UINT64_C(60000000000)};
static const struct trial_times impatient = {
	.warm_up_ns = 5000000, .measure_ns = 50000000, .drain_ns = 500000000};

static void make_map(struct end *e, unsigned i, enum transport transport, bool six)
{
	static const char *const addresses[2][N_ENDS] = {
		{"192.0.2.2/24", "192.0.2.3/24"}, {"2001:db8::2/64", "2001:db8::3/64"}};
	struct load_map_config config = {.device = i == CALLER ? "net_ring_a" : "net_ring_b",
		.address = addresses[six][i],
		.port = 5060,
		.n_packets = 8192,
		.n_conns = N_CONNS,
		.transport = transport};
	struct errors errors;

	errors_init(&errors, "test");
	assert_int_equal(load_map(&config, &e->map, &errors), 0);
	e->port.map = &e->map.ports[0];
}

// Eight partners, and who answers them, of one CA.
static void make_identities(void)
{
	static const char *const domains[N_ENDS] = {"fabrikam.example", "contoso.example"};
	struct errors errors;

	assert_non_null(mkdtemp(folder));
	for (unsigned i = 0; i < N_ENDS; i++) {
		errors_init(&errors, "test");
		ends[i].identities =
			identities_new(&(struct identities_config){.folder = folder,
					       .domain = domains[i],
					       .n_partners = i == CALLER ? N_CONNS : 1},
				&errors);
		assert_non_null(ends[i].identities);
	}
}

static void drop_identities(void)
{
	char path[64];

	for (unsigned i = 0; i < N_ENDS; i++)
		identities_free(ends[i].identities);
	snprintf(path, sizeof(path), "%s/ca.pem", folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/ca.key", folder);
	unlink(path);
	rmdir(folder);
}

static int set_up(void **state)
{
	static const char *const names[N_ENDS] = {"a", "b"};
	char error[CORE_MAP_ERROR_BYTES], name[16];
	static struct core_map bare;

	(void)state;
	make_identities();
	for (unsigned i = 0; i < N_ENDS; i++)
		make_map(&ends[i], i, TRANSPORT_TCP, false);
	bare = ends[0].map;
	bare.n_ports = 0;
	bare.n_packets *= 6; // both pools, and both engines
	assert_int_equal(eal_start(&bare, error), 0);
	for (unsigned i = 0; i < N_ENDS; i++) {
		struct end *e = &ends[i];

		snprintf(name, sizeof(name), "rx_%s", names[i]);
		e->rx = rte_ring_create(name, N_DESCRIPTORS, SOCKET_ID_ANY, 0);
		snprintf(name, sizeof(name), "tx_%s", names[i]);
		e->tx = rte_ring_create(name, N_DESCRIPTORS, SOCKET_ID_ANY, 0);
		assert_true(e->rx != NULL && e->tx != NULL);
		assert_true(rte_eth_from_rings(names[i], &e->rx, 1, &e->tx, 1, 0) >= 0);
		assert_int_equal(pools_open(&e->pools, i, 0, e->map.n_packets), 0);
		assert_int_equal(ports_open(&e->map, &e->pools, &e->port, error), 0);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N_ENDS; i++)
		ports_close(&ends[i].map, &ends[i].port);
	for (unsigned i = 0; i < N_ENDS; i++)
		pools_close(&ends[i].pools);
	eal_stop();
	drop_identities();
	return 0;
}

static void open_ends_with(enum transport transport, bool six, struct load_config config)
{
	config.from_domain = "fabrikam.example";
	config.to_domain = "contoso.example";
	config.n_conns = N_CONNS;
	wire_fault = (struct wire_fault){0};
	for (unsigned i = 0; i < N_ENDS; i++)
		make_map(&ends[i], i, transport, six);
	for (unsigned i = 0; i < N_ENDS; i++) {
		struct end *e = &ends[i];

		config.map = &e->map;
		config.port = &e->port;
		config.pools = &e->pools;
		config.target = (struct endpoint){0};
		config.identities = transport == TRANSPORT_TLS ? e->identities : NULL;
		if (i == CALLEE)
			config.peer_name = NULL;
		if (i == CALLER)
			config.target = ends[CALLEE].map.listeners[0].local;
		e->load = load_new(&config);
		assert_non_null(e->load);
	}
}

static void open_ends(enum transport transport, bool six, enum mix_name mix)
{
	open_ends_with(
		transport, six, (struct load_config){.mix = mix, .peer_name = "contoso.example"});
}

static void close_ends(void)
{
	struct rte_mbuf *frame;

	for (unsigned i = 0; i < N_ENDS; i++) {
		load_free(ends[i].load);
		while (rte_ring_dequeue(ends[i].tx, (void **)&frame) == 0)
			rte_pktmbuf_free(frame);
		while (rte_ring_dequeue(ends[i].rx, (void **)&frame) == 0)
			rte_pktmbuf_free(frame);
	}
}

static void deliver(struct end *to, struct rte_mbuf *frame)
{
	if (rte_ring_enqueue(to->rx, frame) != 0)
		rte_pktmbuf_free(frame);
}

// A datagram's checksum is left out (RFC 768) and a segment's made right (RFC 1624), so that nobody
// but its reader sees the change.
static void change(struct rte_mbuf *frame, uint8_t *at)
{
	uint8_t *ip = rte_pktmbuf_mtod_offset(frame, uint8_t *, 14), *l4 = ip + 20;
	uint8_t *word = at - (size_t)(at - l4) % 2;
	uint32_t before = wire_get16(word), sum;

	*at ^= 1;
	if (ip[9] == IP_PROTOCOL_UDP) {
		wire_put16(l4 + 6, 0);
		return;
	}
	sum = (uint16_t)~wire_get16(l4 + 16) + (uint16_t)~before + wire_get16(word);
	sum = (sum & 0xffff) + (sum >> 16);
	wire_put16(l4 + 16, (uint16_t) ~(sum + (sum >> 16)));
}

static void pass(struct end *to, struct rte_mbuf *frame)
{
	struct wire_fault *f = &wire_fault;
	uint8_t *text = f->fault == NO_FAULT ? NULL
					     : memmem(rte_pktmbuf_mtod(frame, void *),
						       frame->data_len, f->text, strlen(f->text));

	if (text == NULL || f->n_seen++ % f->every != 0) {
		deliver(to, frame);
		return;
	}
	f->n_done++;
	if (f->fault == LOSE) {
		rte_pktmbuf_free(frame);
		return;
	}
	if (f->fault == DOUBLE)
		deliver(to, rte_pktmbuf_copy(frame, to->pools.small, 0, UINT32_MAX));
	else
		change(frame, text + f->change_at);
	deliver(to, frame);
}

static void turn(void)
{
	struct rte_mbuf *frame;

	for (unsigned i = 0; i < N_ENDS; i++) {
		load_turn(ends[i].load);
		while (rte_ring_dequeue(ends[i].tx, (void **)&frame) == 0)
			pass(&ends[1 - i], frame);
	}
}

// A trial; the fault begins with it.
static void try(
	const struct wire_fault *fault, const struct trial_times *times, struct load_result *caller)
{
	struct load *load = ends[CALLER].load;
	unsigned n = 0;

	while (!load_is_through(load) && n++ < TURNS_MAX)
		turn();
	assert_true(load_is_through(load));
	if (fault != NULL)
		wire_fault = *fault;
	load_start(load, RATE, times);
	while (!load_is_done(load) && n++ < TURNS_MAX)
		turn();
	assert_true(load_is_done(load));
	load_result(load, caller);
}

static void assert_all_answered(enum transport transport, bool six, enum mix_name mix)
{
	struct load_result caller, callee;

	open_ends(transport, six, mix);
	try(NULL, &patient, &caller);
	load_result(ends[CALLEE].load, &callee);
	assert_int_equal(caller.caller->n_due, RATE / 20);
	assert_int_equal(caller.caller->n_sent, RATE / 20);
	assert_int_equal(caller.caller->n_answered, RATE / 20);
	assert_int_equal(caller.caller->latency.n, RATE / 20);
	assert_int_equal(caller_wrong(caller.caller), 0);
	assert_true(load_passed(&caller, 0));
	assert_int_equal(callee.callee->n_foreign + callee.callee->n_altered, 0);
	assert_int_equal(callee.callee->n_requests, callee.callee->n_answered);
	assert_int_equal(callee.flows.n_open, transport != TRANSPORT_UDP ? N_CONNS : 0);
	assert_int_equal(caller.flows.secure.n_done, transport == TRANSPORT_TLS ? N_CONNS : 0);
	assert_int_equal(caller.flows.secure.n_failed + caller.flows.secure.n_broken, 0);
	close_ends();
}

static void every_request_is_answered_over_udp(void **state)
{
	(void)state;
	for (unsigned mix = 0; mix < MIX_N; mix++)
		assert_all_answered(TRANSPORT_UDP, mix % 2 == 1, (enum mix_name)mix);
}

static void every_request_is_answered_over_tcp(void **state)
{
	(void)state;
	for (unsigned mix = 0; mix < MIX_N; mix++)
		assert_all_answered(TRANSPORT_TCP, mix % 2 == 1, (enum mix_name)mix);
}

static void every_request_is_answered_over_tls(void **state)
{
	(void)state;
	for (unsigned mix = 0; mix < MIX_N; mix++)
		assert_all_answered(TRANSPORT_TLS, mix % 2 == 1, (enum mix_name)mix);
}

static void a_peer_that_does_not_prove_the_name_is_refused(void **state)
{
	struct load_result r;

	(void)state;
	open_ends_with(
		TRANSPORT_TLS, false, (struct load_config){.peer_name = "northwind.example"});
	do {
		turn();
		load_result(ends[CALLER].load, &r);
	} while (r.flows.secure.n_failed < N_CONNS);
	assert_int_equal(r.flows.secure.n_done + r.flows.n_open, 0);
	assert_string_equal(r.flows.secure.failure, tls_refusal_text(TLS_REFUSAL_wrong_name));
	close_ends();
}

static void key_updates_lose_no_request(void **state)
{
	const struct load_config config = {.mix = MIX_FEDERATION, .unrest.key_updates = 400};
	struct load_result r, callee;

	(void)state;
	open_ends_with(TRANSPORT_TLS, false, config);
	// A machine that stands still may skip the measured time.
	do {
		try(NULL, &patient, &r);
		assert_true(load_passed(&r, 0));
	} while (r.flows.secure.n_updates < 10);
	load_result(ends[CALLEE].load, &callee);
	// Every other one asks for the callee's.
	assert_in_range(callee.flows.secure.n_peer_updates, 1, r.flows.secure.n_updates);
	assert_int_equal(r.flows.n_closed, 0);
	close_ends();
}

// In the middle of traffic.
static void expect_all_back(enum transport transport)
{
	struct load *load;
	struct load_result r;

	open_ends_with(transport, false, (struct load_config){.mix = MIX_MESSAGE});
	load = ends[CALLER].load;
	try(NULL, &patient, &r);
	for (unsigned i = 1; i <= 3; i++) {
		load_pace(load, RATE);
		assert_true(load_storm(load));
		// Not while one is under way.
		turn();
		assert_false(load_storm(load));
		while (!load_is_through(load))
			turn();
		load_result(load, &r);
		assert_int_equal(r.flows.n_storms, i);
		assert_int_equal(r.flows.n_cut, N_CONNS * i);
		assert_int_equal(r.flows.n_closed, N_CONNS * i);
		assert_int_equal(r.flows.n_opened, N_CONNS * (1 + i));
		assert_true(r.flows.worst_back_ns >= r.flows.last_back_ns);
		assert_true(r.flows.last_back_ns > 0);
	}
	assert_int_equal(r.flows.secure.n_done, transport == TRANSPORT_TLS ? r.flows.n_opened : 0);
	assert_int_equal(caller_wrong(r.caller), 0);
	close_ends();
}

static void after_a_storm_all_are_back(void **state)
{
	(void)state;
	expect_all_back(TRANSPORT_TCP);
	expect_all_back(TRANSPORT_TLS);
}

static void single_connections_come_back(void **state)
{
	const struct load_config config = {.mix = MIX_MESSAGE, .unrest.reconnects = 200};
	struct load_result r;

	(void)state;
	open_ends_with(TRANSPORT_TLS, true, config);
	do {
		try(NULL, &impatient, &r);
		assert_int_equal(caller_wrong(r.caller), 0);
	} while (r.flows.n_cut < 2);
	while (!load_is_through(ends[CALLER].load))
		turn();
	load_result(ends[CALLER].load, &r);
	assert_int_equal(r.flows.n_opened, N_CONNS + r.flows.n_cut);
	assert_int_equal(r.flows.n_storms + r.flows.n_unframed, 0);
	close_ends();
}

static void lost_requests_are_counted_one_by_one(void **state)
{
	const struct wire_fault fault = {.fault = LOSE, .text = "MESSAGE sip:", .every = 10};
	struct load_result r;

	(void)state;
	open_ends(TRANSPORT_UDP, false, MIX_MESSAGE);
	try(&fault, &impatient, &r);
	assert_int_equal(r.caller->n_sent, r.caller->n_due);
	// Some were lost in the warm-up.
	assert_in_range(caller_lost(r.caller), 99, 101);
	assert_int_equal(caller_wrong(r.caller), 0);
	assert_false(load_passed(&r, 0));
	assert_false(load_passed(&r, 90000));
	assert_true(load_passed(&r, 110000));
	close_ends();
}

static void a_second_answer_is_wrong_and_no_more_than_that(void **state)
{
	const struct wire_fault fault = {.fault = DOUBLE, .text = "SIP/2.0 200", .every = 4};
	struct load_result r;

	(void)state;
	open_ends(TRANSPORT_UDP, false, MIX_IMS);
	try(&fault, &patient, &r);
	assert_int_equal(r.caller->n_answered, r.caller->n_sent);
	assert_in_range(r.caller->n_again, r.caller->n_sent / 4 - 1, r.caller->n_sent / 4 + 1);
	assert_int_equal(caller_wrong(r.caller), r.caller->n_again);
	assert_false(load_passed(&r, 1e6));
	close_ends();
}

static void a_body_changed_on_the_way_is_seen_at_both_ends(void **state)
{
	const struct wire_fault fault = {
		.fault = CHANGE, .text = "\r\n\r\n", .every = 7, .change_at = 10};
	struct load_result r, callee;

	(void)state;
	open_ends(TRANSPORT_UDP, false, MIX_MESSAGE);
	try(&fault, &patient, &r);
	load_result(ends[CALLEE].load, &callee);
	assert_true(r.caller->n_refused > 0);
	assert_int_equal(r.caller->last_refusal, 400);
	assert_true(callee.callee->n_altered >= r.caller->n_refused);
	assert_int_equal(caller_lost(r.caller), 0);
	assert_false(load_passed(&r, 1e6));
	close_ends();
}

static void an_answer_to_no_request_is_a_stray(void **state)
{
	// The first digit of the id in Call-ID: another run's.
	const struct wire_fault fault = {
		.fault = CHANGE, .text = "Call-ID: ", .every = 5, .change_at = 9};
	struct load_result r;

	(void)state;
	open_ends(TRANSPORT_UDP, false, MIX_MESSAGE);
	try(&fault, &impatient, &r);
	assert_true(r.caller->n_stray > 0);
	assert_false(load_passed(&r, 1e6));
	close_ends();
}

static void an_answer_with_another_requests_branch_is_altered(void **state)
{
	const struct wire_fault fault = {.fault = CHANGE,
		.text = "branch=z9hG4bK",
		.every = 5,
		.change_at = sizeof("branch=z9hG4bK") - 1 + 15};
	struct load_result r;

	(void)state;
	open_ends(TRANSPORT_UDP, false, MIX_MESSAGE);
	try(&fault, &patient, &r);
	assert_true(r.caller->n_altered > 0);
	assert_int_equal(r.caller->n_answered, r.caller->n_sent);
	assert_false(load_passed(&r, 1e6));
	close_ends();
}

static void over_tcp_a_lossy_wire_loses_no_request(void **state)
{
	const struct wire_fault fault = {.fault = LOSE, .text = "CSeq: ", .every = 50};
	struct load_result r;

	(void)state;
	open_ends(TRANSPORT_TCP, false, MIX_FEDERATION);
	try(&fault, &patient, &r);
	assert_true(wire_fault.n_done > 5);
	assert_true(load_passed(&r, 0));
	assert_int_equal(r.flows.n_closed, 0);
	close_ends();
}

static void a_malformed_message_of_a_stream_is_left_out_and_the_next_one_read(void **state)
{
	// Its colon.
	const struct wire_fault fault = {
		.fault = CHANGE, .text = "\r\nCSeq: ", .every = 50, .change_at = 6};
	struct load_result r, callee;

	(void)state;
	open_ends(TRANSPORT_TCP, false, MIX_MESSAGE);
	try(&fault, &impatient, &r);
	load_result(ends[CALLEE].load, &callee);
	assert_true(wire_fault.n_done > 5);
	assert_int_equal(callee.n_malformed + r.n_malformed, wire_fault.n_done);
	assert_in_range(caller_lost(r.caller), 5, wire_fault.n_done);
	assert_int_equal(caller_wrong(r.caller), 0);
	assert_int_equal(r.flows.n_closed + callee.flows.n_unframed, 0);
	close_ends();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_request_is_answered_over_udp),
		cmocka_unit_test(every_request_is_answered_over_tcp),
		cmocka_unit_test(every_request_is_answered_over_tls),
		cmocka_unit_test(a_peer_that_does_not_prove_the_name_is_refused),
		cmocka_unit_test(key_updates_lose_no_request),
		cmocka_unit_test(after_a_storm_all_are_back),
		cmocka_unit_test(single_connections_come_back),
		cmocka_unit_test(lost_requests_are_counted_one_by_one),
		cmocka_unit_test(a_second_answer_is_wrong_and_no_more_than_that),
		cmocka_unit_test(a_body_changed_on_the_way_is_seen_at_both_ends),
		cmocka_unit_test(an_answer_to_no_request_is_a_stray),
		cmocka_unit_test(an_answer_with_another_requests_branch_is_altered),
		cmocka_unit_test(over_tcp_a_lossy_wire_loses_no_request),
		cmocka_unit_test(a_malformed_message_of_a_stream_is_left_out_and_the_next_one_read),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
