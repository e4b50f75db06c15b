// SPDX-License-Identifier: BSD-3-Clause

#include "tests/bench/relay_world.h"

#include "dataplane/core_map/machine.h"
#include "lib/base/wire.h"
#include "tests/bench/frame.h"

#include <rte_cycles.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <stdlib.h>

static const char map_text[] =
	"hugepages: auto\n"
	"main_core: %u\n"
	"idle: sleep\n" // lets worker and main share a core; the bench drives the turns itself
	"memory: {packets: 16384%s}\n"
	"control: {user: nobody}\n"
	"ports:\n"
	"  - {name: in, device: net_ring_in, addresses: [10.10.0.1/24, \"fd10::1/64\"]}\n"
	"  - {name: out, device: net_ring_out, addresses: [192.0.2.1/24, \"2001:db8::1/64\"],"
	"      gateway: 192.0.2.254}\n"
	"workers: [{core: %u}]\n"
	"listeners:\n"
	"  - {name: in4, port: in, address: 10.10.0.1, udp: 5060, side: inside}\n"
	"  - {name: in6, port: in, address: \"fd10::1\", udp: 5060, side: inside}\n"
	"  - {name: out4, port: out, address: 192.0.2.1, udp: 5060, side: outside}\n"
	"  - {name: out6, port: out, address: \"2001:db8::1\", udp: 5060, side: outside}\n";
// Added where TCP is measured, and where TLS is.
static const char tcp_listeners[] =
	"  - {name: in4-tcp, port: in, address: 10.10.0.1, tcp: 5060, side: inside}\n"
	"  - {name: out4-tcp, port: out, address: 192.0.2.1, tcp: 5060, side: outside}\n";
static const char tls_listeners[] =
	"  - {name: in4-tls, port: in, address: 10.10.0.1, tls: 5061, side: inside}\n"
	"  - {name: out4-tls, port: out, address: 192.0.2.1, tls: 5061, side: outside}\n";

static const uint8_t server_mac[6] = {0x02, 0, 0, 0, 0, 0x11};

__attribute__((noreturn)) static void give_up(const char *what, const char *why)
{
	fprintf(stderr, "bench: %s: %s\n", what, why);
	exit(1);
}

// For as many partners over TLS as a bench with peers of its own has.
static const char for_many[] = ", connections: 16384, buffers: 32768";

static void read_map(struct relay_world *w, unsigned core, enum transport transport, bool many)
{
	static struct machine machine;
	struct errors errors, warnings;
	char text[sizeof(map_text) + sizeof(for_many) + sizeof(tcp_listeners) +
		sizeof(tls_listeners) + 32];
	const char *memory = many ? for_many : "";

	errors_init(&errors, "map");
	errors_init(&warnings, "map");
	snprintf(text, sizeof(text), map_text, core == 0 ? 1U : 0U, memory, core);
	if (machine_read("", &machine) < 0)
		give_up("machine", "cannot be read");
	if (!machine.core_usable[core == 0 ? 1 : 0])
		snprintf(text, sizeof(text), map_text, core, memory, core);
	if (transport_is_stream(transport))
		strcat(text, tcp_listeners);
	if (transport == TRANSPORT_TLS)
		strcat(text, tls_listeners);
	if (core_map_parse(view_string(text), &machine, &w->map, &errors, &warnings) < 0)
		give_up("core map", errors.text[0]);
}

static struct rte_ring *new_ring(const char *name, unsigned n)
{
	struct rte_ring *ring =
		rte_ring_create(name, n, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);

	if (ring == NULL)
		give_up("rings", "no memory");
	return ring;
}

