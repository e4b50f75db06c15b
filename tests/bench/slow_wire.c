// SPDX-License-Identifier: BSD-3-Clause

#include "tests/bench/slow_wire.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf_dyn.h>
#include <stdlib.h>

// How often the thread's clock is read, and after which gap between two turns at once.
#define CLOCK_HZ 4000
#define GAP_HZ   (1000000000 / STALL_NS)
// Less of a difference between the clocks may be the reading's own.
#define AWAY_HZ 500000
// A turn that is longer than so much and so much again a frame, in which the thread ran by its own
// clock, is an interrupt or a halt of the whole virtual machine: a frame takes the worker one or
// two microseconds. That is a claim about the worker; how often turns stall that found nothing,
// next to those that had work, says whether it holds.
#define STALL_NS       20000
#define STALL_FRAME_NS 4000

// As many as a device's queue holds; or what has come in 2 ms.
#define GATHER_FRAMES RELAY_WORLD_DESCRIPTORS
#define GATHER_HZ     500

#define LATE (UINT64_C(1) << 63)

static int field = -1;

static uint64_t *stamp_of(struct rte_mbuf *frame)
{
	return RTE_MBUF_DYNFIELD(frame, field, uint64_t *);
}

void slow_wire_stamp(struct rte_mbuf *frame, uint64_t arrival, uint64_t now)
{
	*stamp_of(frame) = arrival >= now ? arrival : arrival | LATE;
}

uint64_t slow_wire_departure(const struct rte_mbuf *frame)
{
	return *RTE_MBUF_DYNFIELD(frame, field, const uint64_t *);
}

static void end_span(struct slow_wire *wire, uint64_t now)
{
	if (!wire->recovering)
		return;
	wire->recovering = false;
	wire->spans[wire->n_spans++].end = now;
}

static void begin_span(struct slow_wire *wire, uint64_t start, enum slow_wire_cause cause)
{
	if (wire->recovering)
		return;
	if (wire->n_spans == SLOW_WIRE_SPANS) {
		wire->n_forgotten++;
		return;
	}
	wire->recovering = true;
	wire->spans[wire->n_spans] = (struct slow_wire_span){.start = start, .cause = cause};
}

// At the beginning of each turn.
static void watch(struct slow_wire *wire, uint64_t now)
{
	const uint64_t hz = rte_get_tsc_hz(), last = wire->last_turn, clock = wire->away.last_clock;
	const uint64_t most =
		(STALL_NS + (uint64_t)wire->n_given * STALL_FRAME_NS) * hz / 1000000000;
	struct slow_wire_turns *turns = &wire->turns[wire->n_given > 0];

	if (wire->n_given == 0)
		end_span(wire, now);
	wire->n_given = 0;
	wire->last_turn = now;
	if (last == 0)
		return;
	turns->ticks += now - last;
	if (now - last <= hz / GAP_HZ && now - clock <= hz / CLOCK_HZ)
		return;
	if (away_read(&wire->away, now) > hz / AWAY_HZ) {
		begin_span(wire, clock, SLOW_WIRE_AWAY);
	} else if (now - last > most) {
		turns->n_stalls++;
		begin_span(wire, last, SLOW_WIRE_STOOD);
	}
}

static void hold(struct slow_wire_port *p, struct rte_mbuf *frames[], unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (p->n == SLOW_WIRE_FRAMES) {
			p->n_lost += n - i;
			rte_pktmbuf_free_bulk(frames + i, n - i);
			return;
		}
		p->held[(p->first + p->n++) % SLOW_WIRE_FRAMES] = frames[i];
	}
}

// Whether the first frame that is held has arrived.
static bool arrives(struct slow_wire_port *p, uint64_t now)
{
	uint64_t arrival;

	if (p->n == 0)
		return false;
	if (p->flows)
		return true;
	arrival = *stamp_of(p->held[p->first]);
	if ((arrival & LATE) != 0)
		begin_span(p->wire, now, SLOW_WIRE_LATE);
	return (arrival & ~LATE) <= now;
}

