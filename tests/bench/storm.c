// SPDX-License-Identifier: BSD-3-Clause

#include "tests/bench/storm.h"

#include "lib/base/wire.h"
#include "lib/net/ether.h"

#include <errno.h>
#include <rte_cycles.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <stdlib.h>

#define ADDRESS   "192.0.2.3"
#define N_PACKETS 32768
#define TLS_PORT  5061

// Where a frame has the last byte of an address of 192.0.2.0/24 that it is for, as IPv4 and as ARP.
#define AT_DESTINATION 33
#define AT_TARGET      41
static const uint8_t own_host = 3;

__attribute__((noreturn)) static void give_up(const char *what, const char *why)
{
	fprintf(stderr, "bench: storm: %s: %s\n", what, why);
	exit(1);
}

static bool is_ours(const struct rte_mbuf *frame)
{
	const uint8_t *at = rte_pktmbuf_mtod(frame, const uint8_t *);
	uint16_t type;

	if (rte_pktmbuf_data_len(frame) <= AT_TARGET)
		return false;
	type = wire_get16(at + 12);
	return (type == ETHER_TYPE_IPV4 && at[AT_DESTINATION] == own_host) ||
		(type == ETHER_TYPE_ARP && at[AT_TARGET] == own_host);
}

// What comes to the caller's port for us goes to ours.
static uint16_t divert(uint16_t port, uint16_t queue, struct rte_mbuf *frames[], uint16_t n,
	uint16_t n_max, void *arg)
{
	struct storm *s = arg;
	uint16_t n_left = 0;

	(void)port;
	(void)queue;
	(void)n_max;
	for (unsigned i = 0; i < n; i++) {
		if (!is_ours(frames[i])) {
			frames[n_left++] = frames[i];
		} else if (rte_ring_sp_enqueue(s->from_relay, frames[i]) != 0) {
			s->n_lost++;
			rte_pktmbuf_free(frames[i]);
		}
	}
	return n_left;
}

// On the wire of the caller's frames, in their order.
static uint16_t stamp(
	uint16_t port, uint16_t queue, struct rte_mbuf *frames[], uint16_t n, void *arg)
{
	const struct storm *s = arg;
	const uint64_t now = rte_rdtsc();

	(void)port;
	(void)queue;
	for (unsigned i = 0; i < n; i++)
		slow_wire_stamp(frames[i], now + s->among->wire_ticks, now);
	return n;
}

static void open_port(struct storm *s, uint32_t n_partners)
{
	const struct load_map_config config = {.device = "net_ring_storm",
		.address = ADDRESS "/24",
		.port = TLS_PORT,
		.n_packets = N_PACKETS,
		.n_conns = n_partners,
		.transport = TRANSPORT_TLS};
	struct rte_ring **to_relay = &s->among->world->rx[RELAY_WORLD_OUTSIDE];
	char error[CORE_MAP_ERROR_BYTES] = "no memory";
	struct errors errors;

	errors_init(&errors, "bench");
	if (load_map(&config, &s->map, &errors) < 0)
		give_up("core map", errors.text[0]);
	s->from_relay = rte_ring_create(
		"storm", SLOW_WIRE_FRAMES, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	// Its other end is the caller's too, of the same thread.
	if (s->from_relay == NULL ||
		rte_eth_from_rings("storm", &s->from_relay, 1, to_relay, 1, 0) < 0 ||
		pools_open(&s->pools, 1 + RELAY_LOAD_ENDS, 0, s->map.n_packets) < 0 ||
		ports_open(&s->map, &s->pools, &s->port, error) < 0)
		give_up("ports", error);
	if (rte_eth_add_tx_callback(s->port.id, 0, stamp, s) == NULL ||
		rte_eth_add_first_rx_callback(
			s->among->ends[RELAY_LOAD_CALLER].port.id, 0, divert, s) == NULL)
		give_up("ports", "no callbacks");
}

void storm_open(struct storm *s, struct relay_load *among, const char *ca, const char *domain,
	uint32_t n_partners)
{
	struct load_config config = {.map = &s->map,
		.port = &s->port,
		.pools = &s->pools,
		.target = {.ip = {.bytes = {192, 0, 2, 1}, .family = IP_V4},
			.port = TLS_PORT,
			.transport = TRANSPORT_TLS},
		.n_conns = n_partners,
		.mix = MIX_MESSAGE,
		.from_domain = domain,
		.to_domain = TRAFFIC_LOCAL_DOMAIN,
		.peer_name = TRAFFIC_LOCAL_DOMAIN};
	const struct identities_config identities = {
		.folder = ca, .domain = domain, .n_partners = n_partners};
	struct errors errors;

	*s = (struct storm){.among = among};
	errors_init(&errors, "bench");
	s->identities = identities_new(&identities, &errors);
	if (s->identities == NULL)
		give_up("certificates", errors.text[0]);
	open_port(s, n_partners);
	config.identities = s->identities;
	s->load = load_new(&config);
	if (s->load == NULL)
		give_up("fedload", strerror(errno));
}

void storm_close(struct storm *s)
{
	load_free(s->load);
	ports_close(&s->map, &s->port);
	pools_close(&s->pools);
	rte_ring_free(s->from_relay);
	identities_free(s->identities);
}
