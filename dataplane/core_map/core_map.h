// SPDX-License-Identifier: BSD-3-Clause
// core-map.yaml as a struct: which core does what, with which queues, on which ports and
// listeners (FEATURES O11). Read once at start, by the main thread, before EAL.

#pragma once

#include "lib/base/addr.h"
#include "lib/base/errors.h"
#include "lib/base/side.h"
#include "lib/tcp/tcp.h"

#include <stdio.h>

struct machine;

#define CORE_MAP_PORTS_MAX     16
#define CORE_MAP_WORKERS_MAX   64
#define CORE_MAP_LISTENERS_MAX 64
#define CORE_MAP_ADDRESSES_MAX 16
#define CORE_MAP_NAME_BYTES    32
#define CORE_MAP_DEVICE_BYTES  128
#define CORE_MAP_PATH_BYTES    108
#define CORE_MAP_ERROR_BYTES   256
#define CORE_MAP_BODY_BYTES    65536

enum idle_mode {
	IDLE_POLL,  // spin: the core is the worker's alone
	IDLE_SLEEP, // sleep after empty polls: for small and shared machines
};

enum hugepages {
	HUGEPAGES_AUTO, // when the machine has enough of them
	HUGEPAGES_REQUIRE,
	HUGEPAGES_NEVER,
};

struct core_map_address {
	struct ip_addr ip;
	uint8_t prefix_bits;
};

struct core_map_port {
	char name[CORE_MAP_NAME_BYTES];
	char device[CORE_MAP_DEVICE_BYTES]; // PCI address, or a DPDK vdev string
	uint16_t mtu;                       // 1280 to 9000
	uint16_t vlan;                      // 0: untagged
	uint16_t n_descriptors;             // of each queue
	struct core_map_address addresses[CORE_MAP_ADDRESSES_MAX];
	unsigned n_addresses;
	struct ip_addr gateway4, gateway6; // family IP_NONE for none
	unsigned line;
};

struct core_map_worker {
	unsigned core;
	int numa_node;
	// Queue q of port p is this worker's; each port has exactly one queue a worker.
	uint16_t queue[CORE_MAP_PORTS_MAX]; // by port index
	unsigned line;
};

struct core_map_listener {
	char name[CORE_MAP_NAME_BYTES];
	char sent_by[CORE_MAP_DEVICE_BYTES]; // host or host:port in Via; the address when empty
	unsigned port;                       // index
	struct endpoint local;
	enum side side;
	// Of a stream's, at once, at each worker; 0: any number. Of one source: an IPv4 address, or
	// 64 bits of an IPv6 one.
	uint32_t n_conns, n_source_conns;
	unsigned line;
};

struct core_map {
	struct core_map_port ports[CORE_MAP_PORTS_MAX];
	unsigned n_ports;
	struct core_map_worker workers[CORE_MAP_WORKERS_MAX];
	unsigned n_workers;
	struct core_map_listener listeners[CORE_MAP_LISTENERS_MAX];
	unsigned n_listeners;
	unsigned main_core;
	enum idle_mode idle;
	enum hugepages hugepages;
	bool use_hugepages; // what hugepages comes to on this machine
	uint32_t n_packets; // packet buffers a worker
	uint32_t n_bodies;  // units of CORE_MAP_BODY_BYTES a worker, for large messages of streams
	struct tcp_config tcp; // of a worker, without key; n_conns 0 where no listener takes any
	char socket[CORE_MAP_PATH_BYTES];       // where control attaches
	char control_user[CORE_MAP_NAME_BYTES]; // the one uid that may
	char user[CORE_MAP_NAME_BYTES];         // the dataplane's own after start; empty: stay
	unsigned control_user_line, user_line;
};

// Reads the text of a core map and checks it against the machine. 0; or -EINVAL, and errors says
// line by line what is wrong and what would be right; or -ENOMEM. What works but costs is in
// warnings.
int core_map_parse(struct view text, const struct machine *machine, struct core_map *out,
	struct errors *errors, struct errors *warnings);
// The same of a file of at most 1 MB; one that cannot be read is an error too.
int core_map_read(const char *path, const struct machine *machine, struct core_map *out,
	struct errors *errors, struct errors *warnings);

// Whether the users that it names exist here, which only a start needs. For a map without errors.
void core_map_check_users(const struct core_map *map, struct errors *errors);

// Packet memory and the rest that DPDK needs for this map, in bytes.
uint64_t core_map_memory_bytes(const struct core_map *map);

// Writes a commented map that suits the machine; addresses and sides are for a person to fill in.
// It passes core_map_parse() on that machine as it is.
void core_map_suggest(const struct machine *machine, FILE *out);
