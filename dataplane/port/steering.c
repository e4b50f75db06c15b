// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/port/steering.h"

#include "lib/base/wire.h"

#include <netinet/in.h>
#include <rte_ip.h>
#include <rte_thash.h>

// What RSS hashes, in the words that rte_softrss takes: addresses, and ports where there are any.
struct tuple {
	uint32_t words[9];
	unsigned n_words; // 0: the frame is not IP
};

static void add_words(struct tuple *t, const uint8_t *bytes, unsigned n_words)
{
	for (unsigned i = 0; i < n_words; i++)
		t->words[t->n_words++] = wire_get32(bytes + 4 * i);
}

static bool has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_UDP || protocol == IPPROTO_TCP;
}

static void read_ip4(const uint8_t *ip, size_t len, struct tuple *t)
{
	size_t header = (size_t)(ip[0] & 0x0f) * 4;

	if (len < 20 || ip[0] >> 4 != 4)
		return;
	add_words(t, ip + 12, 2);
	// A fragment: more follow, or its offset is not 0.
	if ((wire_get16(ip + 6) & 0x3fff) == 0 && has_ports(ip[9]) && header >= 20 &&
		len >= header + 4)
		add_words(t, ip + header, 1);
}

static void read_ip6(const uint8_t *ip, size_t len, struct tuple *t)
{
	if (len < 40 || ip[0] >> 4 != 6)
		return;
	add_words(t, ip + 8, 8);
	if (has_ports(ip[6]) && len >= 44)
		add_words(t, ip + 40, 1);
}

static void read_tuple(struct rte_mbuf *frame, struct tuple *t)
{
	const uint8_t *at = rte_pktmbuf_mtod(frame, const uint8_t *);
	size_t len = rte_pktmbuf_data_len(frame), header = RTE_ETHER_HDR_LEN;
	uint16_t type;

	t->n_words = 0;
	if (len < header + RTE_VLAN_HLEN)
		return;
	type = wire_get16(at + 12);
	if (type == RTE_ETHER_TYPE_VLAN) {
		type = wire_get16(at + 16);
		header += RTE_VLAN_HLEN;
	}
	if (type == RTE_ETHER_TYPE_IPV4 && len > header)
		read_ip4(at + header, len - header, t);
	else if (type == RTE_ETHER_TYPE_IPV6 && len > header)
		read_ip6(at + header, len - header, t);
}

static void judge(struct steering *s, struct steering_queue *q, bool agrees)
{
	if (!agrees) {
		s->n_disagreed++;
		q->state = STEERING_SOFTWARE;
	} else if (q->state == STEERING_PROVING && ++q->n_agreed == STEERING_PROOF_PACKETS) {
		q->state = STEERING_HARDWARE;
		q->until_sample = STEERING_SAMPLE;
	}
}

static unsigned owner_of(const struct port *port, const struct tuple *tuple, uint32_t *hash)
{
	uint32_t words[9];

	memcpy(words, tuple->words, sizeof(words));
	*hash = rte_softrss(words, tuple->n_words, port->rss_key);
	return port->worker_of_queue[port->reta[*hash & (port->reta_size - 1)]];
}

unsigned steering_owner_of(
	const struct port *port, const struct endpoint *from, const struct endpoint *to)
{
	unsigned n_words = from->ip.family == IP_V4 ? 1 : 4;
	struct tuple tuple = {.n_words = 0};
	uint32_t hash;

	add_words(&tuple, from->ip.bytes, n_words);
	add_words(&tuple, to->ip.bytes, n_words);
	tuple.words[tuple.n_words++] = (uint32_t)from->port << 16 | to->port;
	return owner_of(port, &tuple, &hash);
}

unsigned steering_owner(
	struct steering *s, const struct port *port, unsigned receiver, struct rte_mbuf *frame)
{
	struct steering_queue *q = &s->queue[port->index];
	struct tuple tuple;
	unsigned owner;
	uint32_t hash;

	if (s->n_workers == 1)
		return receiver;
	if (q->state == STEERING_HARDWARE && --q->until_sample > 0)
		return receiver;
	q->until_sample = STEERING_SAMPLE;
	read_tuple(frame, &tuple);
	if (tuple.n_words == 0)
		return receiver;
	owner = owner_of(port, &tuple, &hash);
	if (!port->rx_hash)
		q->state = STEERING_SOFTWARE;
	// The device must have both computed the very hash and spread by the very table.
	if (q->state != STEERING_SOFTWARE)
		judge(s, q,
			(frame->ol_flags & RTE_MBUF_F_RX_RSS_HASH) != 0 &&
				frame->hash.rss == hash && owner == receiver);
	return owner;
}
