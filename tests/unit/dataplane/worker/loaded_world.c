// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/dataplane/worker/loaded_world.h"

#include "control/policy/builder.h"
#include "dataplane/core_map/machine.h"
#include "lib/base/wire.h"
#include "lib/tcp/segment.h"
#include "tests/unit/test.h"

#include <rte_cycles.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <unistd.h>

#define RING_FRAMES 2048
#define TURN_US     20
#define TURNS_MAX   2000000 // 40 s
#define RATE        4000
#define END_PACKETS 8192
#define WARM_UP_NS  20000000
#define END_MAC     16
#define DRAIN_NS    UINT64_C(20000000000) // where one is lost

struct loaded_world world;

static const char map_text[] =
	"hugepages: never\n"
	"main_core: 0\n"
	"idle: sleep\n"
	"memory: {packets: 8192, connections: 256, buffers: 16384}\n"
	"control: {user: nobody}\n"
	"ports:\n"
	"  - {name: in, device: net_ring_in, addresses: [10.10.0.1/24]}\n"
	"  - {name: out, device: net_ring_out, addresses: [192.0.2.1/24], gateway: 192.0.2.2}\n"
	"workers: [{core: 0}, {core: 1}]\n"
	"listeners:\n"
	"  - {name: in-udp, port: in, address: 10.10.0.1, udp: 5060, side: inside}\n"
	"  - {name: out-udp, port: out, address: 192.0.2.1, udp: 5060, side: outside}\n"
	"  - {name: in-tcp, port: in, address: 10.10.0.1, tcp: 5060, side: inside}\n"
	"  - {name: out-tcp, port: out, address: 192.0.2.1, tcp: 5060, side: outside}\n";

static const char *const end_names[WORLD_ENDS] = {"caller", "newcomer", "callee"};

static struct rte_ring *new_ring(const char *name, unsigned number)
{
	char text[32];
	struct rte_ring *ring;

	snprintf(text, sizeof(text), "%s%u", name, number);
	ring = rte_ring_create(text, RING_FRAMES, SOCKET_ID_ANY, 0);
	assert_non_null(ring);
	return ring;
}

// Ports of rings all have the same address, of zeros.
static struct rte_ether_addr mac_of(unsigned last)
{
	return (struct rte_ether_addr){{0x02, 0, 0, 0, 0, (uint8_t)last}};
}

static void make_end_map(enum world_end i, enum transport transport)
{
	static const char *const devices[] = {
		"net_ring_caller", "net_ring_newcomer", "net_ring_callee"};
	static const char *const addresses[] = {"192.0.2.2/24", "192.0.2.3/24", "10.10.0.2/24"};
	struct load_map_config config = {.device = devices[i],
		.address = addresses[i],
		.port = 5060,
		.n_packets = END_PACKETS,
		.n_conns = WORLD_CONNS,
		.transport = transport};
	struct errors errors;

	errors_init(&errors, "test");
	assert_int_equal(load_map(&config, &world.ends[i].map, &errors), 0);
	world.ends[i].port.map = &world.ends[i].map.ports[0];
}

static void open_end(enum world_end i)
{
	struct world_end_state *e = &world.ends[i];
	char error[CORE_MAP_ERROR_BYTES];

	make_end_map(i, TRANSPORT_TCP);
	e->at = i == WORLD_CALLEE ? WORLD_INSIDE : WORLD_OUTSIDE;
	e->rx = new_ring("end_rx", i);
	e->tx = new_ring("end_tx", i);
	assert_true(rte_eth_from_rings(end_names[i], &e->rx, 1, &e->tx, 1, 0) >= 0);
	assert_int_equal(pools_open(&e->pools, WORLD_WORKERS + i, 0, END_PACKETS), 0);
	assert_int_equal(ports_open(&e->map, &e->pools, &e->port, error), 0);
	e->port.mac = mac_of(END_MAC + i);
}

