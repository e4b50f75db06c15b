// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/net/listeners.h"

_Static_assert(CORE_MAP_LISTENERS_MAX < NET_LISTENER_SLOTS, "a search ends at a free slot");

static unsigned slot_of(uint16_t port, const struct ip_addr *ip, uint16_t udp_port)
{
	uint64_t words[2];

	net_words(ip, words);
	return (unsigned)(((words[0] ^ words[1] * 3) + UINT64_C(31) * udp_port + port) *
			0x9e3779b97f4a7c15 >>
		56);
}

void listeners_init(struct net *n)
{
	for (unsigned i = 0; i < n->map->n_listeners; i++) {
		const struct core_map_listener *l = &n->map->listeners[i];
		unsigned slot = slot_of((uint16_t)l->port, &l->local.ip, l->local.port);

		if (l->local.transport != TRANSPORT_UDP)
			continue;
		while (n->listener_slots[slot] != 0)
			slot = (slot + 1) % NET_LISTENER_SLOTS;
		n->listener_slots[slot] = (uint8_t)(i + 1);
	}
}

int listeners_find(const struct net *n, uint16_t port, const struct ip_addr *ip, uint16_t udp_port)
{
	unsigned slot = slot_of(port, ip, udp_port);

	for (; n->listener_slots[slot] != 0; slot = (slot + 1) % NET_LISTENER_SLOTS) {
		unsigned i = n->listener_slots[slot] - 1u;
		const struct core_map_listener *l = &n->map->listeners[i];

		if (l->local.port == udp_port && l->port == port && ip_equal(&l->local.ip, ip))
			return (int)i;
	}
	return -1;
}
