// SPDX-License-Identifier: BSD-3-Clause
// An attacker off the path: knows addresses and ports, sees nothing, guesses. What it sends must
// not be noticed by any connection (RFC 5961, RFC 5927, RFC 4987).

#include "tests/sim/packet.h"
#include "tests/sim/sim.h"

static void forge_icmp(struct sim *s, uint8_t to, const struct tcp_segment *victim)
{
	struct tcp_icmp_error error = {
		.local = victim->remote,
		.remote = victim->local,
		.seq = (uint32_t)rng_next(&s->forger),
		.mtu = rng_scale(&s->forger, 1, 1500),
		.kind = rng_chance(&s->forger, 5000) ? TCP_ICMP_TOO_BIG : TCP_ICMP_UNREACHABLE,
	};

	wire_send_icmp(&s->wire, to, &error, s->now);
}

// A guess at a segment of one of the connections that there may be.
static struct tcp_segment guess(struct sim *s, uint8_t to)
{
	static const uint8_t flags[] = {TCP_RST, TCP_RST | TCP_ACK, TCP_ACK, TCP_ACK | TCP_FIN, 0,
		TCP_SYN | TCP_ACK, TCP_ACK | TCP_PSH, 0xff};
	static const uint8_t text[64];
	const struct plan_user *user = &s->plan->hosts[0].user;
	uint16_t port = (uint16_t)(user->port + rng_below(&s->forger, user->n_ports));
	struct tcp_segment g = {
		.local = {.port = to == 0 ? PLAN_SERVER_PORT : port, .transport = TRANSPORT_TCP},
		.remote = {.port = to == 0 ? port : PLAN_SERVER_PORT, .transport = TRANSPORT_TCP},
		.seq = (uint32_t)rng_next(&s->forger),
		.ack = (uint32_t)rng_next(&s->forger),
		.window = (uint16_t)rng_next(&s->forger),
		.flags = flags[rng_below(&s->forger, sizeof(flags))],
		.payload = view_of(text, rng_below(&s->forger, sizeof(text))),
	};

	plan_address(s->plan, !to, &g.local.ip);
	plan_address(s->plan, to, &g.remote.ip);
	g.options.has_timestamps = rng_chance(&s->forger, 5000);
	g.options.ts_value = (uint32_t)rng_next(&s->forger);
	g.options.ts_echo = (uint32_t)rng_next(&s->forger);
	return g;
}

// One of a flood of SYNs from addresses that do not answer, or from ports that a client does not
// use.
static struct tcp_segment flood(struct sim *s)
{
	struct tcp_segment g = guess(s, 1);

	g.flags = TCP_SYN;
	g.payload = VIEW_NONE;
	g.options.has_mss = true;
	g.options.mss = (uint16_t)rng_next(&s->forger);
	g.local.port = (uint16_t)rng_between(&s->forger, 1, 30000);
	if (rng_chance(&s->forger, 8000))
		g.local.ip.bytes[3] = (uint8_t)rng_between(&s->forger, 10, 250);
	return g;
}

void forger_turn(struct sim *s)
{
	uint8_t bytes[PACKET_HEADERS_MAX + 64];
	uint8_t to = (uint8_t)rng_below(&s->forger, 2);
	struct tcp_segment g;

	if (s->n_forged >= s->plan->n_forged_max || s->now < s->next_forged_ns)
		return;
	s->n_forged++;
	s->next_forged_ns = s->now + rng_below(&s->forger, 5000000);
	g = rng_chance(&s->forger, 3000) ? flood(s) : guess(s, to);
	if (rng_chance(&s->forger, 1500)) {
		forge_icmp(s, to, &g);
		return;
	}
	if (g.flags == TCP_SYN)
		to = 1;
	wire_send(&s->wire, to, bytes, packet_of_segment(bytes, &g), s->now);
}