static void open_ports(void)
{
	static const char *const names[WORLD_PORTS] = {"in", "out"};
	char error[CORE_MAP_ERROR_BYTES];

	for (unsigned p = 0; p < WORLD_PORTS; p++) {
		for (unsigned w = 0; w < WORLD_WORKERS; w++) {
			world.rx[p][w] = new_ring("rx", p * WORLD_WORKERS + w);
			world.tx[p][w] = new_ring("tx", p * WORLD_WORKERS + w);
		}
		assert_true(rte_eth_from_rings(names[p], world.rx[p], WORLD_WORKERS, world.tx[p],
				    WORLD_WORKERS, 0) >= 0);
	}
	for (unsigned w = 0; w < WORLD_WORKERS; w++)
		assert_int_equal(pools_open(&world.pools[w], w, 0, world.map.n_packets), 0);
	assert_int_equal(ports_open(&world.map, world.pools, world.ports, error), 0);
	for (unsigned p = 0; p < WORLD_PORTS; p++)
		world.ports[p].mac = mac_of(p);
}

// The machine of the test has two cores, whatever the real one has; EAL runs on one.
int loaded_world_open(void **state)
{
	struct machine machine = {.n_cores = 2, .core_usable = {true, true}, .n_nodes = 1};
	static struct errors errors, warnings;
	static struct core_map bare;
	char error[CORE_MAP_ERROR_BYTES];

	(void)state;
	errors_init(&errors, "m");
	errors_init(&warnings, "m");
	assert_int_equal(
		core_map_parse(view_string(map_text), &machine, &world.map, &errors, &warnings), 0);
	bare = world.map;
	bare.n_ports = 0;
	bare.workers[1].core = 0;
	bare.n_packets *= 5; // the ends' too, with their engines
	assert_int_equal(eal_start(&bare, error), 0);
	open_ports();
	for (unsigned i = 0; i < WORLD_ENDS; i++)
		open_end((enum world_end)i);
	return 0;
}

int loaded_world_close(void **state)
{
	(void)state;
	for (unsigned i = 0; i < WORLD_ENDS; i++) {
		ports_close(&world.ends[i].map, &world.ends[i].port);
		pools_close(&world.ends[i].pools);
	}
	ports_close(&world.map, world.ports);
	for (unsigned w = 0; w < WORLD_WORKERS; w++)
		pools_close(&world.pools[w]);
	eal_stop();
	return 0;
}

static uint32_t add_peer(
	struct builder *b, enum transport transport, const char *hop, const char *source)
{
	struct endpoint e;
	struct ip_prefix prefix;
	int64_t peer;

	assert_int_equal(endpoint_parse(view_string(hop), 5060, transport, &e), 0);
	assert_int_equal(ip_prefix_parse(view_string(source), &prefix), 0);
	peer = builder_add_peer(b, &e, 1, &prefix, 1, IMAGE_RULE(0, 1));
	assert_true(peer >= 0);
	return (uint32_t)peer;
}

static void add_name(struct builder *b, const char *name, enum image_list list, uint32_t peer)
{
	struct domain d;
	enum image_list other_list;
	image_rule_id other;

	assert_int_equal(domain_canonical(view_string(name), &d), 0);
	assert_int_equal(
		builder_add_name(b, &d, list, peer, IMAGE_RULE(0, 2), &other_list, &other), 0);
}

static int make_image(enum transport transport, size_t *n_bytes)
{
	const struct builder_settings settings = {
		.flags = IMAGE_FEDERATION_ON | IMAGE_SIP_ON,
		.body_bytes_max = 1000000,
		.relay_key = {1, 2, 3},
	};
	struct builder *b = builder_new(&settings);
	struct image_info info;
	int fd;

	assert_non_null(b);
	assert_int_equal(builder_add_source(b, VIEW("test")), 0);
	add_name(b, "contoso.example", IMAGE_LOCAL,
		add_peer(b, transport, "10.10.0.2", "10.10.0.0/24"));
	add_name(b, "fabrikam.example", IMAGE_ALLOW,
		add_peer(b, transport, "192.0.2.2", "192.0.2.0/24"));
	fd = builder_finish(b, 1, &info);
	assert_true(fd >= 0);
	builder_free(b);
	*n_bytes = (size_t)lseek(fd, 0, SEEK_END);
	return fd;
}

