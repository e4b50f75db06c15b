// SPDX-License-Identifier: BSD-3-Clause
// EAL and ports: devices probed, queues and pools set up, offloads taken where the device says so.
// Main thread only, before the workers start and after they stopped.

#pragma once

#include "dataplane/core_map/core_map.h"
#include "dataplane/port/pool.h"

#include <rte_ether.h>

#define PORT_RETA_MAX 512

struct port {
	uint16_t id;    // DPDK's
	uint16_t index; // in the core map
	uint16_t mtu;
	uint16_t vlan; // 0: untagged
	struct rte_ether_addr mac;
	// The device fills them in, or has checked them.
	bool tx_ip_checksum, tx_udp_checksum, tx_tcp_checksum;
	bool rx_ip_checksum, rx_udp_checksum, rx_tcp_checksum;
	bool tx_tcp_segmentation;               // it cuts (TSO)
	bool rx_hash;                           // it says that it sets mbuf.hash.rss
	_Alignas(uint32_t) uint8_t rss_key[52]; // rte_softrss() reads it by words
	unsigned rss_key_bytes;
	uint16_t reta[PORT_RETA_MAX]; // hash & (reta_size - 1) -> queue
	unsigned reta_size;           // a power of two
	uint16_t worker_of_queue[CORE_MAP_WORKERS_MAX];
	const struct core_map_port *map;
};

// Starts EAL with what the core map asks for, hugepages or not. 0 or -errno with *error set.
int eal_start(const struct core_map *map, char error[CORE_MAP_ERROR_BYTES]);
void eal_stop(void);

// Opens and starts every port of the map with one queue pair a worker; ports[] by index in the
// map. pools[w] feeds the queues of worker w.
int ports_open(const struct core_map *map, const struct pools pools[], struct port ports[],
	char error[CORE_MAP_ERROR_BYTES]);
// Stops and closes what ports_open() opened; ports[] zeroed before it.
void ports_close(const struct core_map *map, struct port ports[]);
