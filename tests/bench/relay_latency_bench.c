// SPDX-License-Identifier: BSD-3-Clause
// How long a message is in the relay at half load: from its frame's arrival in the receive queue to
// the frame that was handed to the transmit burst. SIP over UDP and over TCP, 512 B MESSAGEs of
// 10^4 domains among 10^5 names and their answers, one worker on the second core, fedload on both
// sides on the first. The worker polls as it does in the product, launched by EAL.
//
// Half load is half of what one request and its answer cost the worker when they are taken in full
// bursts. Arrivals are open-loop (slow_wire.h). Percentiles are printed over all messages, and over
// those that were not under way while the machine had taken the core away or stood still: on a
// virtual machine that happens for whole milliseconds. Next to them what the same schedule sees, of
// the same core and a moment later, from a thread that does arithmetic in registers for as long as
// the worker is busy with a message: nothing that takes that long can be faster on this machine.

#include "tests/bench/bench.h"
#include "tests/bench/relay_times.h"

#include <rte_cycles.h>
#include <rte_launch.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_NAMES 100000
#define LOAD    0.5

// Of a run; each short enough that nobody takes the cores meanwhile who has to wait for them.
#define TRIALS        5
#define TRIAL_MS      200
#define FLOOR_REST_US 100000

// Enough that what gathers makes full bursts, and less than fedload can send and answer.
#define FULL_RATE 100000

#define N_SHARES 3
static const double shares[N_SHARES] = {0.5, 0.99, 0.999};
static const char *const share_names[N_SHARES] = {"p50", "p99", "p99.9"};

// One run's.
struct latencies {
	struct relay_times times;
	struct histogram floor;   // ns; of arithmetic alone
	uint64_t n_lost, n_wrong; // of fedload's requests
	double taken_ms[SLOW_WIRE_CAUSES];
	struct slow_wire_turns turns[2];
};

// A thread that serves the same schedule by arithmetic.
struct calculator {
	double rate, seconds, service_ns;
	struct histogram *latency;
};

// Messages, both ways.
static uint64_t relayed(const struct worker_counters *counters)
{
	return counters->reason[REASON_sip_request_relayed] +
		counters->reason[REASON_sip_response_relayed];
}

// What the worker takes at most, in requests with their answers a second.
static double measure_maximum(struct relay_load *l)
{
	const struct relay_load_trial trial = {
		.rate = FULL_RATE, .gathers = true, .measure_ms = 200, .drain_ms = 50};
	const struct worker_counters *counters = &l->world->worker->counters;
	uint64_t busy_ns = counters->busy_ns;
	uint64_t n = counters->reason[REASON_sip_response_relayed];
	struct load_result result;

	relay_load_run(l, &trial, &result);
	n = counters->reason[REASON_sip_response_relayed] - n;
	busy_ns = counters->busy_ns - busy_ns;
	return busy_ns > 0 ? (double)n * 1e9 / (double)busy_ns : 0;
}

static void calculate(uint64_t n_loops)
{
	uint64_t a = 1;

	for (uint64_t i = 0; i < n_loops; i++) {
		a = a * 3 + i;
		bench_keep(a);
	}
}

// The least of several, since the machine only adds.
static double loop_ns(void)
{
	const uint64_t n = 10000;
	double least = 1e9;

	for (unsigned i = 0; i < 100; i++) {
		uint64_t start = rte_rdtsc();
		double ns;

		calculate(n);
		ns = relay_times_ns(rte_rdtsc() - start) / (double)n;
		least = ns < least ? ns : least;
	}
	return least;
}

static int serve_by_arithmetic(void *arg)
{
	struct calculator *c = arg;
	const uint64_t n_loops = (uint64_t)(c->service_ns / loop_ns());
	const double interval = (double)rte_get_tsc_hz() / c->rate;
	const uint64_t n = (uint64_t)(c->rate * c->seconds), start = rte_rdtsc();

	for (uint64_t i = 0; i < n; i++) {
		const uint64_t arrival = start + (uint64_t)((double)i * interval);

		while (rte_rdtsc() < arrival)
			;
		calculate(n_loops);
		histogram_add(c->latency, (uint64_t)relay_times_ns(rte_rdtsc() - arrival));
	}
	return 0;
}

static void measure_floor(struct latencies *out, double rate, double seconds, double service_ns)
{
	struct calculator c = {
		.rate = rate, .seconds = seconds, .service_ns = service_ns, .latency = &out->floor};

	if (rte_eal_remote_launch(serve_by_arithmetic, &c, 1) == 0)
		rte_eal_mp_wait_lcore();
}

static void read_run(struct latencies *out, const struct relay_load *l)
{
	const struct slow_wire *wire = &l->wire;

	relay_times_add(&out->times, l, RELAY_TIMES_ANY_CAUSE);
	for (unsigned i = 0; i < 2; i++) {
		out->turns[i].ticks += wire->turns[i].ticks;
		out->turns[i].n_stalls += wire->turns[i].n_stalls;
	}
	for (unsigned i = 0; i < l->n_gaps; i++)
		out->taken_ms[SLOW_WIRE_LATE] +=
			relay_times_ns(l->gaps[i].end - l->gaps[i].start) / 1e6;
	for (unsigned i = 0; i < wire->n_spans; i++) {
		const struct slow_wire_span *s = &wire->spans[i];

		if (s->end != UINT64_MAX)
			out->taken_ms[s->cause] += relay_times_ns(s->end - s->start) / 1e6;
	}
}

