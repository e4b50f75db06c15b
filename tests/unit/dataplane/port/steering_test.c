// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/port/steering.h"

#include "lib/base/wire.h"
#include "tests/unit/test.h"

#define N_WORKERS 4

// The verification suite of Microsoft's "RSS hashing types": addresses, ports, and the hashes with
// and without ports.
#define HASH4_PORTS 0x51ccc178
#define HASH4       0x323e8fc2
#define HASH6_PORTS 0x40207d3d
#define HASH6       0x2cc18cd5

static const uint8_t source4[] = {66, 9, 149, 187}, destination4[] = {161, 142, 100, 80};
static const uint8_t source6[] = {
	0x3f, 0xfe, 0x25, 0x01, 0x02, 0, 0x1f, 0xff, 0, 0, 0, 0, 0, 0, 0, 7};
static const uint8_t destination6[] = {
	0x3f, 0xfe, 0x25, 0x01, 0x02, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1};

static const uint8_t key[40] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25,
	0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb,
	0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

static struct steering steering;
static struct port port;
static uint8_t bytes[256];
static struct rte_mbuf frame;

static int set_up(void **state)
{
	(void)state;
	memset(&steering, 0, sizeof(steering));
	memset(&port, 0, sizeof(port));
	memset(&frame, 0, sizeof(frame));
	steering.n_workers = N_WORKERS;
	port.index = 3;
	port.rx_hash = true;
	memcpy(port.rss_key, key, sizeof(key));
	port.rss_key_bytes = sizeof(key);
	port.reta_size = 128;
	for (unsigned i = 0; i < port.reta_size; i++)
		port.reta[i] = i % N_WORKERS;
	// Queues in the reverse order of workers.
	for (unsigned q = 0; q < N_WORKERS; q++)
		port.worker_of_queue[q] = (uint16_t)(N_WORKERS - 1 - q);
	frame.buf_addr = bytes;
	return 0;
}

static unsigned owner_of_hash(uint32_t hash)
{
	return N_WORKERS - 1 - hash % 128 % N_WORKERS;
}

static uint8_t *put_ethernet(uint16_t type, bool vlan)
{
	uint8_t *at = bytes + 12;

	memset(bytes, 0, sizeof(bytes));
	if (vlan) {
		wire_put16(at, 0x8100);
		at += 4;
	}
	wire_put16(at, type);
	return at + 2;
}

static void put_ip4(uint8_t protocol, uint16_t fragment, unsigned option_words, bool vlan)
{
	uint8_t *ip = put_ethernet(0x0800, vlan);
	uint8_t *l4 = ip + 20 + 4 * option_words;

	ip[0] = (uint8_t)(0x45 + option_words);
	wire_put16(ip + 6, fragment);
	ip[9] = protocol;
	memcpy(ip + 12, source4, 4);
	memcpy(ip + 16, destination4, 4);
	wire_put16(l4, 2794);
	wire_put16(l4 + 2, 1766);
	frame.data_len = (uint16_t)(l4 + 8 - bytes);
	frame.pkt_len = frame.data_len;
}

static void put_ip6(uint8_t protocol, bool vlan)
{
	uint8_t *ip = put_ethernet(0x86dd, vlan);

	ip[0] = 0x60;
	ip[6] = protocol;
	memcpy(ip + 8, source6, 16);
	memcpy(ip + 24, destination6, 16);
	wire_put16(ip + 40, 2794);
	wire_put16(ip + 42, 1766);
	frame.data_len = (uint16_t)(ip + 48 - bytes);
	frame.pkt_len = frame.data_len;
}

static void device_says(uint32_t hash)
{
	frame.ol_flags = RTE_MBUF_F_RX_RSS_HASH;
	frame.hash.rss = hash;
}

static unsigned owner_at(unsigned receiver)
{
	return steering_owner(&steering, &port, receiver, &frame);
}