// n_frames: that a ring holds; 0: the usual.
static void open_ports(struct relay_world *w, unsigned n_frames)
{
	const unsigned n_rx = n_frames != 0 ? n_frames : 2 * RELAY_WORLD_DESCRIPTORS;
	const unsigned n_tx = n_frames != 0 ? n_frames : 8 * RELAY_WORLD_DESCRIPTORS;
	struct core_map without_ports = w->map;
	char error[CORE_MAP_ERROR_BYTES];

	// The devices do not come from EAL's command line: their rings are this bench's.
	without_ports.n_ports = 0;
	// And there may be peers beside the worker, with pools and engines of their own.
	without_ports.n_packets *= n_frames != 0 ? 24 : 1;
	if (eal_start(&without_ports, error) < 0)
		give_up("EAL", error);
	w->rx[0] = new_ring("rx0", n_rx);
	w->rx[1] = new_ring("rx1", n_rx);
	w->tx[0] = new_ring("tx0", n_tx);
	w->tx[1] = new_ring("tx1", n_tx);
	if (rte_eth_from_rings("in", &w->rx[0], 1, &w->tx[0], 1, 0) < 0 ||
		rte_eth_from_rings("out", &w->rx[1], 1, &w->tx[1], 1, 0) < 0)
		give_up("ports", "net_ring refuses");
	if (pools_open(&w->pools, 0, w->map.workers[0].numa_node, w->map.n_packets) < 0)
		give_up("pools", "no memory");
	if (ports_open(&w->map, &w->pools, w->ports, error) < 0)
		give_up("ports", error);
	// Of TCP whole segments, but no more than a queue holds. A stack, as the worker's own
	// pools.
	w->feed = rte_pktmbuf_pool_create_by_ops("feed",
		(w->map.tcp.n_conns > 0 ? 4 : 8) * RELAY_WORLD_DESCRIPTORS - 1, 256, 0,
		w->map.tcp.n_conns > 0 ? 1728 : 1024, SOCKET_ID_ANY, "lf_stack");
	if (w->feed == NULL)
		give_up("feed", "no memory");
}

static void open_worker(struct relay_world *w)
{
	w->exchange = exchange_new(1);
	w->worker = aligned_alloc(_Alignof(struct worker), sizeof(*w->worker));
	if (w->exchange == NULL || w->worker == NULL ||
		worker_init(w->worker, &w->map, 0, w->ports, &w->pools, w->exchange) < 0)
		give_up("worker", "does not start");
	w->publisher.workers = w->worker;
	w->publisher.n_workers = 1;
	if (w->worker->streams != NULL)
		w->control = control_end_open(w->worker);
}

