// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/net/state.h"

#include "lib/net/nd.h"

#define LINK_LOCAL_PREFIX_BITS 64

static void add_local(struct net_port *p, const struct ip_addr *ip, uint8_t prefix_bits)
{
	struct net_local *l = &p->locals[p->n_locals++];
	struct ip_addr mask = {0};

	for (unsigned i = 0; i < prefix_bits; i++)
		mask.bytes[i / 8] |= (uint8_t)(0x80 >> i % 8);
	l->ip = *ip;
	l->prefix_bits = prefix_bits;
	net_words(ip, l->words);
	net_words(&mask, l->mask);
}

void net_port_init(struct net_port *p, const struct core_map_port *map, const struct port *device)
{
	struct ip_addr link_local;

	p->device = device;
	p->index = device->index;
	p->mtu = device->mtu;
	p->vlan = device->vlan;
	memcpy(p->mac, device->mac.addr_bytes, sizeof(p->mac));
	p->gateway4 = map->gateway4;
	p->gateway6 = map->gateway6;
	for (unsigned i = 0; i < map->n_addresses; i++)
		add_local(p, &map->addresses[i].ip, map->addresses[i].prefix_bits);
	// RFC 4291 §2.8: every interface has one, and neighbours ask from theirs.
	ip_link_local(p->mac, &link_local);
	add_local(p, &link_local, LINK_LOCAL_PREFIX_BITS);
}

const struct net_local *net_port_local(const struct net_port *p, const struct ip_addr *ip)
{
	uint64_t words[2];

	net_words(ip, words);
	for (unsigned i = 0; i < p->n_locals; i++) {
		const struct net_local *l = &p->locals[i];

		if (l->words[0] == words[0] && l->words[1] == words[1] &&
			l->ip.family == ip->family)
			return l;
	}
	return NULL;
}

const struct net_local *net_port_on_link(const struct net_port *p, const struct ip_addr *ip)
{
	uint64_t words[2];

	net_words(ip, words);
	for (unsigned i = 0; i < p->n_locals; i++) {
		const struct net_local *l = &p->locals[i];
		uint64_t differs = ((l->words[0] ^ words[0]) & l->mask[0]) |
			((l->words[1] ^ words[1]) & l->mask[1]);

		if (differs == 0 && l->ip.family == ip->family)
			return l;
	}
	return NULL;
}

bool net_port_listens_to(const struct net_port *p, const struct ip_addr *group)
{
	struct ip_addr ours;

	if (ip_equal(group, &nd_all_nodes))
		return true;
	for (unsigned i = 0; i < p->n_locals; i++) {
		ip_solicited_node(&p->locals[i].ip, &ours);
		if (p->locals[i].ip.family == IP_V6 && ip_equal(group, &ours))
			return true;
	}
	return false;
}

bool net_port_takes_group_mac(const struct net_port *p, const uint8_t mac[ETHER_MAC_BYTES])
{
	struct ip_addr group;
	uint8_t ours[ETHER_MAC_BYTES];

	if (ether_equal(mac, ether_broadcast))
		return true;
	ether_group_of(&nd_all_nodes, ours);
	if (ether_equal(mac, ours))
		return true;
	for (unsigned i = 0; i < p->n_locals; i++) {
		ip_solicited_node(&p->locals[i].ip, &group);
		ether_group_of(&group, ours);
		if (p->locals[i].ip.family == IP_V6 && ether_equal(mac, ours))
			return true;
	}
	return false;
}

static bool is_broadcast(const struct net_local *l, const struct ip_addr *ip)
{
	uint32_t host, mask;

	// RFC 3021: a prefix of 31 bits has no broadcast address.
	if (ip->family != IP_V4 || l->prefix_bits >= 31)
		return false;
	memcpy(&host, ip->bytes, sizeof(host));
	memcpy(&mask, l->mask, sizeof(mask));
	return (host | mask) == UINT32_MAX || (host & ~mask) == 0;
}

bool net_port_is_other_host(const struct net_port *p, const struct ip_addr *ip)
{
	const struct net_local *l = net_port_on_link(p, ip);

	return l == NULL || (!is_broadcast(l, ip) && net_port_local(p, ip) == NULL);
}
