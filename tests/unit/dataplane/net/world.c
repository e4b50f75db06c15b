// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/dataplane/net/world.h"

#include "dataplane/net/neighbour.h"

#include <rte_eal.h>
#include <stdlib.h>
#include <unistd.h>

struct world world;

static const struct rte_ether_addr port_macs[] = {
	{{0x02, 0, 0, 0, 0x01, 0}},
	{{0x02, 0, 0, 0, 0x02, 0}},
};

static void require(bool holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "world: %s\n", what);
		abort();
	}
}

// The device's place is taken by a list.
void queue_send(struct queue *q, struct rte_mbuf *frame)
{
	require(world.n_sent < WORLD_SENT_MAX, "too many frames sent");
	world.sent_port[world.n_sent] = (unsigned)(q - world.queues);
	world.sent[world.n_sent++] = frame;
}

struct ip_addr world_ip(const char *text)
{
	struct ip_addr ip;

	require(ip_parse(view_string(text), &ip) == 0, text);
	return ip;
}

static void add_address(struct core_map_port *p, const char *ip, uint8_t prefix_bits)
{
	p->addresses[p->n_addresses++] =
		(struct core_map_address){.ip = world_ip(ip), .prefix_bits = prefix_bits};
}

static void add_listener(unsigned port, const char *ip, uint16_t udp_port)
{
	world.map.listeners[world.map.n_listeners++] = (struct core_map_listener){.port = port,
		.local = {.ip = world_ip(ip), .port = udp_port, .transport = TRANSPORT_UDP}};
}

static void make_map(void)
{
	struct core_map_port *p = world.map.ports;

	world.map.n_ports = 2;
	world.map.n_packets = WORLD_PACKETS;
	add_address(&p[0], "192.0.2.1", 24);
	add_address(&p[0], "2001:db8::1", 64);
	p[0].gateway4 = world_ip("192.0.2.254");
	p[0].gateway6 = world_ip("2001:db8::fe");
	add_address(&p[1], "198.51.100.1", 25);
	p[1].vlan = 7;
	add_listener(0, "192.0.2.1", 5060);
	add_listener(0, "2001:db8::1", 5060);
	add_listener(1, "198.51.100.1", 5060);
	for (uint16_t i = 0; i < 2; i++) {
		p[i].mtu = WORLD_MTU;
		world.ports[i] = (struct port){
			.index = i, .mtu = WORLD_MTU, .vlan = p[i].vlan, .mac = port_macs[i]};
	}
}

void world_start(const char *name)
{
	char prefix[64];
	char *args[] = {"test", "--no-huge", "--no-pci", "--no-telemetry", "--no-shconf", "-m",
		"256", "--log-level=3", "--lcores=0@0", prefix};

	snprintf(prefix, sizeof(prefix), "--file-prefix=%s%d", name, (int)getpid());
	require(rte_eal_init((int)(sizeof(args) / sizeof(args[0])), args) >= 0, "no EAL");
	require(pools_open(&world.pools, 0, SOCKET_ID_ANY, WORLD_PACKETS) == 0, "no pools");
	make_map();
}

void world_open(void)
{
	const struct net_config config = {.map = &world.map,
		.ports = world.ports,
		.queues = world.queues,
		.pools = &world.pools,
		.counters = &world.counters,
		.numa_node = SOCKET_ID_ANY,
		.hz = WORLD_HZ};

	memset(&world.counters, 0, sizeof(world.counters));
	world.now = 1000 * WORLD_HZ;
	world.split_at = 0;
	world.net = net_new(&config);
	require(world.net != NULL, "no net");
	net_timers(world.net, world.now, 0);
	world.now += 2 * WORLD_HZ;
	net_timers(world.net, world.now, 0);
	world_forget_sent();
}

bool world_close(void)
{
	net_free(world.net);
	world_forget_sent();
	return rte_mempool_in_use_count(world.pools.small) == 0 &&
		rte_mempool_in_use_count(world.pools.large) == 0 &&
		rte_mempool_in_use_count(world.pools.reserve) == 0;
}