static void gather(struct slow_wire_port *p, uint64_t now)
{
	bool gathers = atomic_load_explicit(&p->wire->gathers, memory_order_relaxed);

	if (!gathers || p->n == 0) {
		p->flows = false;
		p->since = now;
	} else if (p->n >= GATHER_FRAMES || now - p->since > rte_get_tsc_hz() / GATHER_HZ) {
		p->flows = true;
	}
}

static uint16_t receive(uint16_t port, uint16_t queue, struct rte_mbuf *frames[], uint16_t n,
	uint16_t n_max, void *arg)
{
	struct slow_wire_port *p = arg;
	const uint64_t now = rte_rdtsc();
	bool gathers = atomic_load_explicit(&p->wire->gathers, memory_order_relaxed);

	(void)port;
	(void)queue;
	if (p->port == 0)
		watch(p->wire, now);
	hold(p, frames, n);
	gather(p, now);
	n = 0;
	while (n < n_max && (p->flows || !gathers) && arrives(p, now)) {
		frames[n++] = p->held[p->first];
		p->first = (p->first + 1) % SLOW_WIRE_FRAMES;
		p->n--;
	}
	p->wire->n_given += n;
	return n;
}

static uint16_t transmit(
	uint16_t port, uint16_t queue, struct rte_mbuf *frames[], uint16_t n, void *arg)
{
	const uint64_t now = rte_rdtsc();

	(void)port;
	(void)queue;
	(void)arg;
	for (unsigned i = 0; i < n; i++)
		*stamp_of(frames[i]) = now;
	return n;
}

__attribute__((noreturn)) static void give_up(const char *what)
{
	fprintf(stderr, "bench: wire: %s\n", what);
	exit(1);
}

void slow_wire_open(struct slow_wire *wire)
{
	static const struct rte_mbuf_dynfield desc = {
		.name = "bench_time", .size = sizeof(uint64_t), .align = _Alignof(uint64_t)};

	field = rte_mbuf_dynfield_register(&desc);
	wire->spans = calloc(SLOW_WIRE_SPANS, sizeof(*wire->spans));
	if (field < 0 || wire->spans == NULL)
		give_up("no memory");
	for (unsigned i = 0; i < RELAY_WORLD_PORTS; i++) {
		uint16_t port = wire->world->ports[i].id;

		wire->ports[i].wire = wire;
		wire->ports[i].port = i;
		if (rte_eth_add_rx_callback(port, 0, receive, &wire->ports[i]) == NULL ||
			rte_eth_add_tx_callback(port, 0, transmit, NULL) == NULL)
			give_up("no callbacks");
	}
}

void slow_wire_close(struct slow_wire *wire)
{
	for (unsigned i = 0; i < RELAY_WORLD_PORTS; i++) {
		struct slow_wire_port *p = &wire->ports[i];

		for (; p->n > 0; p->n--, p->first = (p->first + 1) % SLOW_WIRE_FRAMES)
			rte_pktmbuf_free(p->held[p->first]);
	}
	free(wire->spans);
}

void slow_wire_gather(struct slow_wire *wire, bool gathers)
{
	atomic_store_explicit(&wire->gathers, gathers, memory_order_relaxed);
}

void slow_wire_begin(struct slow_wire *wire)
{
	wire->recovering = false;
	wire->n_spans = 0;
	wire->n_forgotten = 0;
	wire->n_given = 0;
	memset(wire->turns, 0, sizeof(wire->turns));
	wire->last_turn = 0;
	wire->away = (struct away){0};
	for (unsigned i = 0; i < RELAY_WORLD_PORTS; i++)
		wire->ports[i].n_lost = 0;
}

void slow_wire_end(struct slow_wire *wire)
{
	end_span(wire, UINT64_MAX);
}
