// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/port/port.h"

#include <errno.h>
#include <rte_ethdev.h>
#include <stdarg.h>

// The key that Microsoft's specification of RSS verifies with: every device's documentation has
// it, so that a hash can be checked by hand. A longer one repeats it.
static const uint8_t rss_key[40] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
	0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77,
	0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

#define RSS_FIELDS                                                                        \
	(RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_UDP |        \
		RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_FRAG_IPV6 | \
		RTE_ETH_RSS_NONFRAG_IPV6_UDP | RTE_ETH_RSS_NONFRAG_IPV6_TCP)

__attribute__((format(printf, 4, 5))) static int fail(
	const struct port *port, int r, char error[CORE_MAP_ERROR_BYTES], const char *format, ...)
{
	int n = snprintf(
		error, CORE_MAP_ERROR_BYTES, "port %s (%s): ", port->map->name, port->map->device);
	va_list values;

	va_start(values, format);
	vsnprintf(error + n, (size_t)(CORE_MAP_ERROR_BYTES - n), format, values);
	va_end(values);
	return r;
}

static int find_device(struct port *port, char error[CORE_MAP_ERROR_BYTES])
{
	char name[CORE_MAP_DEVICE_BYTES];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(port->map->device, ","),
		port->map->device);
	if (rte_eth_dev_get_port_by_name(name, &port->id) != 0)
		return fail(port, -ENODEV, error, "no driver took the device");
	return 0;
}

static void choose_offloads(
	struct port *port, const struct rte_eth_dev_info *info, struct rte_eth_conf *conf)
{
	uint64_t rx = info->rx_offload_capa &
		(RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM |
			RTE_ETH_RX_OFFLOAD_TCP_CKSUM);
	uint64_t tx = info->tx_offload_capa &
		(RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM |
			RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_MULTI_SEGS);
	const uint64_t for_cutting = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM |
		RTE_ETH_TX_OFFLOAD_MULTI_SEGS;

	// What is cut has its checksums from the device, and comes in several buffers.
	if ((tx & for_cutting) == for_cutting)
		tx |= info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_TCP_TSO;
	conf->rxmode.offloads = rx;
	conf->txmode.offloads = tx;
	port->rx_ip_checksum = (rx & RTE_ETH_RX_OFFLOAD_IPV4_CKSUM) != 0;
	port->rx_udp_checksum = (rx & RTE_ETH_RX_OFFLOAD_UDP_CKSUM) != 0;
	port->rx_tcp_checksum = (rx & RTE_ETH_RX_OFFLOAD_TCP_CKSUM) != 0;
	port->tx_ip_checksum = (tx & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) != 0;
	port->tx_udp_checksum = (tx & RTE_ETH_TX_OFFLOAD_UDP_CKSUM) != 0;
	port->tx_tcp_checksum = (tx & RTE_ETH_TX_OFFLOAD_TCP_CKSUM) != 0;
	port->tx_tcp_segmentation = (tx & RTE_ETH_TX_OFFLOAD_TCP_TSO) != 0;
}

// Key and table are set here whether or not the device uses them: software steering does.
static void choose_rss(struct port *port, const struct rte_eth_dev_info *info,
	struct rte_eth_conf *conf, unsigned n_workers)
{
	uint64_t fields = info->flow_type_rss_offloads & RSS_FIELDS;

	port->rss_key_bytes = info->hash_key_size == sizeof(port->rss_key) ? sizeof(port->rss_key)
									   : sizeof(rss_key);
	for (unsigned i = 0; i < sizeof(port->rss_key); i++)
		port->rss_key[i] = rss_key[i % sizeof(rss_key)];
	port->reta_size = info->reta_size;
	if (port->reta_size == 0 || port->reta_size > PORT_RETA_MAX ||
		(port->reta_size & (port->reta_size - 1)) != 0)
		port->reta_size = 128;
	for (unsigned i = 0; i < port->reta_size; i++)
		port->reta[i] = (uint16_t)(i % n_workers);
	if (n_workers < 2 || fields == 0)
		return;
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	conf->rx_adv_conf.rss_conf.rss_hf = fields;
	if (info->hash_key_size == port->rss_key_bytes) {
		conf->rx_adv_conf.rss_conf.rss_key = port->rss_key;
		conf->rx_adv_conf.rss_conf.rss_key_len = (uint8_t)port->rss_key_bytes;
	}
	if (info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_RSS_HASH) {
		conf->rxmode.offloads |= RTE_ETH_RX_OFFLOAD_RSS_HASH;
		port->rx_hash = true;
	}
}

static int configure(struct port *port, struct rte_eth_dev_info *info, unsigned n_workers,
	char error[CORE_MAP_ERROR_BYTES])
{
	struct rte_eth_conf conf = {.rxmode.mtu = port->mtu};
	int r;

	if (n_workers > info->max_rx_queues || n_workers > info->max_tx_queues)
		return fail(port, -EINVAL, error,
			"%u workers need as many queues; the device has %u", n_workers,
			RTE_MIN(info->max_rx_queues, info->max_tx_queues));
	if (port->mtu > info->max_mtu || port->mtu < info->min_mtu)
		return fail(port, -EINVAL, error, "mtu: %u is not right; the device takes %u to %u",
			port->mtu, info->min_mtu, info->max_mtu);
	choose_offloads(port, info, &conf);
	choose_rss(port, info, &conf, n_workers);
	// A frame over one buffer arrives in pieces, where the device can do that.
	if (port->mtu + RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN > POOL_SMALL_BYTES)
		conf.rxmode.offloads |= info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
	r = rte_eth_dev_configure(port->id, (uint16_t)n_workers, (uint16_t)n_workers, &conf);
	return r < 0 ? fail(port, r, error, "refuses its configuration: %s", strerror(-r)) : 0;
}