static double stalls_a_second(const struct slow_wire_turns *t)
{
	return t->ticks > 0 ? (double)t->n_stalls * 1e9 / relay_times_ns(t->ticks) : 0;
}

static void say_run(const char *name, const struct latencies *run, double rate)
{
	double n = (double)run->times.all.n;

	fprintf(stderr,
		"relay_latency: %s: %.0f requests/s, %lu messages, %lu lost, %lu wrong, %lu "
		"unseen; max %.1f us, but for the machine %.1f us (%.2f %% set aside: away %.1f, "
		"stood %.1f, generator late %.1f ms; turns stood %.0f times a second that found "
		"nothing, %.0f times with work)\n",
		name, rate, (unsigned long)run->times.all.n, (unsigned long)run->n_lost,
		(unsigned long)run->n_wrong, (unsigned long)run->times.n_unseen,
		(double)run->times.all.max / 1e3, (double)run->times.calm.max / 1e3,
		n > 0 ? 100 * (n - (double)run->times.calm.n) / n : 0,
		run->taken_ms[SLOW_WIRE_AWAY], run->taken_ms[SLOW_WIRE_STOOD],
		run->taken_ms[SLOW_WIRE_LATE], stalls_a_second(&run->turns[0]),
		stalls_a_second(&run->turns[1]));
}

static void report(const char *name, const char *of, const struct bench_samples samples[N_SHARES])
{
	char label[96];

	for (unsigned i = 0; i < N_SHARES; i++) {
		snprintf(label, sizeof(label), "%s, half load, %s, %s", name, share_names[i], of);
		bench_report_size(label, bench_median(&samples[i]) / 1e3, "us");
	}
}

static void add_quantiles(struct bench_samples samples[N_SHARES], const struct histogram *h)
{
	for (unsigned i = 0; i < N_SHARES; i++)
		bench_add(&samples[i], (double)histogram_quantile(h, shares[i]));
}

// Trials at half load, each short, all into one run's histograms.
static void run_at_half(struct relay_load *l, const char *name, double maximum,
	struct latencies *run, double *busy_ns)
{
	const struct worker_counters *counters = &l->world->worker->counters;
	const struct relay_load_trial trial = {
		.rate = LOAD * maximum, .warm_up_ms = 50, .measure_ms = TRIAL_MS, .drain_ms = 50};
	uint64_t busy = 0, n = 0;

	for (unsigned i = 0; i < (bench_quick() ? 1 : TRIALS); i++) {
		uint64_t busy_before = counters->busy_ns, n_before = relayed(counters);
		struct load_result result;

		relay_load_run(l, &trial, &result);
		busy += counters->busy_ns - busy_before;
		n += relayed(counters) - n_before;
		run->n_wrong += caller_wrong(result.caller);
		run->n_lost += caller_lost(result.caller);
		read_run(run, l);
		usleep(FLOOR_REST_US);
		measure_floor(
			run, 2 * trial.rate, trial.measure_ms / 1e3, (double)busy / (double)n);
	}
	*busy_ns = 2 * (double)busy / (double)n;
	say_run(name, run, trial.rate);
}

// True if every request was answered.
static bool measure(struct relay_load *l, const char *name)
{
	struct bench_samples all[N_SHARES] = {0}, calm[N_SHARES] = {0}, floor[N_SHARES] = {0};
	struct bench_samples full = {0}, half = {0};
	bool whole = true;
	char label[96];

	for (unsigned i = 0; i < (bench_quick() ? 1 : BENCH_RUNS); i++) {
		double maximum = measure_maximum(l), busy_ns;
		struct latencies *run = calloc(1, sizeof(*run));

		if (run == NULL || maximum == 0)
			exit(1);
		run_at_half(l, name, maximum, run, &busy_ns);
		bench_add(&full, 1e9 / maximum);
		bench_add(&half, busy_ns);
		add_quantiles(all, &run->times.all);
		add_quantiles(calm, &run->times.calm);
		add_quantiles(floor, &run->floor);
		whole = whole && run->n_lost == 0 && run->n_wrong == 0;
		free(run);
	}
	snprintf(label, sizeof(label), "%s, full bursts", name);
	bench_report(label, &full, 1e9, "requests with answers/s", NULL, NULL);
	snprintf(label, sizeof(label), "%s, half load, busy", name);
	bench_report(label, &half, 1e9, "requests with answers/s", NULL, NULL);
	report(name, "but for the machine", calm);
	report(name, "all", all);
	report(name, "arithmetic instead", floor);
	return whole;
}

static int measure_transport(enum transport transport, const char *name)
{
	struct relay_load *l = relay_load_open(transport, N_NAMES);
	bool whole = measure(l, name);

	relay_load_close(l);
	return whole ? 0 : 1;
}

// EAL starts once a process.
static int in_a_child(enum transport transport, const char *name)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		exit(measure_transport(transport, name));
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
	int udp, tcp;

	bench_init(argc, argv, "relay_latency");
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		bench_skip("needs two cores: the generator has one of its own");
		return 0;
	}
	udp = in_a_child(TRANSPORT_UDP, "512 B MESSAGE over UDP");
	tcp = in_a_child(TRANSPORT_TCP, "512 B MESSAGE over TCP");
	return udp != 0 ? udp : tcp;
}
