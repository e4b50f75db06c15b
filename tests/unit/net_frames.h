// SPDX-License-Identifier: BSD-3-Clause
// Whole frames with true lengths and checksums, for tests, fuzzing and benches. Built by lib/net,
// whose own tests hold it against bytes worked out by hand.

#pragma once

#include "lib/net/arp.h"
#include "lib/net/nd.h"
#include "lib/net/udp.h"

// Where a frame comes from and goes to.
struct frame_path {
	uint8_t source_mac[ETHER_MAC_BYTES], destination_mac[ETHER_MAC_BYTES];
	uint16_t vlan; // 0: untagged
	struct ip_addr source, destination;
};

// Each writes a frame at `at`, which has the room, and returns its length.
size_t frame_ip(uint8_t *at, const struct frame_path *path, uint8_t protocol, uint8_t hop_limit,
	struct view payload);
size_t frame_udp(uint8_t *at, const struct frame_path *path, uint16_t source_port,
	uint16_t destination_port, struct view payload);
size_t frame_echo(uint8_t *at, const struct frame_path *path, struct view data);
size_t frame_arp(uint8_t *at, const struct frame_path *path, const struct arp *arp);
size_t frame_nd(uint8_t *at, const struct frame_path *path, const struct nd_message *m);

// One fragment of the IP payload of a whole frame: n_bytes from offset, more unless it is the
// last of them. whole carries no extension headers.
size_t frame_fragment(uint8_t *at, struct view whole, uint32_t id, size_t offset, size_t n_bytes);
