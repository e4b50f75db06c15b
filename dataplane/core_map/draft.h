// SPDX-License-Identifier: BSD-3-Clause
// A core map being read: the map, and what only its check needs to know of the text.

#pragma once

#include "dataplane/core_map/core_map.h"
#include "dataplane/core_map/machine.h"

struct draft_queue {
	char port[CORE_MAP_NAME_BYTES];
	uint16_t queue;
	unsigned line;
};

// 40 MB a worker: two bodies of the longest that a policy can allow, eight of its default.
#define BODIES_DEFAULT 640

struct draft {
	struct core_map *map;
	const struct machine *machine;
	struct errors *errors, *warnings;
	unsigned main_core_line, hugepages_line, packets_line;
	uint32_t n_conns, n_buffers; // 0: not said
	uint32_t n_bodies;
	unsigned transport_line[CORE_MAP_LISTENERS_MAX]; // 0: none said
	unsigned address_line[CORE_MAP_PORTS_MAX][CORE_MAP_ADDRESSES_MAX];
	unsigned gateway4_line[CORE_MAP_PORTS_MAX], gateway6_line[CORE_MAP_PORTS_MAX];
	struct draft_queue queues[CORE_MAP_WORKERS_MAX][CORE_MAP_PORTS_MAX];
	unsigned n_queues[CORE_MAP_WORKERS_MAX];
	char listener_port[CORE_MAP_LISTENERS_MAX][CORE_MAP_NAME_BYTES];
};

// Everything that lies between two values, or between a value and the machine; completes the map
// (queues, nodes, indexes, hugepages). For a draft without errors.
void draft_check(struct draft *d);

// check_port.c: one port, and against those before it.
void draft_check_port(struct draft *d, unsigned p);
bool draft_is_name(const char *s);
// NULL for none at this PCI address.
const struct machine_nic *draft_find_nic(const struct machine *m, const char *address);
