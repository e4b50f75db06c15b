// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/wire.h"
#include "lib/net/checksum.h"
#include "lib/net/icmp.h"
#include "lib/net/tcp.h"
#include "tests/unit/dataplane/net/world.h"
#include "tests/unit/test.h"

#define SEGMENT_BYTES 24 // a header and four bytes

static uint8_t frame[2048];

// A segment from port 40000 to 5060 with a right checksum; its length.
static size_t segment_of(uint8_t *at, const struct frame_path *path)
{
	memset(at, 0, TCP_BYTES);
	wire_put16(at, 40000);
	wire_put16(at + 2, 5060);
	wire_put32(at + 4, 0x01020304);
	at[12] = TCP_BYTES / 4 << 4;
	memcpy(at + TCP_BYTES, "text", 4);
	tcp_checksum_fill(at, SEGMENT_BYTES, &path->source, &path->destination);
	return SEGMENT_BYTES;
}

static struct view frame_of_segment(const struct frame_path *path)
{
	uint8_t segment[64];
	size_t n = segment_of(segment, path);

	return view_of(
		frame, frame_ip(frame, path, IP_PROTOCOL_TCP, IP_HOP_LIMIT, view_of(segment, n)));
}

static int open_world(void **state)
{
	(void)state;
	world.map.tcp.n_conns = 16;
	world_open();
	return 0;
}

static int close_world(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		world.ports[i].tx_tcp_checksum = false;
		world.ports[i].tx_ip_checksum = false;
		world.ports[i].rx_tcp_checksum = false;
	}
	return world_close() ? 0 : -1;
}

static void assert_segment(const char *from, const char *to)
{
	struct frame_path path = world_path(0, from, to);
	const struct net_segment *s = &world.arrivals.segments[0];
	struct net_datagram d;

	assert_int_equal(world_receive(0, frame_of_segment(&path), &d), REASON_none);
	assert_int_equal(world.arrivals.n_segments, 1);
	assert_int_equal(world.arrivals.n_datagrams, 0);
	assert_int_equal(s->bytes.len, SEGMENT_BYTES);
	assert_memory_equal(s->bytes.at + TCP_BYTES, "text", 4);
	assert_true(ip_equal(&s->source, &path.source));
	assert_true(ip_equal(&s->destination, &path.destination));
	rte_pktmbuf_free(s->packet);
}

static void a_segment_to_us_goes_up(void **state)
{
	(void)state;
	assert_segment("192.0.2.9", "192.0.2.1");
	assert_segment("2001:db8::9", "2001:db8::1");
}

static void without_a_tcp_listener_no_segment_goes_up(void **state)
{
	struct frame_path path = world_path(0, "192.0.2.9", "192.0.2.1");
	struct net_datagram d;

	(void)state;
	world.map.tcp.n_conns = 0;
	assert_int_equal(world_receive(0, frame_of_segment(&path), &d), REASON_ip_protocol_unknown);
}

static void a_wrong_checksum_is_counted(void **state)
{
	struct frame_path path = world_path(0, "2001:db8::9", "2001:db8::1");
	struct view v = frame_of_segment(&path);
	struct net_datagram d;

	(void)state;
	frame[v.len - 1] ^= 1;
	assert_int_equal(world_receive(0, v, &d), REASON_tcp_checksum);
}

static void a_segment_shorter_than_a_header_is_counted(void **state)
{
	struct frame_path path = world_path(0, "192.0.2.9", "192.0.2.1");
	uint8_t segment[64];
	struct net_datagram d;
	size_t n;

	(void)state;
	segment_of(segment, &path);
	n = frame_ip(frame, &path, IP_PROTOCOL_TCP, IP_HOP_LIMIT, view_of(segment, TCP_BYTES - 1));
	assert_int_equal(world_receive(0, view_of(frame, n), &d), REASON_tcp_malformed);
}

static void the_device_is_believed_where_it_looks(void **state)
{
	struct frame_path path = world_path(0, "192.0.2.9", "192.0.2.1");
	struct view v = frame_of_segment(&path);
	struct net_datagram d;

	(void)state;
	assert_int_equal(world_receive_flags(0, v, RTE_MBUF_F_RX_L4_CKSUM_BAD, &d), REASON_none);
	rte_pktmbuf_free(world.arrivals.segments[0].packet);
	world.ports[0].rx_tcp_checksum = true;
	v = frame_of_segment(&path);
	assert_int_equal(
		world_receive_flags(0, v, RTE_MBUF_F_RX_L4_CKSUM_BAD, &d), REASON_tcp_checksum);
}

