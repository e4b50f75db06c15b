// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as a core map, on a machine of two nodes: refused with a text, or a map whose indexes
// all lie inside it.

#include "dataplane/core_map/core_map.h"
#include "dataplane/core_map/machine.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_map(const struct core_map *map)
{
	require(map->n_ports >= 1 && map->n_ports <= CORE_MAP_PORTS_MAX);
	require(map->n_workers >= 1 && map->n_workers <= CORE_MAP_WORKERS_MAX);
	require(map->n_listeners >= 1 && map->n_listeners <= CORE_MAP_LISTENERS_MAX);
	require(map->socket[0] == '/' && map->n_packets >= 1024);
	for (unsigned p = 0; p < map->n_ports; p++) {
		uint64_t queues = 0;

		require(map->ports[p].n_addresses >= 1);
		for (unsigned w = 0; w < map->n_workers; w++) {
			require(map->workers[w].queue[p] < map->n_workers);
			queues |= UINT64_C(1) << map->workers[w].queue[p];
		}
		require(__builtin_popcountll(queues) == (int)map->n_workers);
	}
	for (unsigned l = 0; l < map->n_listeners; l++) {
		require(map->listeners[l].port < map->n_ports);
		require(map->listeners[l].side < SIDE_N && map->listeners[l].local.port > 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct machine machine;
	static struct core_map map;
	static struct errors errors, warnings;
	int r;

	machine.n_cores = 8;
	machine.n_nodes = 2;
	machine.hugepage_bytes_free = UINT64_C(1) << 32;
	for (unsigned i = 0; i < 8; i++) {
		machine.core_usable[i] = true;
		machine.core_node[i] = i / 4;
	}
	machine.n_nics = 1;
	strcpy(machine.nics[0].address, "0000:3b:00.0");
	strcpy(machine.nics[0].driver, "vfio-pci");
	errors_init(&errors, "fuzz");
	errors_init(&warnings, "fuzz");
	r = core_map_parse(view_of(data, size), &machine, &map, &errors, &warnings);
	if (r == 0)
		check_map(&map);
	else
		require(r == -ENOMEM || errors.n > 0);
	return 0;
}