static void the_owner_follows_from_addresses_and_ports(void **state)
{
	(void)state;
	put_ip4(17, 0, 0, false);
	assert_int_equal(owner_at(0), owner_of_hash(HASH4_PORTS));
	put_ip4(6, 0x4000, 0, false);
	assert_int_equal(owner_at(0), owner_of_hash(HASH4_PORTS));
	put_ip4(17, 0, 3, false);
	assert_int_equal(owner_at(0), owner_of_hash(HASH4_PORTS));
	put_ip4(17, 0, 0, true);
	assert_int_equal(owner_at(0), owner_of_hash(HASH4_PORTS));
	put_ip6(17, false);
	assert_int_equal(owner_at(0), owner_of_hash(HASH6_PORTS));
	put_ip6(6, true);
	assert_int_equal(owner_at(0), owner_of_hash(HASH6_PORTS));
}

static void the_owner_of_a_fragment_and_of_other_protocols_follows_from_addresses(void **state)
{
	(void)state;
	put_ip4(17, 0x2000, 0, false);
	assert_int_equal(owner_at(0), owner_of_hash(HASH4));
	put_ip4(17, 0x0010, 0, false);
	assert_int_equal(owner_at(0), owner_of_hash(HASH4));
	put_ip4(1, 0, 0, false);
	assert_int_equal(owner_at(0), owner_of_hash(HASH4));
	put_ip6(44, false);
	assert_int_equal(owner_at(0), owner_of_hash(HASH6));
	put_ip6(58, false);
	assert_int_equal(owner_at(0), owner_of_hash(HASH6));
}

static void what_is_not_ip_stays_with_its_receiver(void **state)
{
	(void)state;
	put_ip4(17, 0, 0, false);
	wire_put16(bytes + 12, 0x0806);
	for (unsigned w = 0; w < N_WORKERS; w++)
		assert_int_equal(owner_at(w), w);
	put_ip4(17, 0, 0, false);
	for (frame.data_len = 0; frame.data_len < 34; frame.data_len++)
		assert_int_equal(owner_at(2), 2);
	put_ip6(17, false);
	for (frame.data_len = 0; frame.data_len < 54; frame.data_len++)
		assert_int_equal(owner_at(2), 2);
	put_ip4(17, 0, 0, false);
	bytes[14] = 0x65;
	assert_int_equal(owner_at(2), 2);
	assert_int_equal(steering.queue[port.index].state, STEERING_PROVING);
}

static void one_worker_owns_every_frame(void **state)
{
	(void)state;
	steering.n_workers = 1;
	put_ip4(17, 0, 0, false);
	assert_int_equal(owner_at(0), 0);
	assert_int_equal(steering.n_disagreed, 0);
}

static void prove(void)
{
	put_ip4(17, 0, 0, false);
	device_says(HASH4_PORTS);
	for (unsigned i = 0; i < STEERING_PROOF_PACKETS; i++) {
		assert_int_equal(steering.queue[port.index].state, STEERING_PROVING);
		assert_int_equal(owner_at(owner_of_hash(HASH4_PORTS)), owner_of_hash(HASH4_PORTS));
	}
	assert_int_equal(steering.queue[port.index].state, STEERING_HARDWARE);
}

static void a_right_hash_is_believed_after_the_proof(void **state)
{
	unsigned other = (owner_of_hash(HASH4_PORTS) + 1) % N_WORKERS;

	(void)state;
	prove();
	// Not looked at any more: whoever receives it owns it.
	assert_int_equal(owner_at(other), other);
	assert_int_equal(steering.n_disagreed, 0);
}