static int set_up_queues(struct port *port, const struct rte_eth_dev_info *info,
	const struct core_map *map, const struct pools pools[], char error[CORE_MAP_ERROR_BYTES])
{
	uint16_t n_rx = port->map->n_descriptors, n_tx = n_rx;
	int r = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &n_rx, &n_tx);

	for (unsigned w = 0; w < map->n_workers && r == 0; w++) {
		const struct core_map_worker *worker = &map->workers[w];
		uint16_t q = worker->queue[port->index];
		unsigned node = worker->numa_node >= 0 ? (unsigned)worker->numa_node
						       : (unsigned)SOCKET_ID_ANY;
		struct rte_eth_rxconf rx = info->default_rxconf;
		struct rte_eth_txconf tx = info->default_txconf;

		port->worker_of_queue[q] = (uint16_t)w;
		r = rte_eth_rx_queue_setup(port->id, q, n_rx, node, &rx, pools[w].small);
		if (r == 0)
			r = rte_eth_tx_queue_setup(port->id, q, n_tx, node, &tx);
	}
	return r < 0 ? fail(port, r, error, "refuses its queues: %s", strerror(-r)) : 0;
}

// The device's own table and key are then read back: what it says is what software computes.
static void agree_on_rss(struct port *port, const struct rte_eth_dev_info *info)
{
	struct rte_eth_rss_reta_entry64 reta[PORT_RETA_MAX / RTE_ETH_RETA_GROUP_SIZE] = {0};
	uint8_t key[sizeof(port->rss_key)];
	struct rte_eth_rss_conf conf = {.rss_key = key, .rss_key_len = sizeof(key)};

	if (!port->rx_hash)
		return;
	if (info->reta_size != port->reta_size) {
		port->rx_hash = false;
		return;
	}
	for (unsigned i = 0; i < port->reta_size; i++) {
		reta[i / RTE_ETH_RETA_GROUP_SIZE].mask |= UINT64_C(1)
			<< i % RTE_ETH_RETA_GROUP_SIZE;
		reta[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] = port->reta[i];
	}
	// A device that will not say or do so is steered in software; the proof would find out too.
	if (rte_eth_dev_rss_reta_update(port->id, reta, (uint16_t)port->reta_size) != 0 ||
		rte_eth_dev_rss_hash_conf_get(port->id, &conf) != 0 ||
		conf.rss_key_len < sizeof(rss_key) || conf.rss_key_len > sizeof(key))
		port->rx_hash = false;
	else
		memcpy(port->rss_key, key, conf.rss_key_len);
}

static int start(struct port *port, char error[CORE_MAP_ERROR_BYTES])
{
	int r = rte_eth_dev_set_mtu(port->id, port->mtu);

	// Virtual devices that carry whatever they are given do not know the call.
	if (r < 0 && r != -ENOTSUP)
		return fail(port, r, error, "refuses mtu %u: %s", port->mtu, strerror(-r));
	r = rte_eth_dev_start(port->id);
	if (r < 0)
		return fail(port, r, error, "does not start: %s", strerror(-r));
	// Neighbour solicitations come by multicast (RFC 4861 §7.2). A device that filters none
	// knows neither call.
	if (rte_eth_allmulticast_enable(port->id) < 0)
		rte_eth_promiscuous_enable(port->id);
	rte_eth_macaddr_get(port->id, &port->mac);
	return 0;
}

static int port_open(struct port *port, const struct core_map *map, const struct pools pools[],
	char error[CORE_MAP_ERROR_BYTES])
{
	struct rte_eth_dev_info info;
	int r = find_device(port, error);

	if (r < 0)
		return r;
	r = rte_eth_dev_info_get(port->id, &info);
	if (r < 0)
		return fail(port, r, error, "says nothing of itself: %s", strerror(-r));
	r = configure(port, &info, map->n_workers, error);
	if (r == 0)
		r = set_up_queues(port, &info, map, pools, error);
	if (r == 0)
		r = start(port, error);
	if (r == 0)
		agree_on_rss(port, &info);
	return r;
}

int ports_open(const struct core_map *map, const struct pools pools[], struct port ports[],
	char error[CORE_MAP_ERROR_BYTES])
{
	int r = 0;

	for (unsigned p = 0; p < map->n_ports && r == 0; p++) {
		ports[p] = (struct port){
			.index = (uint16_t)p,
			.mtu = map->ports[p].mtu,
			.vlan = map->ports[p].vlan,
			.map = &map->ports[p],
		};
		r = port_open(&ports[p], map, pools, error);
	}
	return r;
}

void ports_close(const struct core_map *map, struct port ports[])
{
	for (unsigned p = 0; p < map->n_ports; p++) {
		if (ports[p].map == NULL || !rte_eth_dev_is_valid_port(ports[p].id))
			continue;
		rte_eth_dev_stop(ports[p].id);
		rte_eth_dev_close(ports[p].id);
		ports[p].map = NULL;
	}
}