static void publish(enum transport transport)
{
	struct attach_publish request = {.generation = 1};
	struct attach_published result;
	int fd = make_image(transport, &request.n_bytes);

	world.publisher = (struct publisher){.workers = world.workers, .n_workers = WORLD_WORKERS};
	assert_int_equal(publisher_publish(&world.publisher, fd, &request, &result), 0);
	assert_true(result.ok);
	close(fd);
}

static void open_load(enum world_end i, enum transport transport)
{
	struct world_end_state *e = &world.ends[i];
	struct load_config config = {.map = &e->map,
		.port = &e->port,
		.pools = &e->pools,
		.clock = &world.now,
		.n_conns = WORLD_CONNS,
		.mix = MIX_MESSAGE,
		.from_domain = "fabrikam.example",
		.to_domain = "contoso.example"};

	make_end_map(i, transport);
	if (i != WORLD_CALLEE) {
		config.target = (struct endpoint){
			.ip = {.bytes = {192, 0, 2, 1}, .family = IP_V4}, .port = 5060};
		config.target.transport = transport;
	}
	e->load = load_new(&config);
	assert_non_null(e->load);
}

void loaded_world_begin(enum transport transport, enum device device)
{
	world.device = device;
	world.n_shuffled = 0;
	world.n_lost = 0;
	world.n_overtaken = 0;
	world.meanwhile = NULL;
	memset(world.hashed, 0, sizeof(world.hashed));
	world.exchange = exchange_new(WORLD_WORKERS);
	world.workers =
		aligned_alloc(_Alignof(struct worker), WORLD_WORKERS * sizeof(*world.workers));
	assert_true(world.exchange != NULL && world.workers != NULL);
	// A device of rings knows no hash; the one between them and fedload does.
	for (unsigned p = 0; p < WORLD_PORTS; p++)
		world.ports[p].rx_hash = device_promises(device);
	for (unsigned w = 0; w < WORLD_WORKERS; w++)
		assert_int_equal(worker_init(&world.workers[w], &world.map, w, world.ports,
					 &world.pools[w], world.exchange),
			0);
	world.now = rte_rdtsc(); // by which the workers have begun
	publish(transport);
	open_load(WORLD_CALLEE, transport);
	open_load(WORLD_CALLER, transport);
}

void loaded_world_add_newcomer(enum transport transport)
{
	open_load(WORLD_NEWCOMER, transport);
}

// How many segments of a flow have come since its SYN, and the second, which is kept back.
static struct lagging {
	uint8_t n_come; // 0: no SYN was seen
	struct rte_mbuf *kept;
} lagging[WORLD_PORTS][65536];

static struct lagging *flow_of(enum world_port p, const struct rte_mbuf *frame)
{
	const uint8_t *at = rte_pktmbuf_mtod(frame, const uint8_t *);

	if (wire_get16(at + 12) != RTE_ETHER_TYPE_IPV4 || at[23] != IPPROTO_TCP)
		return NULL;
	return &lagging[p][wire_get16(at + 34)];
}

static bool is_first_syn(const struct rte_mbuf *frame)
{
	return (*rte_pktmbuf_mtod_offset(frame, const uint8_t *, 47) & (TCP_SYN | TCP_ACK)) ==
		TCP_SYN;
}

static void put_in_queue(enum world_port p, unsigned queue, struct rte_mbuf *frame)
{
	if (rte_ring_enqueue(world.rx[p][queue], frame) == 0)
		return;
	world.n_lost++;
	rte_pktmbuf_free(frame);
}

