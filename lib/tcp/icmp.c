// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/conn.h"

void tcp_icmp_input(struct tcp *t, const struct tcp_icmp_error *error, uint64_t now)
{
	uint32_t entry;
	struct tcp_conn *c;

	tcp_set_now(t, now);
	entry = tcp_find(t, &error->local, &error->remote,
		tcp_table_hash(&t->table, &error->local, &error->remote));
	// TCP_TABLE_NONE has this bit too.
	if ((entry & TCP_TABLE_TIME_WAIT) != 0)
		return;
	c = &t->conns[entry];
	// RFC 5927 §4.1: about something that is in flight, or it is forged.
	if (seq_lt(error->seq, c->sender.una) || seq_ge(error->seq, c->sender.nxt))
		return;
	switch (error->kind) {
	case TCP_ICMP_TOO_BIG:
		if (error->mtu < c->mtu)
			tcp_sender_set_mtu(t, c, (uint16_t)error->mtu);
		break;
	case TCP_ICMP_UNREACHABLE:
		// RFC 5927 §5.2: it says why, should the connection time out.
		c->flags |= TCP_CONN_UNREACHABLE;
		break;
	}
}
