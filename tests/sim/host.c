// SPDX-License-Identifier: BSD-3-Clause

#include "tests/sim/packet.h"
#include "tests/sim/sim.h"

#include <stdlib.h>

// More segments out of one turn than any window, queue and retransmission adds up to.
#define TURN_PACKETS_MAX 20000
#define IDLE_TIMERS_NS   8000000 // nothing is under way: time may pass in larger steps

void host_init(struct sim_host *h, struct sim *s, uint8_t index)
{
	const struct plan_host *plan = &s->plan->hosts[index];
	struct endpoint listen = {.port = PLAN_SERVER_PORT, .transport = TRANSPORT_TCP};
	size_t n_bytes = tcp_memory_bytes(&plan->config);

	h->sim = s;
	h->index = index;
	if (n_bytes == 0) {
		sim_fail(s, "the engine refuses its sizes");
		return;
	}
	h->memory = aligned_alloc(64, (n_bytes + 63) / 64 * 64);
	if (h->memory == NULL)
		abort();
	memset(h->memory, 0, n_bytes);
	h->tcp = tcp_init(h->memory, &plan->config, h->counters, s->now);
	if (h->tcp == NULL) {
		sim_fail(s, "the engine refuses its sizes, whose memory it knew");
		return;
	}
	plan_address(s->plan, index, &listen.ip);
	if (!s->plan->mirrored && tcp_listen(h->tcp, &listen, plan->mtu, index) != 0)
		sim_fail(s, "a listener is refused");
	h->next_timers_ns = s->now;
	user_init(h);
}

void host_fini(struct sim_host *h)
{
	for (unsigned i = 0; i < h->n_burst; i++)
		free(h->held[i]);
	user_fini(h);
	free(h->memory);
}

static void hand_in(struct sim_host *h)
{
	if (h->n_burst == 0)
		return;
	tcp_input_burst(h->tcp, h->burst, h->n_burst, h->sim->now);
	for (unsigned i = 0; i < h->n_burst; i++)
		free(h->held[i]);
	h->n_segments_in += h->n_burst;
	h->n_burst = 0;
}

void host_receive(struct sim_host *h, struct wire_packet *p)
{
	if (p->kind == WIRE_ICMP) {
		tcp_icmp_input(h->tcp, &p->error, h->sim->now);
		free(p);
		return;
	}
	if (packet_parse(view_of(p->bytes, p->n_bytes), &h->burst[h->n_burst]) != REASON_none) {
		free(p);
		return;
	}
	h->held[h->n_burst++] = p;
	if (h->n_burst == TCP_BURST)
		hand_in(h);
}

static enum tcp_output_mode output_mode(const struct sim_host *h)
{
	const struct plan_host *plan = &h->sim->plan->hosts[h->index];

	for (unsigned i = 0; i < plan->n_dry; i++) {
		if (h->sim->now >= plan->dry[i].from_ns && h->sim->now < plan->dry[i].to_ns)
			return TCP_OUTPUT_BARE;
	}
	return TCP_OUTPUT_ALL;
}

// What a port would not send, or a checker of tcp_output()'s contract would refuse.
static void check_packet(struct sim_host *h, const struct tcp_packet *p, enum tcp_output_mode mode)
{
	const struct plan_host *plan = &h->sim->plan->hosts[h->index];
	uint32_t headers = (uint32_t)ip_header_bytes(p->local.family) + p->header_bytes;
	uint32_t n_bytes = 0;

	for (unsigned i = 0; i < p->n_parts && i < TCP_PACKET_PARTS_MAX; i++)
		n_bytes += (uint32_t)p->parts[i].len;
	if (p->n_parts > TCP_PACKET_PARTS_MAX || n_bytes != p->payload_bytes)
		sim_fail(h->sim, "a packet of %u bytes has parts of %u", p->payload_bytes, n_bytes);
	if (p->header_bytes < TCP_BYTES || p->header_bytes > TCP_HEADER_BYTES_MAX ||
		p->header_bytes % 4 != 0)
		sim_fail(h->sim, "a header of %u bytes", p->header_bytes);
	if (n_bytes > 0 && mode == TCP_OUTPUT_BARE)
		sim_fail(h->sim, "a payload goes out while packet memory is dry");
	if (n_bytes > p->segment_bytes && n_bytes > plan->payload_max)
		sim_fail(h->sim, "%u bytes in a packet that may carry %u", n_bytes,
			plan->payload_max);
	if (n_bytes > 0 && p->segment_bytes == 0)
		sim_fail(h->sim, "segments of no bytes");
	if (n_bytes > p->segment_bytes)
		n_bytes = p->segment_bytes;
	if (headers + n_bytes > plan->mtu)
		sim_fail(h->sim, "segments of %u bytes and %u of headers over an MTU of %u",
			n_bytes, headers, plan->mtu);
}

static void hand_out(struct sim_host *h)
{
	static uint8_t bytes[PACKET_HEADERS_MAX + UINT16_MAX];
	enum tcp_output_mode mode = output_mode(h);
	uint32_t payload_max = h->sim->plan->hosts[h->index].payload_max;
	struct tcp_packet p;
	unsigned n = 0;

	while (!h->sim->failed && tcp_output(h->tcp, h->sim->now, mode, payload_max, &p)) {
		unsigned n_segments = packet_segments(&p);

		check_packet(h, &p, mode);
		for (unsigned i = 0; i < n_segments && !h->sim->failed; i++) {
			size_t n_bytes = packet_build(bytes, &p, i);

			police_see(h->sim, h->index, view_of(bytes, n_bytes));
			wire_send(&h->sim->wire, !h->index, bytes, n_bytes, h->sim->now);
		}
		h->n_packets_out++;
		h->n_segments_out += n_segments;
		h->payload_bytes_out += p.payload_bytes;
		if (++n > TURN_PACKETS_MAX)
			sim_fail(h->sim, "output does not end");
	}
}

static void hand_events(struct sim_host *h)
{
	struct tcp_event e;

	while (!h->sim->failed && tcp_next_event(h->tcp, &e))
		user_event(h, &e);
}

void host_turn(struct sim_host *h)
{
	hand_in(h);
	if (h->sim->now >= h->next_timers_ns) {
		bool busy = h->sim->wire.n > 0;

		tcp_timers(h->tcp, h->sim->now, h->sim->plan->hosts[h->index].timers_budget);
		h->next_timers_ns = h->sim->now + (busy ? 1000000 : IDLE_TIMERS_NS);
	}
	hand_events(h);
	user_turn(h);
	hand_out(h);
	// A call of the user's may have ended a connection.
	hand_events(h);
}
