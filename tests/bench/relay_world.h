// SPDX-License-Identifier: BSD-3-Clause
// One worker of the product between two ports of rings, with the bench's partners outside and one
// server inside: frames of traffic.h go in outside, and what comes out inside is checked frame by
// frame. One thread drives the worker; the rings stand for a device's queues, so what a driver
// costs is not in what is measured, and checksums are all software's.

#pragma once

#include "dataplane/publish/publish.h"
#include "tests/bench/control_end.h"
#include "tests/bench/traffic.h"

#define RELAY_WORLD_DESCRIPTORS 1024

enum {
	RELAY_WORLD_INSIDE, // ports
	RELAY_WORLD_OUTSIDE,
	RELAY_WORLD_PORTS,
};

struct relay_world {
	struct core_map map;
	struct pools pools;
	struct port ports[RELAY_WORLD_PORTS];
	struct rte_ring *rx[RELAY_WORLD_PORTS], *tx[RELAY_WORLD_PORTS];
	struct rte_mempool *feed; // a device's own buffers
	struct exchange *exchange;
	struct worker *worker;
	struct publisher publisher;
	struct control_end *control; // NULL: over UDP nothing is asked of it
	uint8_t *frames;             // TRAFFIC_MESSAGES of them, at RELAY_WORLD_FRAME_BYTES each
	// What each message looked like when it first came out, so that it must again; 0: not yet.
	uint64_t *branch;
	uint8_t *family;
	uint8_t *n_seen; // in the round under way
	uint64_t n_wrong, n_other;
	char wrong[200]; // the first thing that was
};

#define RELAY_WORLD_FRAME_BYTES (14 + 40 + 8 + TRAFFIC_MESSAGE_BYTES)

// Starts EAL (once a process), ports, worker and traffic. core: the worker's. TRANSPORT_TCP: with
// listeners for it too; TRANSPORT_TLS: for both. Exits with a text on stderr where it cannot.
struct relay_world *relay_world_open(unsigned core, enum transport transport);
// Likewise, with rings that hold n_frames each, a power of two: where peers on another core go on
// while the machine takes the worker's away. Over TLS with memory for 16,384 connections.
struct relay_world *relay_world_open_deep(
	unsigned core, enum transport transport, unsigned n_frames);
void relay_world_close(struct relay_world *w);

// Publishes a policy image through the product's publisher; the worker takes it up at its next
// turn. fd stays the caller's. Exits where it is refused.
void relay_world_publish(struct relay_world *w, int fd, size_t n_bytes, uint64_t generation);

// A frame of message index in a buffer of the feed; NULL when that is empty.
struct rte_mbuf *relay_world_frame(struct relay_world *w, uint32_t index);
// Lets the worker know its neighbours again, so that it need not ask.
void relay_world_teach(struct relay_world *w);
// Checks and frees everything that came out: destination, addresses, checksums, the Via with its
// branch, and that the rest is the message that went in. How many messages came out.
unsigned relay_world_check(struct relay_world *w);
// Begins a round; ends one: how many of n_sent did not come out exactly once, or came out wrong.
void relay_world_begin(struct relay_world *w);
uint64_t relay_world_end(struct relay_world *w, uint32_t n_sent);

// The policy that all of them use: TRAFFIC_NAMES partners, or n_names with made-up ones beyond,
// n_patterns block patterns numbered from first_pattern. transport: to the server inside; over TCP
// and TLS it has an IPv4 address only. Over TLS a partner proves itself by the host that the one
// card of all sessions is of, as those of one provider do: 64 connections carry all partners'
// messages. A sealed memfd, the caller's.
int relay_world_image(uint32_t n_names, uint32_t n_patterns, uint32_t first_pattern,
	uint64_t generation, enum transport transport, size_t *n_bytes);
// Likewise for fedload's senders: n_names of them, d00000.RELAY_WORLD_LOAD_DOMAIN and so on, and a
// server with an IPv4 address only.
#define RELAY_WORLD_LOAD_DOMAIN "load.example"
int relay_world_load_image(uint32_t n_names, enum transport transport, size_t *n_bytes);
