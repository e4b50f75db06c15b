// SPDX-License-Identifier: BSD-3-Clause
// A publication of 10^6 names under load: from the document and its list files, through control's
// compiler and the dataplane's publisher, until the worker judges by it, while messages go on
// arriving at 80 % of what the worker takes at most.
//
// On a virtual machine that maximum may change by half from one second to the next. So each
// publication follows a measurement of it and as long a time of the same load with nothing
// published, and the wire tells apart what would be lost on a machine that keeps its speed: that is
// to be nothing.

#include "dataplane/patterns/patterns_child.h"
#include "tests/bench/bench.h"
#include "tests/bench/publish_control.h"
#include "tests/bench/wire.h"

#include <rte_cycles.h>
#include <rte_launch.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#define N_PATTERNS 1000
#define LOAD       0.8

#define RUNS 5

#define SETTLE_MS  20
#define MAXIMUM_MS 150

enum phase {
	SETTLING,
	MAXIMUM,
	NOTHING,   // published, under load
	COMPILING, // by control
	CHECKING,  // the dataplane copies and checks
	PATTERNS,  // their compiler works
	RETIRING,  // offered; the former generation goes
	N_PHASES,
};

_Static_assert(N_PHASES <= WIRE_PHASES, "a phase of the wire for each");

static const char *const phase_names[] = {
	[COMPILING] = "control compiles",
	[CHECKING] = "the image is copied and checked",
	[PATTERNS] = "patterns are compiled",
	[RETIRING] = "the former generation goes",
};

struct publishing {
	struct wire wire;
	struct publish_control control;
	uint64_t generation;
	double nothing_ms; // to load without publishing: what a publication took
};

struct outcome {
	double total_ms, offer_ms, swap_ms;
};

// What the messages of several publications met, or those of as long a time without.
struct toll {
	uint64_t n_arrived, n_lost, n_lost_anyway;
	uint64_t longest_queue, longest_queue_anyway;
	double ms, away_ms, stood_ms, slow_ms, longest_turn_ms;
};

struct tally {
	struct bench_samples total, offered, swap;
	struct toll nothing, phases[N_PHASES], all;
	double maximum_min, maximum_max;
};

__attribute__((noreturn)) static void give_up(const char *what, const char *why)
{
	fprintf(stderr, "bench: %s: %s\n", what, why);
	exit(1);
}

static double ms_since(uint64_t since)
{
	return (double)(bench_now_ns() - since) / 1e6;
}

static void wait_ms(double ms)
{
	uint64_t since = bench_now_ns();

	while (ms_since(since) < ms)
		rte_delay_us_sleep(1000);
}

static void start_worker(struct publishing *p)
{
	wire_reset(&p->wire);
	wire_enter(&p->wire, SETTLING, 0);
	atomic_store(&p->wire.world->worker->stop, false);
	if (rte_eal_remote_launch(worker_run, p->wire.world->worker, 1) < 0)
		give_up("worker", "does not launch");
	wait_ms(SETTLE_MS);
}

static void stop_worker(struct publishing *p)
{
	atomic_store(&p->wire.world->worker->stop, true);
	rte_eal_mp_wait_lcore();
	wire_take_sent(&p->wire);
}

static void poll_publisher(struct relay_world *w)
{
	publisher_poll(&w->publisher);
	rte_delay_us_sleep(100);
}

static void offer(struct publishing *p, int fd, uint64_t n_bytes, double load)
{
	struct relay_world *w = p->wire.world;
	struct attach_publish request = {.generation = p->generation, .n_bytes = n_bytes};
	struct attach_published result;

	wire_enter(&p->wire, CHECKING, load);
	if (publisher_begin(&w->publisher, fd, &request) < 0)
		give_up("publish", "busy");
	if (w->publisher.next != NULL)
		wire_enter(&p->wire, PATTERNS, load);
	while (!publisher_result(&w->publisher, &result))
		poll_publisher(w);
	wire_enter(&p->wire, RETIRING, load);
	if (!result.ok)
		give_up("publish", result.error);
	while (atomic_load_explicit(&w->worker->applied_generation, memory_order_acquire) !=
		w->publisher.current)
		rte_pause();
}

static void publish(struct publishing *p, uint32_t n_patterns, double load, struct outcome *o)
{
	struct relay_world *w = p->wire.world;
	uint64_t start = bench_now_ns(), since, n_bytes;
	int fd;

	wire_enter(&p->wire, COMPILING, load);
	fd = publish_control_compile(&p->control, ++p->generation, n_patterns, &n_bytes);
	since = bench_now_ns();
	offer(p, fd, n_bytes, load);
	o->offer_ms = ms_since(since);
	o->total_ms = ms_since(start);
	for (unsigned i = 0; i < 1000 && w->publisher.retiring != NULL; i++)
		poll_publisher(w);
	close(fd);
}

// One publication with what comes before it. n_patterns new ones.
static struct outcome run(struct publishing *p, uint32_t n_patterns)
{
	struct wire *wire = &p->wire;
	struct outcome o = {0};
	double load;

	start_worker(p);
	wire_enter(wire, MAXIMUM, 0);
	wait_ms(MAXIMUM_MS);
	wire_enter(wire, SETTLING, 0);
	wait_ms(1); // the worker has left the phase
	load = LOAD * wire_learn_maximum(wire, &wire->phases[MAXIMUM]);
	wire_enter(wire, NOTHING, load);
	wait_ms(p->nothing_ms);
	publish(p, n_patterns, load, &o);
	stop_worker(p);
	o.swap_ms = wire_ticks_ms(wire->swap_ticks);
	p->nothing_ms = o.total_ms;
	return o;
}

