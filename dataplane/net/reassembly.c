// SPDX-License-Identifier: BSD-3-Clause

// For expiry by time: the call has been there since DPDK 18.05 and has not changed.
#define ALLOW_EXPERIMENTAL_API

#include "dataplane/net/state.h"

#include <rte_ip.h>

// What fell out of the table: fragments of datagrams that will never be whole.
static unsigned bury(struct net *n)
{
	unsigned n_dead = n->dead_fragments.cnt;

	if (n_dead > 0)
		rte_ip_frag_free_death_row(&n->dead_fragments, 0);
	return n_dead;
}

void net_reassembly_timers(struct net *n, uint64_t now)
{
	rte_ip_frag_table_del_expired_entries(n->fragments, &n->dead_fragments, now);
	n->reasons[REASON_ip_fragment_expired] += bury(n);
}

struct rte_mbuf *net_linearise(struct net *n, struct rte_mbuf *chain)
{
	struct rte_mbuf *whole = pools_get(n->pools, chain->pkt_len);
	char *at;

	if (whole != NULL) {
		at = rte_pktmbuf_append(whole, (uint16_t)chain->pkt_len);
		for (const struct rte_mbuf *m = chain; m != NULL; m = m->next) {
			memcpy(at, rte_pktmbuf_mtod(m, const char *), m->data_len);
			at += m->data_len;
		}
		whole->ol_flags = chain->ol_flags &
			(RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK);
	}
	rte_pktmbuf_free(chain);
	return whole;
}

enum reason net_reassemble(struct net *n, struct net_frame *f)
{
	struct rte_mbuf *m = f->packet, *whole;
	void *header = rte_pktmbuf_mtod(m, void *);

	if (f->ip.n_bytes + f->ip.fragment_offset + f->ip.payload_bytes > POOL_LARGE_BYTES)
		return REASON_ip_fragment_bad;
	// What expires first must not be taken for what this fragment spoils.
	net_reassembly_timers(n, f->now);
	m->l2_len = 0;
	m->l3_len = f->ip.n_bytes;
	f->packet = NULL;
	if (f->ip.source.family == IP_V4)
		whole = rte_ipv4_frag_reassemble_packet(
			n->fragments, &n->dead_fragments, m, f->now, header);
	else
		whole = rte_ipv6_frag_reassemble_packet(n->fragments, &n->dead_fragments, m, f->now,
			header, RTE_PTR_ADD(header, IPV6_BYTES));
	// Overlapping, doubled, one too many, or no room: the whole datagram is given up (RFC
	// 5722).
	if (bury(n) > 0)
		return REASON_ip_fragment_bad;
	if (whole == NULL)
		return REASON_fragment_held;
	f->packet = net_linearise(n, whole);
	f->reassembled = true;
	return f->packet != NULL ? REASON_none : REASON_no_buffer;
}