static void a_wrong_hash_is_steered_in_software(void **state)
{
	unsigned owner = owner_of_hash(HASH4_PORTS);

	(void)state;
	put_ip4(17, 0, 0, false);
	device_says(HASH4);
	assert_int_equal(owner_at(owner), owner);
	assert_int_equal(steering.queue[port.index].state, STEERING_SOFTWARE);
	assert_int_equal(steering.n_disagreed, 1);
	device_says(HASH4_PORTS);
	for (unsigned i = 0; i < 2 * STEERING_PROOF_PACKETS; i++)
		assert_int_equal(owner_at((owner + 1) % N_WORKERS), owner);
	assert_int_equal(steering.queue[port.index].state, STEERING_SOFTWARE);
}

static void an_absent_hash_is_steered_in_software(void **state)
{
	unsigned owner = owner_of_hash(HASH6_PORTS);

	(void)state;
	put_ip6(17, false);
	frame.hash.rss = HASH6_PORTS;
	for (unsigned w = 0; w < N_WORKERS; w++)
		assert_int_equal(owner_at(w), owner);
	assert_int_equal(steering.queue[port.index].state, STEERING_SOFTWARE);
}

static void a_right_hash_on_a_wrong_queue_is_steered_in_software(void **state)
{
	unsigned owner = owner_of_hash(HASH4_PORTS);

	(void)state;
	put_ip4(17, 0, 0, false);
	device_says(HASH4_PORTS);
	assert_int_equal(owner_at((owner + 1) % N_WORKERS), owner);
	assert_int_equal(steering.queue[port.index].state, STEERING_SOFTWARE);
}

static void a_device_that_hashes_nothing_is_not_asked_for_proof(void **state)
{
	(void)state;
	port.rx_hash = false;
	put_ip4(17, 0, 0, false);
	assert_int_equal(owner_at(0), owner_of_hash(HASH4_PORTS));
	assert_int_equal(steering.queue[port.index].state, STEERING_SOFTWARE);
	assert_int_equal(steering.n_disagreed, 0);
}

static void a_believed_device_that_errs_is_found_by_a_sample(void **state)
{
	unsigned owner = owner_of_hash(HASH4_PORTS), n = 0;

	(void)state;
	prove();
	device_says(HASH4);
	while (steering.queue[port.index].state == STEERING_HARDWARE) {
		assert_int_equal(owner_at(owner), owner);
		assert_true(++n <= STEERING_SAMPLE);
	}
	assert_int_equal(n, STEERING_SAMPLE);
	assert_int_equal(owner_at((owner + 1) % N_WORKERS), owner);
}

static void a_believed_device_that_does_not_err_stays_believed(void **state)
{
	unsigned owner = owner_of_hash(HASH4_PORTS);

	(void)state;
	prove();
	for (unsigned i = 0; i < 3 * STEERING_SAMPLE; i++)
		assert_int_equal(owner_at(owner), owner);
	assert_int_equal(steering.queue[port.index].state, STEERING_HARDWARE);
}

static void each_queue_is_believed_for_itself(void **state)
{
	(void)state;
	prove();
	port.index = 1;
	assert_int_equal(steering.queue[1].state, STEERING_PROVING);
	assert_int_equal(owner_at(owner_of_hash(HASH4_PORTS)), owner_of_hash(HASH4_PORTS));
	assert_int_equal(steering.queue[1].n_agreed, 1);
}

#define CASE(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_owner_follows_from_addresses_and_ports),
		CASE(the_owner_of_a_fragment_and_of_other_protocols_follows_from_addresses),
		CASE(what_is_not_ip_stays_with_its_receiver),
		CASE(one_worker_owns_every_frame),
		CASE(a_right_hash_is_believed_after_the_proof),
		CASE(a_wrong_hash_is_steered_in_software),
		CASE(an_absent_hash_is_steered_in_software),
		CASE(a_right_hash_on_a_wrong_queue_is_steered_in_software),
		CASE(a_device_that_hashes_nothing_is_not_asked_for_proof),
		CASE(a_believed_device_that_errs_is_found_by_a_sample),
		CASE(a_believed_device_that_does_not_err_stays_believed),
		CASE(each_queue_is_believed_for_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