// Keeps the segment behind a SYN until four have overtaken it; then it comes by the other queue.
// True when it took the frame.
static bool lag(enum world_port p, unsigned owner, struct rte_mbuf *frame)
{
	struct lagging *flow = flow_of(p, frame);

	if (flow == NULL)
		return false;
	if (is_first_syn(frame)) {
		rte_pktmbuf_free(flow->kept); // of one that began anew
		*flow = (struct lagging){.n_come = 1};
		return false;
	}
	if (flow->n_come == 0)
		return false;
	if (++flow->n_come == 2) {
		flow->kept = frame;
		return true;
	}
	if (flow->n_come < 6)
		return false;
	put_in_queue(p, owner, frame);
	put_in_queue(p, 1 - owner, flow->kept);
	*flow = (struct lagging){0};
	world.n_overtaken++;
	return true;
}

static void let_go_of_laggards(void)
{
	for (unsigned p = 0; p < WORLD_PORTS; p++) {
		for (unsigned i = 0; i < 65536; i++)
			rte_pktmbuf_free(lagging[p][i].kept);
	}
	memset(lagging, 0, sizeof(lagging));
}

static void empty(struct rte_ring *ring)
{
	void *frame;

	while (rte_ring_dequeue(ring, &frame) == 0)
		rte_pktmbuf_free(frame);
}

int loaded_world_end(void **state)
{
	(void)state;
	if (world.workers == NULL)
		return 0;
	for (unsigned i = 0; i < WORLD_ENDS; i++) {
		load_free(world.ends[i].load);
		world.ends[i].load = NULL;
		empty(world.ends[i].tx);
		empty(world.ends[i].rx);
	}
	let_go_of_laggards();
	publisher_fini(&world.publisher);
	for (unsigned w = 0; w < WORLD_WORKERS; w++)
		worker_fini(&world.workers[w]);
	for (unsigned p = 0; p < WORLD_PORTS; p++) {
		for (unsigned w = 0; w < WORLD_WORKERS; w++) {
			empty(world.rx[p][w]);
			empty(world.tx[p][w]);
		}
	}
	exchange_free(world.exchange);
	free(world.workers);
	world.workers = NULL;
	return 0;
}

void loaded_world_receive(enum world_port p, struct rte_mbuf *frame)
{
	const struct port *port = &world.ports[p];
	bool is_ip;
	unsigned queue = device_spread(world.device, port, frame, &world.n_shuffled, &is_ip);

	if (world.device == DEVICE_QUIET && lag(p, queue, frame))
		return;
	world.hashed[p][queue] |= is_ip;
	put_in_queue(p, queue, frame);
}

static void give_to(struct world_end_state *e, struct rte_mbuf *frame)
{
	if (e->load == NULL || rte_ring_enqueue(e->rx, frame) != 0)
		rte_pktmbuf_free(frame);
}

// A frame from the relay: to whoever has its address, to all when it is for all.
static void pass_on(enum world_port p, struct rte_mbuf *frame)
{
	const struct rte_ether_addr *to = rte_pktmbuf_mtod(frame, const struct rte_ether_addr *);

	for (unsigned i = 0; i < WORLD_ENDS; i++) {
		struct world_end_state *e = &world.ends[i];

		if (e->at != p)
			continue;
		if (rte_is_multicast_ether_addr(to)) {
			give_to(e, rte_pktmbuf_copy(frame, e->pools.small, 0, UINT32_MAX));
		} else if (rte_is_same_ether_addr(to, &e->port.mac)) {
			give_to(e, frame);
			return;
		}
	}
	rte_pktmbuf_free(frame);
}

static void carry(void)
{
	void *frame;

	for (unsigned i = 0; i < WORLD_ENDS; i++) {
		while (rte_ring_dequeue(world.ends[i].tx, &frame) == 0)
			loaded_world_receive(world.ends[i].at, frame);
	}
	for (unsigned p = 0; p < WORLD_PORTS; p++) {
		for (unsigned w = 0; w < WORLD_WORKERS; w++) {
			while (rte_ring_dequeue(world.tx[p][w], &frame) == 0)
				pass_on((enum world_port)p, frame);
		}
	}
}

