// SPDX-License-Identifier: BSD-3-Clause

#include "tests/bench/wire.h"

#include "tests/bench/bench.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_prefetch.h>
#include <stdlib.h>

// A device writes frames into the cache before it tells of them. This wire's frames lie in memory,
// so it fetches them ahead of its copy; else it would be the wire that suffers from a busy memory.
#define FRAMES_AHEAD 8

#define YARD_LOOPS 1000 // 0.8 us
// Longer than the shortest is an interrupt, no lack of speed: threads that share a core halve each
// other's at worst.
#define YARD_TIMES_MAX 2

// How often the thread's clock and the yardstick are read, and after which gap between two turns at
// once: no turn is that long, 32 messages take 30 us.
#define CLOCK_HZ 4000
#define GAP_HZ   10000
// A turn this long, in which the thread ran by its own clock, is an interrupt or a halt of the
// whole virtual machine. A worker does the same in each turn, whatever main does meanwhile, but for
// one: the turn in which it takes up a generation is never excused.
#define STALL_HZ 2000

static uint64_t get(const _Atomic uint64_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

static void set(_Atomic uint64_t *value, uint64_t to)
{
	atomic_store_explicit(value, to, memory_order_relaxed);
}

static void raise_to(_Atomic uint64_t *value, uint64_t to)
{
	if (to > get(value))
		set(value, to);
}

static void add(_Atomic uint64_t *value, uint64_t n)
{
	set(value, get(value) + n);
}

// Messages that come or would be taken in so many ticks at a rate; 2^32 of them are one.
static uint64_t times_rate(uint64_t ticks, uint64_t rate)
{
	return (uint64_t)((unsigned __int128)ticks * rate >> 32);
}

static void overflow(uint64_t *waiting, _Atomic uint64_t *longest, _Atomic uint64_t *n_lost)
{
	raise_to(longest, *waiting);
	if (*waiting <= RELAY_WORLD_DESCRIPTORS)
		return;
	add(n_lost, *waiting - RELAY_WORLD_DESCRIPTORS);
	*waiting = RELAY_WORLD_DESCRIPTORS;
}

// What arrived by now enters both queues.
static void arrive(struct wire *wire, struct wire_phase *p, uint64_t rate, uint64_t now)
{
	uint64_t n_due, n_back;

	if (rate != wire->clocked_rate) {
		wire->clocked_rate = rate;
		wire->start = now;
		wire->n_due = wire->waiting = wire->waiting_anyway = wire->given_back = 0;
	}
	n_due = times_rate(now - wire->start, rate);
	wire->waiting += n_due - wire->n_due;
	wire->waiting_anyway += n_due - wire->n_due;
	wire->n_due = n_due;
	n_back = wire->given_back >> 32;
	wire->given_back &= UINT32_MAX;
	wire->waiting_anyway -= n_back < wire->waiting_anyway ? n_back : wire->waiting_anyway;
	overflow(&wire->waiting, &p->longest_queue, &p->n_lost);
	overflow(&wire->waiting_anyway, &p->longest_queue_anyway, &p->n_lost_anyway);
}

void wire_take_sent(struct wire *wire)
{
	struct rte_mbuf *frames[QUEUE_BURST];
	unsigned n;

	for (unsigned port = 0; port < RELAY_WORLD_PORTS; port++) {
		while ((n = rte_ring_sc_dequeue_burst(
				wire->world->tx[port], (void **)frames, QUEUE_BURST, NULL)) > 0)
			rte_pktmbuf_free_bulk(frames, n);
	}
}

// Independent additions and shifts, as many as the core can do at once: a neighbour that shares its
// units shows.
static uint64_t measure_yard(void)
{
	uint64_t start = rte_rdtsc(), a = 1, b = 2, c = 3, d = 4, e = 5, f = 6;

	for (uint64_t i = 0; i < YARD_LOOPS; i++) {
		a = a * 3 + 1;
		b ^= b << 1;
		c += b;
		d += i;
		e ^= d;
		f += e;
		bench_keep(a ^ c ^ f);
	}
	return rte_rdtsc() - start;
}

static void read_yard(struct wire *wire, struct wire_phase *p)
{
	uint64_t ticks = measure_yard(), *slot = &wire->yards[wire->n_yards % WIRE_YARDS];

	if (wire->shortest_yard == 0 || ticks < wire->shortest_yard)
		wire->shortest_yard = ticks;
	if (ticks > YARD_TIMES_MAX * wire->shortest_yard)
		ticks = YARD_TIMES_MAX * wire->shortest_yard;
	wire->yards_sum += ticks - *slot;
	*slot = ticks;
	wire->n_yards++;
	add(&p->yard_ticks, ticks);
	add(&p->n_yards, 1);
}

// Whether the turn that ends now took up a generation. It does so at its end, and the turn before
// it ended without an offer.
static bool watch_swap(struct wire *wire, uint64_t now)
{
	const struct generation *applied = atomic_load_explicit(
		&wire->world->worker->applied_generation, memory_order_relaxed);
	const bool swapped = applied != wire->generation;

	if (swapped && wire->turn_before != 0)
		set(&wire->swap_ticks, now - wire->turn_before);
	wire->generation = applied;
	wire->turn_before = wire->last_turn;
	return swapped;
}

// What the machine took of a turn, in ticks.
static uint64_t judge_turn(
	struct wire *wire, struct wire_phase *p, uint64_t turn, uint64_t away, bool swapped)
{
	const uint64_t usual = get(&wire->usual_yard) * WIRE_YARDS;
	uint64_t stood = 0, slow = 0;

	turn -= away < turn ? away : turn;
	if (!swapped && turn > rte_get_tsc_hz() / STALL_HZ)
		stood = turn;
	else if (usual != 0 && wire->n_yards >= WIRE_YARDS && wire->yards_sum > usual)
		slow = turn - turn * usual / wire->yards_sum;
	raise_to(&p->longest_turn, turn - stood);
	add(&p->away_ticks, away);
	add(&p->stood_ticks, stood);
	add(&p->slow_ticks, slow);
	return away + stood + slow;
}

static uint64_t watch_machine(struct wire *wire, struct wire_phase *p, uint64_t now)
{
	const uint64_t turn = wire->last_turn != 0 ? now - wire->last_turn : 0;
	const uint64_t hz = rte_get_tsc_hz();
	const bool swapped = watch_swap(wire, now);
	uint64_t away = 0;

	if (get(&p->first_turn) == 0)
		set(&p->first_turn, now - turn);
	set(&p->last_turn, now);
	wire->last_turn = now;
	if (turn > hz / GAP_HZ || now - wire->away.last_clock > hz / CLOCK_HZ) {
		away = away_read(&wire->away, now);
		read_yard(wire, p);
	}
	return judge_turn(wire, p, turn, away, swapped);
}

static void prefetch(const struct relay_world *w, uint64_t frame)
{
	const uint8_t *at = w->frames + frame % TRAFFIC_MESSAGES * RELAY_WORLD_FRAME_BYTES;

	for (unsigned i = 0; i < RELAY_WORLD_FRAME_BYTES; i += 64)
		rte_prefetch0(at + i);
}

static uint16_t receive(uint16_t port, uint16_t queue, struct rte_mbuf *frames[], uint16_t n,
	uint16_t n_max, void *arg)
{
	struct wire *wire = arg;
	struct wire_phase *p =
		&wire->phases[atomic_load_explicit(&wire->phase, memory_order_relaxed)];
	const uint64_t rate = get(&wire->rate), now = rte_rdtsc();
	const uint16_t n_before = n;
	uint64_t n_taken, waiting = n_max;

	(void)port;
	(void)queue;
	wire->given_back += watch_machine(wire, p, now) * get(&wire->maximum);
	if (rate != 0) {
		arrive(wire, p, rate, now);
		waiting = wire->waiting;
	}
	wire_take_sent(wire);
	for (; n < n_max && waiting > 0; waiting--, n++) {
		prefetch(wire->world, wire->next_frame + FRAMES_AHEAD);
		frames[n] = relay_world_frame(
			wire->world, (uint32_t)(wire->next_frame % TRAFFIC_MESSAGES));
		if (frames[n] == NULL)
			break;
		if (wire->next_frame++ % TRAFFIC_MESSAGES == 0)
			relay_world_teach(wire->world);
	}
	n_taken = n - n_before;
	if (rate != 0) {
		wire->waiting -= n_taken;
		wire->waiting_anyway -=
			n_taken < wire->waiting_anyway ? n_taken : wire->waiting_anyway;
	}
	add(&p->n_taken, n_taken);
	return n;
}

void wire_open(struct wire *wire)
{
	const uint16_t port = wire->world->ports[RELAY_WORLD_OUTSIDE].id;

	if (rte_eth_add_rx_callback(port, 0, receive, wire) == NULL) {
		fprintf(stderr, "bench: wire: no receive callback\n");
		exit(1);
	}
}

static uint64_t in_ticks(double messages_a_second)
{
	return (uint64_t)(messages_a_second / (double)rte_get_tsc_hz() * 4294967296.0);
}

void wire_enter(struct wire *wire, unsigned phase, double rate)
{
	set(&wire->rate, in_ticks(rate));
	atomic_store_explicit(&wire->phase, phase, memory_order_relaxed);
}

double wire_learn_maximum(struct wire *wire, const struct wire_phase *p)
{
	const double rate = wire_phase_rate(p);

	set(&wire->maximum, in_ticks(rate));
	set(&wire->usual_yard, get(&p->n_yards) > 0 ? get(&p->yard_ticks) / get(&p->n_yards) : 0);
	return rate;
}

void wire_reset(struct wire *wire)
{
	memset(wire->phases, 0, sizeof(wire->phases));
	wire->last_turn = wire->turn_before = wire->clocked_rate = 0;
	wire->away = (struct away){0};
	wire->given_back = 0;
	set(&wire->usual_yard, 0);
	set(&wire->maximum, 0);
}

double wire_ticks_ms(uint64_t ticks)
{
	return (double)ticks * 1e3 / (double)rte_get_tsc_hz();
}

double wire_phase_rate(const struct wire_phase *p)
{
	double ms = wire_ticks_ms(get(&p->last_turn) - get(&p->first_turn) - get(&p->away_ticks) -
		get(&p->stood_ticks));

	return ms > 0 ? (double)get(&p->n_taken) * 1e3 / ms : 0;
}
