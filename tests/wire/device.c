// SPDX-License-Identifier: BSD-3-Clause

#include "tests/wire/device.h"

#include "lib/base/wire.h"

#include <rte_ip.h>
#include <rte_thash.h>

bool device_promises(enum device d)
{
	return d != DEVICE_DENIES && d != DEVICE_QUIET;
}

// The hash of RSS over addresses, and ports where there are any (no options, whole packets); false
// for what has none, which a device gives to queue 0.
static bool hash_of(const struct port *port, const struct rte_mbuf *frame, uint32_t *hash)
{
	const uint8_t *at = rte_pktmbuf_mtod(frame, const uint8_t *);
	const bool four = wire_get16(at + 12) == RTE_ETHER_TYPE_IPV4;
	const uint8_t *addresses = at + (four ? 26 : 22), protocol = at[four ? 23 : 20];
	unsigned n = four ? 2 : 8;
	uint32_t words[9];

	if (!four && wire_get16(at + 12) != RTE_ETHER_TYPE_IPV6)
		return false;
	n += protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
	for (unsigned i = 0; i < n; i++)
		words[i] = wire_get32(addresses + 4 * (size_t)i);
	*hash = rte_softrss(words, n, port->rss_key);
	return true;
}

unsigned device_spread(enum device d, const struct port *port, struct rte_mbuf *frame,
	unsigned *n_shuffled, bool *is_ip)
{
	const unsigned mask = port->reta_size - 1;
	uint32_t hash = 0;
	bool says = *is_ip = hash_of(port, frame, &hash);
	unsigned queue = hash & mask;

	switch (d) {
	case DEVICE_RIGHT:
		break;
	case DEVICE_QUIET:
		says = false;
		break;
	case DEVICE_WRONG:
		hash = (hash ^ 0x5a5a5a5a) * 0x9e3779b1;
		queue = hash >> 16 & mask;
		break;
	case DEVICE_MISPLACED:
		queue ^= 1;
		break;
	case DEVICE_SILENT:
	case DEVICE_DENIES:
		says = false;
		queue = (*n_shuffled)++ * 0x9e3779b1 >> 16 & mask;
		break;
	}
	frame->ol_flags &= ~RTE_MBUF_F_RX_RSS_HASH;
	if (says) {
		frame->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
		frame->hash.rss = hash;
	}
	return port->reta[queue];
}