struct rte_mbuf *world_packet_of(struct view bytes)
{
	struct rte_mbuf *packet = pools_get(&world.pools, bytes.len);

	require(packet != NULL, "no packet");
	if (bytes.len > 0)
		memcpy(rte_pktmbuf_append(packet, (uint16_t)bytes.len), bytes.at, bytes.len);
	return packet;
}

static struct rte_mbuf *frame_of(struct view bytes)
{
	size_t first = world.split_at < bytes.len ? world.split_at : 0;
	struct rte_mbuf *head;

	if (first == 0)
		return world_packet_of(bytes);
	head = world_packet_of(view_of(bytes.at, first));
	require(rte_pktmbuf_chain(
			head, world_packet_of(view_of(bytes.at + first, bytes.len - first))) == 0,
		"no chain");
	return head;
}

enum reason world_receive_flags(
	unsigned port, struct view frame, uint64_t ol_flags, struct net_datagram *out)
{
	uint64_t before[REASON_N];
	struct rte_mbuf *packet = frame_of(frame);
	enum reason reason = REASON_none;
	struct net_arrivals *a = &world.arrivals;
	unsigned n_out, n_counted = 0;

	memcpy(before, world.counters.reason, sizeof(before));
	packet->ol_flags |= ol_flags;
	net_input(world.net, port, &packet, 1, world.now, a);
	n_out = a->n_datagrams + a->n_segments;
	if (a->n_datagrams > 0)
		*out = a->datagrams[0];
	for (unsigned r = 0; r < REASON_N; r++) {
		// Of datagrams that were held, not of this frame.
		if (r == REASON_ip_fragment_expired || world.counters.reason[r] == before[r])
			continue;
		n_counted += (unsigned)(world.counters.reason[r] - before[r]);
		reason = (enum reason)r;
	}
	return n_out + n_counted == 1 ? reason : REASON_N;
}

enum reason world_receive(unsigned port, struct view frame, struct net_datagram *out)
{
	return world_receive_flags(port, frame, 0, out);
}

void world_send(uint16_t listener, const char *destination, struct view payload)
{
	struct endpoint to;

	require(endpoint_parse(view_string(destination), 5060, TRANSPORT_UDP, &to) == 0,
		destination);
	net_output(world.net, world_packet_of(payload), listener, &to, world.now);
}

void world_pass(uint64_t microseconds)
{
	world.now += microseconds;
	net_timers(world.net, world.now, NEIGHBOUR_N);
}

struct rte_mbuf *world_next_sent(unsigned *port)
{
	struct rte_mbuf *frame = world.sent[0];

	if (world.n_sent == 0)
		return NULL;
	*port = world.sent_port[0];
	world.n_sent--;
	memmove(world.sent, world.sent + 1, world.n_sent * sizeof(world.sent[0]));
	memmove(world.sent_port, world.sent_port + 1, world.n_sent * sizeof(world.sent_port[0]));
	return frame;
}

void world_forget_sent(void)
{
	rte_pktmbuf_free_bulk(world.sent, world.n_sent);
	world.n_sent = 0;
}

void world_mac_of(const struct ip_addr *ip, uint8_t mac[ETHER_MAC_BYTES])
{
	memset(mac, 0, ETHER_MAC_BYTES);
	mac[0] = 0x06;
	mac[4] = ip->family == IP_V4 ? ip->bytes[2] : ip->bytes[14];
	mac[5] = ip->family == IP_V4 ? ip->bytes[3] : ip->bytes[15];
}

struct frame_path world_path(unsigned port, const char *from, const char *to)
{
	struct frame_path path = {.vlan = world.ports[port].vlan,
		.source = world_ip(from),
		.destination = world_ip(to)};

	world_mac_of(&path.source, path.source_mac);
	memcpy(path.destination_mac, world.ports[port].mac.addr_bytes, ETHER_MAC_BYTES);
	return path;
}
