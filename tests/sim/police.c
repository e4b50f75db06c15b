// SPDX-License-Identifier: BSD-3-Clause
// What no packet of an engine may say, whatever the wire did: bytes beyond the window that the
// peer offered, an acknowledgement of what was never sent, a window whose right edge moves back.
// It sees packets as they leave, so it knows at least what their sender can know.

#include "lib/tcp/seq.h"
#include "tests/sim/packet.h"
#include "tests/sim/sim.h"

// Ports of connections are 64 neighbours above the server's.
static struct watched *watched_of(struct sim *s, uint8_t from, const struct tcp_segment *seen)
{
	uint16_t port = seen->local.port > seen->remote.port ? seen->local.port : seen->remote.port;

	return &s->watched[from * 64 + (port & 63)];
}

// A SYN begins both directions anew, unless it is sent again, or the peer's is on its way as well.
static void see_syn(struct watched *own, struct watched *peer, const struct tcp_segment *seen)
{
	if (own->has_syn && own->isn == seen->seq)
		return;
	// A SYN that came late has opened a connection anew: what its client, which is in
	// TIME_WAIT, says is about the one before.
	if (own->has_syn && (seen->flags & TCP_ACK)) {
		own->is_late = true;
		return;
	}
	if (!(seen->flags & TCP_ACK) && peer->has_ack)
		memset(peer, 0, sizeof(*peer));
	memset(own, 0, sizeof(*own));
	own->has_syn = true;
	own->isn = seen->seq;
	own->nxt = seen->seq + 1;
	own->scales = seen->options.has_window_scale;
	own->window_scale = seen->options.window_scale;
}

static void see_text(struct sim *s, uint8_t from, struct watched *own, const struct watched *peer,
	const struct tcp_segment *seen)
{
	uint32_t end = seen->seq + tcp_segment_length(seen);

	if (own->has_fin && seq_gt(end, own->fin_seq + 1))
		sim_fail(s, "host %u sends %u bytes beyond its FIN", from, end - own->fin_seq - 1);
	if (seen->flags & TCP_FIN) {
		own->has_fin = true;
		own->fin_seq = end - 1;
	}
	// A probe of a closed window is one byte; so is a FIN.
	if (peer->has_ack && seen->payload.len > 0 &&
		seq_gt(seen->seq + (uint32_t)seen->payload.len, peer->edge + 1))
		sim_fail(s, "host %u sends %08x:%zu beyond the window that ends at %08x", from,
			seen->seq, seen->payload.len, peer->edge);
	if (s->plan->perfect && seq_lt(seen->seq, own->nxt)) {
		// Two short segments are no reason for an ACK before it is due, nor for a probe to
		// wait for it (RFC 8985 §7.2): the last one may be sent again, once.
		if (end != own->nxt || own->probed == own->nxt)
			sim_fail(s, "host %u sends %08x:%zu again over a perfect wire", from,
				seen->seq, seen->payload.len);
		own->probed = own->nxt;
	}
	own->nxt = seq_max(own->nxt, end);
}

static void see_ack(struct sim *s, uint8_t from, struct watched *own, const struct watched *peer,
	const struct tcp_segment *seen)
{
	unsigned scale =
		own->scales && peer->scales && !(seen->flags & TCP_SYN) ? own->window_scale : 0;
	uint32_t edge = seen->ack + ((uint32_t)seen->window << scale);

	if (seq_gt(seen->ack, peer->nxt))
		sim_fail(s, "host %u acknowledges %08x, sent is up to %08x", from, seen->ack,
			peer->nxt);
	if (own->has_ack && seq_lt(seen->ack, own->ack))
		sim_fail(s, "host %u acknowledges %08x after %08x", from, seen->ack, own->ack);
	// The window field cannot say more exactly than to 2^scale, nor more than 64 KB in a SYN;
	// after a FIN it says nothing.
	if (own->has_ack && !(seen->flags & TCP_SYN) &&
		!(peer->has_fin && seq_gt(seen->ack, peer->fin_seq)) &&
		seq_lt(edge + (1u << scale) - 1, own->edge))
		sim_fail(s, "host %u takes its window back from %08x to %08x", from, own->edge,
			edge);
	own->edge = own->has_ack ? seq_max(own->edge, edge) : edge;
	own->ack = seen->ack;
	own->has_ack = true;
}

void police_see(struct sim *s, uint8_t from, struct view packet)
{
	struct tcp_segment seen;
	struct watched *own, *peer;
	struct endpoint swap;

	if (packet_parse(packet, &seen) != REASON_none) {
		sim_fail(s, "host %u sends a packet that is none", from);
		return;
	}
	swap = seen.local;
	seen.local = seen.remote;
	seen.remote = swap;
	// A cookie's sequence number is another one for each SYN, and what is forged confuses.
	if (s->plan->n_forged_max > 0 || s->plan->hosts[0].config.n_half_open < 32 ||
		s->plan->hosts[1].config.n_half_open < 32 || (seen.flags & TCP_RST))
		return;
	own = watched_of(s, from, &seen);
	peer = watched_of(s, !from, &seen);
	if (seen.flags & TCP_SYN)
		see_syn(own, peer, &seen);
	// What is said about a connection before this one.
	if (!own->has_syn || !peer->has_syn || own->is_late || peer->is_late ||
		seq_lt(seen.seq, own->isn) ||
		((seen.flags & TCP_ACK) && seq_lt(seen.ack, peer->isn)))
		return;
	if (tcp_segment_length(&seen) > 0)
		see_text(s, from, own, peer, &seen);
	if (seen.flags & TCP_ACK)
		see_ack(s, from, own, peer, &seen);
}