// The quotation of a segment that we sent, in an error of these four bytes and this word.
static size_t icmp4_error(uint8_t type, uint8_t code, uint32_t word, const char *quoted_source)
{
	struct frame_path path = world_path(0, "192.0.2.254", "192.0.2.1");
	struct ip_header h = {.source = world_ip(quoted_source),
		.destination = world_ip("203.0.113.7"),
		.payload_bytes = 1000,
		.protocol = IP_PROTOCOL_TCP,
		.hop_limit = 3};
	uint8_t icmp[ICMP_BYTES + IPV4_BYTES + 8] = {type, code};
	uint8_t *tcp = icmp + ICMP_BYTES + IPV4_BYTES;
	uint16_t checksum;

	wire_put32(icmp + 4, word);
	ipv4_build(icmp + ICMP_BYTES, &h);
	wire_put16(tcp, 5060);
	wire_put16(tcp + 2, 40000);
	wire_put32(tcp + 4, 0xfffffff0);
	checksum = checksum_end(checksum_add(0, icmp, sizeof(icmp)));
	memcpy(icmp + 2, &checksum, sizeof(checksum));
	return frame_ip(frame, &path, IP_PROTOCOL_ICMP, IP_HOP_LIMIT, view_of(icmp, sizeof(icmp)));
}

static void too_big_is_told_with_its_mtu(void **state)
{
	const struct net_error *e = &world.arrivals.errors[0];
	struct net_datagram d;
	size_t n = icmp4_error(ICMP_UNREACHABLE, 4, 1400, "192.0.2.1");
	struct ip_addr local = world_ip("192.0.2.1"), remote = world_ip("203.0.113.7");

	(void)state;
	assert_int_equal(world_receive(0, view_of(frame, n), &d), REASON_icmp_error_taken);
	assert_int_equal(world.arrivals.n_errors, 1);
	assert_int_equal(e->mtu, 1400);
	assert_int_equal(e->first_word, 0xfffffff0);
	assert_true(ip_equal(&e->local.ip, &local));
	assert_true(ip_equal(&e->remote.ip, &remote));
	assert_int_equal(e->local.port, 5060);
	assert_int_equal(e->remote.port, 40000);
}

static void an_error_about_a_packet_that_is_not_ours_is_not_told(void **state)
{
	struct net_datagram d;
	size_t n = icmp4_error(ICMP_UNREACHABLE, 1, 0, "192.0.2.9");

	(void)state;
	assert_int_equal(world_receive(0, view_of(frame, n), &d), REASON_icmp_unhandled);
	assert_int_equal(world.arrivals.n_errors, 0);
}

static struct rte_mbuf *output(const char *local, const char *remote, uint16_t segment_bytes)
{
	struct ip_addr from = world_ip(local), to = world_ip(remote);
	struct frame_path path = {.source = from, .destination = to};
	struct net_segment_out how = {.local = &from,
		.remote = &to,
		.listener = from.family == IP_V4 ? 0 : 1,
		.header_bytes = TCP_BYTES,
		.segment_bytes = segment_bytes};
	uint8_t segment[64];
	unsigned port;

	segment_of(segment, &path);
	segment[TCP_CHECKSUM_AT] = segment[TCP_CHECKSUM_AT + 1] = 0;
	net_output_segment(
		world.net, world_packet_of(view_of(segment, SEGMENT_BYTES)), &how, world.now);
	return world_next_sent(&port);
}

// Makes the neighbour known.
static void introduce(const char *from, const char *to)
{
	struct frame_path path = world_path(0, from, to);
	struct arp arp = {
		.operation = ARP_REQUEST, .sender_ip = path.source, .target_ip = path.destination};
	struct nd_message nd = {.type = ICMP6_NEIGHBOUR_SOLICITATION,
		.target = path.destination,
		.mac = path.source_mac};
	struct net_datagram d;
	size_t n;

	memcpy(arp.sender_mac, path.source_mac, sizeof(arp.sender_mac));
	n = path.source.family == IP_V4 ? frame_arp(frame, &path, &arp)
					: frame_nd(frame, &path, &nd);
	world_receive(0, view_of(frame, n), &d);
	// The first packet to it also asks whether it is still there.
	world_send(path.source.family == IP_V4 ? 0 : 1,
		path.source.family == IP_V4 ? "192.0.2.9:1" : "[2001:db8::9]:1", VIEW(""));
	world_forget_sent();
}