// Nobody but the owner of a slot asks, and others do not listen.
static void allow_server(struct worker *w)
{
	for (uint8_t slot = 0; slot < LINK_TARGET_SLOTS; slot++) {
		struct link_message m = {
			.type = LINK_TARGET_OPEN, .n_bytes = LINK_BYTES_TARGET_OPEN};

		m.target_open.target.remote =
			(struct endpoint){.ip = {.bytes = {10, 10, 0, 2}, .family = IP_V4},
				.port = 5060,
				.transport = TRANSPORT_TCP};
		m.target_open.target.listener = 2;
		m.target_open.target.slot = slot;
		m.target_open.address = m.target_open.target.remote;
		streams_hear(w->streams, &m, worker_ns(w, world.now));
	}
}

void loaded_world_turn(void)
{
	static unsigned n;

	world.now += rte_get_tsc_hz() / 1000000 * TURN_US;
	if (world.meanwhile != NULL)
		world.meanwhile(world.meanwhile_arg);
	for (unsigned i = 0; i < WORLD_ENDS; i++) {
		if (world.ends[i].load != NULL)
			load_turn(world.ends[i].load);
	}
	for (unsigned w = 0; w < WORLD_WORKERS; w++)
		worker_turn_at(&world.workers[w], world.now);
	carry();
	if (n++ % 32 > 0)
		return;
	for (unsigned w = 0; w < WORLD_WORKERS; w++)
		allow_server(&world.workers[w]);
}

// Why messages were lost.
static void say_counters(void)
{
	for (unsigned r = 0; r < REASON_N; r++) {
		if (loaded_world_count((enum reason)r) > 0)
			print_message("%s: %lu\n", reason_name((enum reason)r),
				(unsigned long)loaded_world_count((enum reason)r));
	}
}

void loaded_world_get_through(enum world_end caller)
{
	for (unsigned n = 0; !load_is_through(world.ends[caller].load); n++) {
		if (n == TURNS_MAX)
			say_counters();
		assert_true(n < TURNS_MAX);
		loaded_world_turn();
	}
}

void loaded_world_call(enum world_end caller, unsigned n_requests)
{
	// The first messages may be too many for a worker that still asks for its neighbours.
	const struct trial_times times = {.warm_up_ns = WARM_UP_NS,
		.measure_ns = (uint64_t)n_requests * 1000000000 / RATE,
		.drain_ns = DRAIN_NS};
	struct load *load = world.ends[caller].load;
	struct load_result result;

	load_start(load, RATE, &times);
	for (unsigned n = 0; !load_is_done(load); n++) {
		assert_true(n < TURNS_MAX);
		loaded_world_turn();
	}
	load_result(load, &result);
	if (!load_passed(&result, 0))
		say_counters();
	assert_int_equal(result.caller->n_due, n_requests);
	assert_int_equal(result.caller->n_answered, n_requests);
	assert_int_equal(caller_wrong(result.caller), 0);
	assert_true(load_passed(&result, 0));
}

void loaded_world_settle(void)
{
	for (unsigned n = 0, n_idle = 0; n_idle < 64; n++) {
		uint64_t found = 0;

		assert_true(n < TURNS_MAX);
		for (unsigned w = 0; w < WORLD_WORKERS; w++)
			found -= world.workers[w].counters.polls_empty;
		loaded_world_turn();
		for (unsigned w = 0; w < WORLD_WORKERS; w++)
			found += world.workers[w].counters.polls_empty;
		n_idle = found == WORLD_WORKERS ? n_idle + 1 : 0;
	}
}

uint64_t loaded_world_count(enum reason reason)
{
	uint64_t n = 0;

	for (unsigned w = 0; w < WORLD_WORKERS; w++)
		n += world.workers[w].counters.reason[reason];
	return n;
}