static void make_frames(struct relay_world *w)
{
	struct frame_ends ends4 = {
		.family = IP_V4, .source_ip = {192, 0, 2, 2}, .destination_ip = {192, 0, 2, 1}};
	struct frame_ends ends6 = {.family = IP_V6,
		.source_ip = {0x20, 0x01, 0x0d, 0xb8, [15] = 2},
		.destination_ip = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
	const uint8_t *mac = w->ports[RELAY_WORLD_OUTSIDE].mac.addr_bytes;

	memcpy(ends4.destination_mac, mac, 6);
	memcpy(ends6.destination_mac, mac, 6);
	for (uint32_t i = 0; i < TRAFFIC_MESSAGES; i++) {
		uint8_t message[TRAFFIC_MESSAGE_BYTES];
		bool six = i % 2 == 1;

		traffic_message(i, six ? "[2001:db8::2]:5060" : "192.0.2.2:5060", message);
		frame_build(six ? &ends6 : &ends4, message, sizeof(message),
			w->frames + (size_t)i * RELAY_WORLD_FRAME_BYTES);
	}
}

struct relay_world *relay_world_open(unsigned core, enum transport transport)
{
	return relay_world_open_deep(core, transport, 0);
}

struct relay_world *relay_world_open_deep(
	unsigned core, enum transport transport, unsigned n_frames)
{
	struct relay_world *w = calloc(1, sizeof(*w));

	if (w == NULL)
		give_up("world", "no memory");
	w->frames = malloc((size_t)TRAFFIC_MESSAGES * RELAY_WORLD_FRAME_BYTES);
	w->branch = calloc(TRAFFIC_MESSAGES, sizeof(*w->branch));
	w->family = calloc(TRAFFIC_MESSAGES, 1);
	w->n_seen = calloc(TRAFFIC_MESSAGES, 1);
	if (w->frames == NULL || w->branch == NULL || w->family == NULL || w->n_seen == NULL)
		give_up("world", "no memory");
	read_map(w, core, transport, n_frames != 0 && transport == TRANSPORT_TLS);
	open_ports(w, n_frames);
	open_worker(w);
	make_frames(w);
	return w;
}

void relay_world_close(struct relay_world *w)
{
	publisher_fini(&w->publisher);
	worker_fini(w->worker);
	if (w->control != NULL)
		control_end_close(w->control);
	exchange_free(w->exchange);
	ports_close(&w->map, w->ports);
	pools_close(&w->pools);
	rte_mempool_free(w->feed);
	eal_stop();
	free(w->worker);
	free(w->n_seen);
	free(w->family);
	free(w->branch);
	free(w->frames);
	free(w);
}

void relay_world_publish(struct relay_world *w, int fd, size_t n_bytes, uint64_t generation)
{
	struct attach_publish request = {.generation = generation, .n_bytes = n_bytes};
	struct attach_published result;

	worker_turn(w->worker);
	if (publisher_publish(&w->publisher, fd, &request, &result) < 0 || !result.ok)
		give_up("publish", result.error);
	worker_turn(w->worker);
	if (atomic_load(&w->worker->applied_generation) != w->publisher.current)
		give_up("publish", "the worker did not take it up");
}

struct rte_mbuf *relay_world_frame(struct relay_world *w, uint32_t index)
{
	const uint8_t *frame = w->frames + (size_t)index * RELAY_WORLD_FRAME_BYTES;
	struct rte_mbuf *m = rte_pktmbuf_alloc(w->feed);
	uint16_t n_bytes = index % 2 == 1 ? RELAY_WORLD_FRAME_BYTES : RELAY_WORLD_FRAME_BYTES - 20;

	if (m != NULL)
		memcpy(rte_pktmbuf_append(m, n_bytes), frame, n_bytes);
	return m;
}

void relay_world_teach(struct relay_world *w)
{
	static const struct ip_addr servers[] = {{.family = IP_V4, .bytes = {10, 10, 0, 2}},
		{.family = IP_V6, .bytes = {0xfd, 0x10, [15] = 2}}};

	for (unsigned i = 0; i < 2; i++) {
		struct net_neighbour n = {.port = RELAY_WORLD_INSIDE,
			.ip = servers[i],
			.answers = true,
			.override = true};

		memcpy(n.mac.addr_bytes, server_mac, 6);
		net_learn(w->worker->net, &n, rte_rdtsc());
	}
}

static void wrong(struct relay_world *w, const char *what, const struct frame_payload *p)
{
	if (w->n_wrong++ == 0)
		snprintf(w->wrong, sizeof(w->wrong), "%s: %.120s", what,
			p != NULL ? (const char *)p->at : "");
}

// Where the part begins that the relay leaves as it was.
static const uint8_t *find_from(const uint8_t *at, size_t n_bytes)
{
	return memmem(at, n_bytes, "\r\nFrom: ", 8);
}

// Call-ID is eight digits of noise and eight of the index.
static bool read_index(const uint8_t *from, size_t n_bytes, uint32_t *index)
{
	const uint8_t *at = memmem(from, n_bytes, "\r\nCall-ID: ", 11);
	char digits[9] = "";

	if (at == NULL || (size_t)(at - from) + 27 > n_bytes)
		return false;
	memcpy(digits, at + 19, 8);
	*index = (uint32_t)strtoul(digits, NULL, 16);
	return *index < TRAFFIC_MESSAGES;
}

// "Via: SIP/2.0/UDP <sent-by>;branch=z9hG4bK" and 16 digits, as the first header field.
static bool read_branch(const struct frame_payload *p, const char *sent_by, uint64_t *branch)
{
	const uint8_t *line = memmem(p->at, p->n_bytes, "\r\n", 2);
	char expected[80], digits[17] = "";
	size_t n = (size_t)snprintf(
		expected, sizeof(expected), "\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK", sent_by);
	char *end;

	if (line == NULL || (size_t)(line - p->at) + n + 17 > p->n_bytes ||
		memcmp(line, expected, n) != 0)
		return false;
	memcpy(digits, line + n, 16);
	*branch = strtoull(digits, &end, 16);
	return end == digits + 16 && *branch != 0 && strchr(";\r", line[n + 16]) != NULL;
}

static void check_message(struct relay_world *w, const struct frame_payload *p)
{
	const uint8_t *from = find_from(p->at, p->n_bytes), *sent, *sent_from;
	const char *sent_by = p->family == IP_V4 ? "10.10.0.1:5060" : "[fd10::1]:5060";
	uint64_t branch;
	uint32_t index;
	size_t n_rest;

	if (from == NULL || !read_index(from, p->n_bytes - (size_t)(from - p->at), &index)) {
		wrong(w, "not a message of ours", p);
		return;
	}
	sent = w->frames + (size_t)index * RELAY_WORLD_FRAME_BYTES + (index % 2 == 1 ? 62 : 42);
	sent_from = find_from(sent, TRAFFIC_MESSAGE_BYTES);
	n_rest = TRAFFIC_MESSAGE_BYTES - (size_t)(sent_from - sent);
	if (n_rest != p->n_bytes - (size_t)(from - p->at) || memcmp(from, sent_from, n_rest) != 0)
		wrong(w, "changed beyond Via and Max-Forwards", p);
	else if (memmem(p->at, (size_t)(from - p->at), "\r\nMax-Forwards: 69", 18) == NULL)
		wrong(w, "Max-Forwards is not one less", p);
	else if (!read_branch(p, sent_by, &branch))
		wrong(w, "not our Via", p);
	else if (w->branch[index] != 0 && w->branch[index] != branch)
		wrong(w, "another branch than before", p);
	else if (w->family[index] != 0 && w->family[index] != p->family)
		wrong(w, "another next hop than before", p);
	else if (w->n_seen[index]++ == 0) {
		w->branch[index] = branch;
		w->family[index] = p->family;
	}
}

static void check_frame(struct relay_world *w, unsigned port, struct rte_mbuf *m)
{
	static const uint8_t from4[16] = {10, 10, 0, 1}, to4[16] = {10, 10, 0, 2};
	static const uint8_t from6[16] = {0xfd, 0x10, [15] = 1}, to6[16] = {0xfd, 0x10, [15] = 2};
	struct frame_ends ends;
	struct frame_payload p;
	const char *fault = frame_read(
		rte_pktmbuf_mtod(m, const uint8_t *), rte_pktmbuf_data_len(m), &ends, &p);
	bool four;

	if (fault == frame_not_udp) { // neighbours asked for, our address told
		w->n_other++;
		return;
	}
	four = fault == NULL && ends.family == IP_V4;
	if (fault != NULL)
		wrong(w, fault, NULL);
	else if (port != RELAY_WORLD_INSIDE || m->nb_segs != 1)
		wrong(w, "left by the wrong port", &p);
	else if (memcmp(ends.source_mac, w->ports[port].mac.addr_bytes, 6) != 0 ||
		memcmp(ends.destination_mac, server_mac, 6) != 0 ||
		memcmp(ends.source_ip, four ? from4 : from6, 16) != 0 ||
		memcmp(ends.destination_ip, four ? to4 : to6, 16) != 0)
		wrong(w, "wrong address", &p);
	else
		check_message(w, &p);
}

unsigned relay_world_check(struct relay_world *w)
{
	struct rte_mbuf *frames[QUEUE_BURST];
	unsigned n, n_all = 0;

	for (unsigned port = 0; port < RELAY_WORLD_PORTS; port++) {
		while ((n = rte_ring_sc_dequeue_burst(
				w->tx[port], (void **)frames, QUEUE_BURST, NULL)) > 0) {
			for (unsigned i = 0; i < n; i++)
				check_frame(w, port, frames[i]);
			rte_pktmbuf_free_bulk(frames, n);
			n_all += n;
		}
	}
	return n_all;
}

void relay_world_begin(struct relay_world *w)
{
	memset(w->n_seen, 0, TRAFFIC_MESSAGES);
	w->n_wrong = 0;
}

static int compare_branches(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

// No two messages may leave with one branch.
static uint64_t count_equal_branches(const struct relay_world *w)
{
	uint64_t *sorted = malloc(TRAFFIC_MESSAGES * sizeof(*sorted)), n_equal = 0;

	if (sorted == NULL)
		give_up("check", "no memory");
	memcpy(sorted, w->branch, TRAFFIC_MESSAGES * sizeof(*sorted));
	qsort(sorted, TRAFFIC_MESSAGES, sizeof(*sorted), compare_branches);
	for (uint32_t i = 1; i < TRAFFIC_MESSAGES; i++)
		n_equal += sorted[i] != 0 && sorted[i] == sorted[i - 1];
	free(sorted);
	return n_equal;
}

uint64_t relay_world_end(struct relay_world *w, uint32_t n_sent)
{
	uint64_t n_bad = w->n_wrong + count_equal_branches(w);

	for (uint32_t i = 0; i < n_sent; i++)
		n_bad += w->n_seen[i] != 1;
	if (n_bad > 0 && w->n_wrong > 0)
		fprintf(stderr, "bench: %s\n", w->wrong);
	return n_bad;
}
