// SPDX-License-Identifier: BSD-3-Clause
// The traffic generator as a library: one port, one thread, a callee always and a caller on demand.
// A bench drives it turn by turn on a core of its own, next to a relay in the same process; main.c
// drives it as a program.
//
// load_map(): a core map of one port for it, then EAL, pools_open() and ports_open() by whoever
// calls; a port of rings (rte_eth_from_rings) will do. load_new(), and load_turn() until
// load_is_through(): the first answer has come, all connections are open. For each trial
// load_start(), load_turn() until load_is_done(), load_result().
//
// Thread: one, any.

#pragma once

#include "tests/load/callee.h"
#include "tests/load/caller.h"
#include "tests/load/trial.h"
#include "tests/load/unrest.h"

struct load;

// What the port is like. Text is the caller's, as on the command line.
struct load_map_config {
	const char *device;  // PCI address or vdev
	const char *address; // with prefix, "192.0.2.2/24"
	const char *gateway; // NULL for none
	unsigned core;
	uint16_t mtu, vlan; // 0: 1500, none
	uint16_t port;      // the first of ours
	uint32_t n_packets; // buffers; 0: enough for the descriptors
	uint32_t n_conns;   // of TCP and TLS, at once; of UDP, ports that a caller sends from
	enum transport transport;
};
#define LOAD_UDP_PORTS_MAX CORE_MAP_LISTENERS_MAX

// 0; or -EINVAL, and errors says what is wrong; or -ENOMEM.
int load_map(const struct load_map_config *config, struct core_map *out, struct errors *errors);

struct load_config {
	const struct core_map *map; // by load_map()
	const struct port *port;
	struct pools *pools;
	const uint64_t *clock; // ticks of the TSC, for a test; NULL: the TSC itself
	// The caller's part; target.transport TRANSPORT_NONE: callee only.
	struct endpoint target;
	uint32_t n_conns;
	enum mix_name mix;
	const char *from_domain, *to_domain;
	uint32_t n_users;       // 0: as many as there are
	uint32_t n_domains;     // below from_domain; 0 or 1: that one itself, see request.h
	uint32_t message_bytes; // 0: 512
	uint32_t n_pending;     // requests under way at most, a power of two; 0: 2^18
	// Of TLS: each of them sends from its own domain, so n_domains is as many.
	const struct identities *identities;
	const char *peer_name;       // that the peer's certificate must prove; NULL: any
	struct unrest_config unrest; // in the measured time
};

struct load *load_new(const struct load_config *config); // NULL with errno
void load_free(struct load *l);

// Receives, sends what is due. True if there was something to do.
bool load_turn(struct load *l);

// Callers only: a request has come through to somebody and back, and all connections are open.
// Until then, and until load_start(), a few requests a second are sent.
bool load_is_through(const struct load *l);
void load_start(struct load *l, double rate, const struct trial_times *times);
bool load_is_done(const struct load *l);
// The rate that an other one than load_start()'s is from now on: 0 sends nothing any more.
void load_pace(struct load *l, double rate);
// All connections of the caller's are reset and come back; false, and nothing is done, where not
// all are open.
bool load_storm(struct load *l);
// Whether a request with that id is under way, and when it fell due, in load_now_ns().
bool load_due(const struct load *l, uint64_t id, uint64_t *due_ns);
uint64_t load_now_ns(const struct load *l);

struct load_result {
	const struct caller_counts *caller; // NULL for a callee
	const struct callee_counts *callee;
	struct flows_counts flows;
	uint64_t n_dropped;      // frames that our own port did not take: the generator's fault
	uint64_t n_malformed;    // datagrams, and messages of streams, that are no SIP
	const uint64_t *reasons; // REASON_N of them: what became of frames, datagrams, segments
	double users;            // that make this traffic, see mix.h; 0: no users' mix
};
void load_result(const struct load *l, struct load_result *out);

// Everything sent was answered rightly, but for allowed lost ones in a million, and all that fell
// due was sent.
bool load_passed(const struct load_result *r, double allowed_ppm);
