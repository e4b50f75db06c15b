// SPDX-License-Identifier: BSD-3-Clause
// A host on an Ethernet: our TCP engine over a frame port, without DPDK, so that a foreign TCP can
// talk to the bare engine. It answers ARP and neighbour solicitations, asks for the neighbours
// that it needs, and knows one link without routers.

#pragma once

#include "lib/net/ether.h"
#include "lib/tcp/tcp.h"
#include "tests/wire/frame_port.h"

#define STATION_NEIGHBOURS 16

struct station_neighbour {
	struct ip_addr ip;
	uint8_t mac[ETHER_MAC_BYTES];
};

struct station {
	int fd;
	uint8_t mac[ETHER_MAC_BYTES];
	struct ip_addr ip[2]; // of either family; family IP_NONE: not there
	uint16_t mtu;
	struct tcp *tcp;
	uint64_t counters[REASON_N];
	uint64_t n_bad, n_frames_in, n_frames_out;
	struct station_neighbour neighbours[STATION_NEIGHBOURS];
	unsigned n_neighbours; // ever learned; the oldest gives way
	struct tcp_segment burst[TCP_BURST];
	uint8_t frames[TCP_BURST][FRAME_BYTES_MAX];
	unsigned n_burst;
};

// Takes what has come, at most a few bursts. False when the port is gone.
bool station_receive(struct station *s, uint64_t now);
// Sends what the engine has to send.
void station_send(struct station *s, uint64_t now);
// Whether the neighbour is known; asks for it where it is not.
bool station_knows(struct station *s, const struct ip_addr *ip);
