// SPDX-License-Identifier: BSD-3-Clause

#include "tests/wire/ring_port.h"

#include "dataplane/core_map/machine.h"
#include "tests/wire/frame_port.h"

#include <errno.h>
#include <poll.h>
#include <rte_eth_ring.h>
#include <stdlib.h>
#include <unistd.h>

#define RING_FRAMES 4096
#define N_PACKETS   8192
#define N_CONNS     4096
#define N_BUFFERS   32768
#define BURST       64
#define PAUSE_NS    50000
#define MAP_BYTES   4096

__attribute__((noreturn)) static void give_up(const char *what)
{
	fprintf(stderr, "ring port: %s\n", what);
	exit(1);
}

static void write_map(const struct ring_port_config *config, FILE *f)
{
	fprintf(f,
		"hugepages: never\nmain_core: 0\nidle: sleep\n"
		"memory: {packets: %u, connections: %u, buffers: %u}\ncontrol: {user: nobody}\n"
		"ports:\n  - {name: p, device: net_ring_p, addresses: [",
		N_PACKETS, N_CONNS, N_BUFFERS);
	for (unsigned i = 0; i < config->n_addresses; i++)
		fprintf(f, "%s\"%s\"", i > 0 ? ", " : "", config->addresses[i]);
	fprintf(f, "]}\nworkers: [{core: 0}, {core: 1}]\nlisteners:\n");
	for (unsigned i = 0; i < config->n_addresses; i++)
		fprintf(f, "  - {name: l%u, port: p, address: \"%.*s\", tcp: %u, side: inside}\n",
			i, (int)strcspn(config->addresses[i], "/"), config->addresses[i],
			config->tcp_port);
}

static void read_map(struct ring_port *p, const struct ring_port_config *config)
{
	// Two cores, whatever the machine has: threads may share one.
	static const struct machine machine = {
		.n_cores = 2, .core_usable = {true, true}, .n_nodes = 1};
	struct errors errors, warnings;
	char text[MAP_BYTES] = "";
	FILE *f = fmemopen(text, sizeof(text) - 1, "w");

	if (f == NULL)
		give_up("no memory");
	write_map(config, f);
	fclose(f);
	errors_init(&errors, "map");
	errors_init(&warnings, "map");
	if (core_map_parse(view_string(text), &machine, &p->map, &errors, &warnings) != 0)
		give_up(errors.n > 0 ? errors.text[0] : "no memory");
}

static void start_eal(const struct ring_port *p)
{
	static struct core_map bare;
	char error[CORE_MAP_ERROR_BYTES];

	bare = p->map;
	bare.n_ports = 0;
	bare.n_packets *= 2; // the device's too
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		bare.workers[1].core = 0;
	if (eal_start(&bare, error) != 0)
		give_up(error);
}

static struct rte_ring *new_ring(const char *kind, unsigned number)
{
	char name[16];
	struct rte_ring *ring;

	snprintf(name, sizeof(name), "%s%u", kind, number);
	ring = rte_ring_create(name, RING_FRAMES, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (ring == NULL)
		give_up("no memory for rings");
	return ring;
}

void ring_port_open(struct ring_port *p, const struct ring_port_config *config)
{
	char error[CORE_MAP_ERROR_BYTES];

	p->device = config->device;
	read_map(p, config);
	start_eal(p);
	for (unsigned w = 0; w < RING_PORT_WORKERS; w++) {
		p->rx[w] = new_ring("rx", w);
		p->tx[w] = new_ring("tx", w);
	}
	if (rte_eth_from_rings("p", p->rx, RING_PORT_WORKERS, p->tx, RING_PORT_WORKERS, 0) < 0)
		give_up("no port of rings");
	for (unsigned w = 0; w <= RING_PORT_WORKERS; w++) {
		if (pools_open(&p->pools[w], w, 0, N_PACKETS) != 0)
			give_up("no memory for packets");
	}
	if (ports_open(&p->map, p->pools, &p->port, error) != 0)
		give_up(error);
	// A port of rings has an address of zeros and knows no hash.
	p->port.mac = (struct rte_ether_addr){{0x02, 0, 0, 0, (uint8_t)getpid(), 0x02}};
	p->port.rx_hash = device_promises(p->device);
	p->fd = frame_port_open(config->frame_port);
	if (p->fd < 0)
		give_up(strerror(errno));
}

// A frame off the wire, into the queue that the device chooses.
static void receive(struct ring_port *p, const uint8_t *bytes, size_t n_bytes)
{
	struct rte_mbuf *frame = pools_get(&p->pools[RING_PORT_WORKERS], n_bytes);
	char *at = frame != NULL ? rte_pktmbuf_append(frame, (uint16_t)n_bytes) : NULL;
	unsigned queue;
	bool is_ip;

	if (at != NULL) {
		memcpy(at, bytes, n_bytes);
		queue = device_spread(p->device, &p->port, frame, &p->n_shuffled, &is_ip);
		if (rte_ring_enqueue(p->rx[queue], frame) == 0)
			return;
	}
	p->n_lost++;
	rte_pktmbuf_free(frame);
}

static unsigned send_all(struct ring_port *p)
{
	uint8_t bytes[FRAME_BYTES_MAX];
	unsigned n = 0;

	for (unsigned w = 0; w < RING_PORT_WORKERS; w++) {
		void *got;

		for (unsigned i = 0; i < BURST && rte_ring_dequeue(p->tx[w], &got) == 0; i++, n++) {
			struct rte_mbuf *frame = got;
			uint32_t n_bytes = RTE_MIN(frame->pkt_len, sizeof(bytes));

			frame_port_send(p->fd, rte_pktmbuf_read(frame, 0, n_bytes, bytes), n_bytes);
			rte_pktmbuf_free(frame);
		}
	}
	return n;
}

bool ring_port_pump(struct ring_port *p)
{
	static const struct timespec pause = {.tv_nsec = PAUSE_NS};
	struct pollfd polled = {.fd = p->fd, .events = POLLIN};
	uint8_t bytes[FRAME_BYTES_MAX];
	bool is_up = true;
	unsigned n = send_all(p);
	size_t n_bytes = 1;

	for (unsigned i = 0; i < BURST && n_bytes > 0 && is_up; i++) {
		is_up = frame_port_receive(p->fd, bytes, &n_bytes);
		if (n_bytes >= RTE_ETHER_HDR_LEN) {
			receive(p, bytes, n_bytes);
			n++;
		}
	}
	if (n == 0)
		ppoll(&polled, 1, &pause, NULL);
	return is_up;
}