static void assert_sent_whole(const char *local, const char *remote)
{
	struct ip_header h;
	struct rte_mbuf *sent;
	struct view ip;

	introduce(remote, local);
	sent = output(local, remote, 0);
	assert_non_null(sent);
	ip = view_of(rte_pktmbuf_mtod_offset(sent, const uint8_t *, ETHER_BYTES),
		sent->pkt_len - ETHER_BYTES);
	assert_int_equal(ip.at[0] >> 4 == 4 ? ipv4_parse(ip, &h) : ipv6_parse(ip, &h), REASON_none);
	assert_int_equal(h.protocol, IP_PROTOCOL_TCP);
	assert_int_equal(h.payload_bytes, SEGMENT_BYTES);
	assert_true(tcp_checksum_holds(view_of(ip.at + h.n_bytes, h.payload_bytes), &h));
	rte_pktmbuf_free(sent);
	world_forget_sent();
}

static void a_segment_leaves_with_its_checksums(void **state)
{
	(void)state;
	assert_sent_whole("192.0.2.1", "192.0.2.9");
	assert_sent_whole("2001:db8::1", "2001:db8::9");
}

static void a_device_that_fills_checksums_gets_the_pseudo_header(void **state)
{
	struct ip_addr from = world_ip("192.0.2.1"), to = world_ip("192.0.2.9");
	uint8_t expected[TCP_BYTES] = {0};
	struct rte_mbuf *sent;

	(void)state;
	introduce("192.0.2.9", "192.0.2.1");
	world.ports[0].tx_tcp_checksum = true;
	world.ports[0].tx_ip_checksum = true;
	sent = output("192.0.2.1", "192.0.2.9", 0);
	assert_non_null(sent);
	assert_true(sent->ol_flags & RTE_MBUF_F_TX_TCP_CKSUM);
	assert_true(sent->ol_flags & RTE_MBUF_F_TX_IP_CKSUM);
	assert_int_equal(sent->l2_len, ETHER_BYTES);
	assert_int_equal(sent->l3_len, IPV4_BYTES);
	tcp_checksum_begin(expected, SEGMENT_BYTES, &from, &to);
	assert_memory_equal(rte_pktmbuf_mtod_offset(
				    sent, uint8_t *, ETHER_BYTES + IPV4_BYTES + TCP_CHECKSUM_AT),
		expected + TCP_CHECKSUM_AT, 2);
	rte_pktmbuf_free(sent);
	world_forget_sent();
}

static void a_device_that_cuts_gets_the_size(void **state)
{
	struct rte_mbuf *sent;

	(void)state;
	introduce("192.0.2.9", "192.0.2.1");
	world.ports[0].tx_tcp_checksum = true;
	world.ports[0].tx_ip_checksum = true;
	sent = output("192.0.2.1", "192.0.2.9", 2);
	assert_non_null(sent);
	assert_true(sent->ol_flags & RTE_MBUF_F_TX_TCP_SEG);
	assert_int_equal(sent->tso_segsz, 2);
	assert_int_equal(sent->l4_len, TCP_BYTES);
	rte_pktmbuf_free(sent);
	world_forget_sent();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
		TEST(a_segment_to_us_goes_up),
		TEST(without_a_tcp_listener_no_segment_goes_up),
		TEST(a_wrong_checksum_is_counted),
		TEST(a_segment_shorter_than_a_header_is_counted),
		TEST(the_device_is_believed_where_it_looks),
		TEST(too_big_is_told_with_its_mtu),
		TEST(an_error_about_a_packet_that_is_not_ours_is_not_told),
		TEST(a_segment_leaves_with_its_checksums),
		TEST(a_device_that_fills_checksums_gets_the_pseudo_header),
		TEST(a_device_that_cuts_gets_the_size),
#undef TEST
	};

	world_start("segment");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