static void add_toll(struct toll *t, const struct publishing *p, unsigned phase)
{
	const struct wire_phase *w = &p->wire.phases[phase];

	t->n_arrived += w->n_taken + w->n_lost;
	t->n_lost += w->n_lost;
	t->n_lost_anyway += w->n_lost_anyway;
	t->ms += wire_ticks_ms(w->last_turn - w->first_turn);
	t->away_ms += wire_ticks_ms(w->away_ticks);
	t->stood_ms += wire_ticks_ms(w->stood_ticks);
	t->slow_ms += wire_ticks_ms(w->slow_ticks);
	if (wire_ticks_ms(w->longest_turn) > t->longest_turn_ms)
		t->longest_turn_ms = wire_ticks_ms(w->longest_turn);
	if (w->longest_queue > t->longest_queue)
		t->longest_queue = w->longest_queue;
	if (w->longest_queue_anyway > t->longest_queue_anyway)
		t->longest_queue_anyway = w->longest_queue_anyway;
}

static void add_run(struct tally *t, const struct publishing *p, const struct outcome *o)
{
	double maximum = wire_phase_rate(&p->wire.phases[MAXIMUM]);

	add_toll(&t->nothing, p, NOTHING);
	for (unsigned i = COMPILING; i <= RETIRING; i++) {
		add_toll(&t->phases[i], p, i);
		add_toll(&t->all, p, i);
	}
	if (t->total.n == 0 || maximum < t->maximum_min)
		t->maximum_min = maximum;
	if (maximum > t->maximum_max)
		t->maximum_max = maximum;
	bench_add(&t->total, o->total_ms * 1e6);
	bench_add(&t->offered, o->offer_ms * 1e6);
	bench_add(&t->swap, o->swap_ms * 1e6);
}

static void report_times(const char *name, const struct tally *t)
{
	const struct {
		const char *what;
		const struct bench_samples *samples;
	} rows[] = {
		{"from document to worker", &t->total},
		{"of it check, patterns, offer", &t->offered},
		{"from ready to worker, at most", &t->swap},
	};
	char label[96];

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(label, sizeof(label), "%s, %s", name, rows[i].what);
		bench_report(label, rows[i].samples, 1e9, "publications/s", NULL, NULL);
	}
}

static void say_toll(const char *what, const struct toll *t)
{
	if (t->n_arrived == 0)
		return;
	fprintf(stderr,
		"publish:   %s: %lu arrived in %.0f ms, %lu lost, longest queue %lu; with what "
		"the machine took (away %.0f, stood %.1f, slow %.0f ms) given back: %lu lost, "
		"longest queue %lu, longest turn %.2f ms\n",
		what, (unsigned long)t->n_arrived, t->ms, (unsigned long)t->n_lost,
		(unsigned long)t->longest_queue, t->away_ms, t->stood_ms, t->slow_ms,
		(unsigned long)t->n_lost_anyway, (unsigned long)t->longest_queue_anyway,
		t->longest_turn_ms);
}

static void report_messages(const char *name, const struct tally *t)
{
	fprintf(stderr, "publish: %s: the worker takes %.0f to %.0f messages/s, %.0f %% arrive\n",
		name, t->maximum_min, t->maximum_max, LOAD * 100);
	say_toll("nothing is published", &t->nothing);
	say_toll("a publication", &t->all);
	for (unsigned i = COMPILING; i <= RETIRING; i++)
		say_toll(phase_names[i], &t->phases[i]);
}

// True when publishing lost no more than nothing did, and all that was taken off the wire came out.
static bool run_case(struct publishing *p, const char *name, uint32_t n_patterns)
{
	const struct worker_counters *counters = &p->wire.world->worker->counters;
	struct tally tally = {0};
	uint64_t relayed = counters->reason[REASON_sip_request_relayed], n_taken = 0;

	for (unsigned i = 0; i < (bench_quick() ? 1 : RUNS); i++) {
		struct outcome o = run(p, n_patterns);

		add_run(&tally, p, &o);
		for (unsigned phase = 0; phase < N_PHASES; phase++)
			n_taken += p->wire.phases[phase].n_taken;
	}
	relayed = counters->reason[REASON_sip_request_relayed] - relayed;
	report_messages(name, &tally);
	report_times(name, &tally);
	if (relayed != n_taken)
		fprintf(stderr, "publish: %s: %lu messages taken, %lu relayed\n", name,
			(unsigned long)n_taken, (unsigned long)relayed);
	return tally.all.n_lost_anyway <= tally.nothing.n_lost_anyway && relayed == n_taken;
}

// As main of the dataplane does: its children inherit it.
static void stay_off_the_worker(void)
{
	cpu_set_t cores;

	CPU_ZERO(&cores);
	CPU_SET(0, &cores);
	sched_setaffinity(0, sizeof(cores), &cores);
}

int main(int argc, char **argv)
{
	static struct publishing p;
	struct patterns_child *patterns;
	struct relay_world *w;
	bool whole;

	bench_init(argc, argv, "publish");
	stay_off_the_worker();
	publish_control_start(&p.control);
	patterns = patterns_child_start();
	if (patterns == NULL)
		give_up("patterns", "their compiler does not start");
	w = relay_world_open(1, TRANSPORT_UDP);
	w->publisher.patterns = patterns;
	w->worker->idle = IDLE_POLL;
	relay_world_teach(w);
	p.wire.world = w;
	wire_open(&p.wire);
	run(&p, 0); // not judged: the first maximum is that of a worker without a policy
	whole = run_case(&p, "10^6 names", 0);
	whole = run_case(&p, "10^6 names, 10^3 new patterns", N_PATTERNS) && whole;
	relay_world_close(w);
	patterns_child_stop(patterns);
	publish_control_stop(&p.control);
	return whole ? 0 : 1;
}
