// SPDX-License-Identifier: BSD-3-Clause
// 500,000 SYNs a second that nobody means, through the product's own loop on the second core, next
// to what is established: fedload on the first core sends requests over 64 connections at a rate of
// its own, and honest strangers connect. With the flood and without it: requests answered and lost,
// their latency at fedload; strangers that got in and were answered; what a SYN costs the worker,
// by itself and on top of the traffic.

#include "tests/bench/bench.h"
#include "tests/bench/flood.h"
#include "tests/bench/newcomers.h"
#include "tests/bench/relay_load.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <stdlib.h>
#include <unistd.h>

#define N_NAMES       100000
#define SYN_RATE      500000
#define REQUEST_RATE  50000
#define NEWCOMER_RATE 1000
#define TRIAL_MS      400
#define WAIT_S        5 // for the last of them

#define ROUNDS 200

struct siege {
	struct relay_load *load;
	struct flood flood;
	struct newcomers *newcomers;
};

// Of all trials of a case.
struct tally {
	uint64_t n_due, n_sent, n_answered, n_wrong;
	uint64_t n_syns, n_syns_lost;
	uint64_t n_begun, n_in; // newcomers
	uint64_t busy_ns, n_relayed, n_cookies, n_wire_lost;
	struct bench_samples p99, newcomer_p99, n_half_open;
};

static void besiege(void *arg)
{
	struct siege *s = arg;

	flood_turn(&s->flood);
	newcomers_turn(s->newcomers);
}

// What comes to the caller's port for others never reaches it.
static uint16_t divert(uint16_t port, uint16_t queue, struct rte_mbuf *frames[], uint16_t n,
	uint16_t n_max, void *arg)
{
	struct siege *s = arg;
	uint16_t n_left = 0;

	(void)port;
	(void)queue;
	(void)n_max;
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *to = rte_pktmbuf_mtod_offset(frames[i], const uint8_t *, 30);

		// 11.0.0.0: SYN-ACKs to nobody.
		if (to[0] == 11 || newcomers_take(s->newcomers, frames[i]))
			rte_pktmbuf_free(frames[i]);
		else
			frames[n_left++] = frames[i];
	}
	return n_left;
}

// Until those that have begun are in, or have given up.
static void wait_for_newcomers(struct siege *s)
{
	uint64_t until = rte_rdtsc() + WAIT_S * rte_get_tsc_hz();

	newcomers_stop(s->newcomers);
	while (newcomers_waiting(s->newcomers) > 0 && rte_rdtsc() < until)
		relay_load_turn(s->load);
}

static void add_results(struct siege *s, const struct load_result *result, struct tally *t)
{
	const struct newcomers_counts *in = newcomers_counts(s->newcomers);
	const struct slow_wire *wire = &s->load->wire;
	struct tcp_usage usage;

	t->n_due += result->caller->n_due;
	t->n_sent += result->caller->n_sent;
	t->n_answered += result->caller->n_answered;
	t->n_wrong += caller_wrong(result->caller);
	t->n_begun += in->n_begun;
	t->n_in += in->n_answered;
	for (unsigned i = 0; i < RELAY_WORLD_PORTS; i++)
		t->n_wire_lost += wire->ports[i].n_lost;
	tcp_usage(conns_engine(s->load->world->worker->conns), &usage);
	bench_add(&t->p99, (double)histogram_quantile(&result->caller->latency, 0.99));
	bench_add(&t->newcomer_p99, (double)histogram_quantile(&in->latency, 0.99));
	bench_add(&t->n_half_open, usage.n_half_open);
}

static void run(struct siege *s, double syn_rate, struct tally *t)
{
	const struct relay_load_trial trial = {.rate = REQUEST_RATE,
		.warm_up_ms = 50,
		.measure_ms = bench_quick() ? 100 : TRIAL_MS,
		.drain_ms = 300};
	const struct worker_counters *counters = &s->load->world->worker->counters;
	uint64_t busy_ns = counters->busy_ns, n_cookies = counters->reason[REASON_tcp_cookie_sent];
	uint64_t n_relayed = counters->reason[REASON_sip_response_relayed];
	struct load_result result;

	newcomers_teach(s->load->world);
	newcomers_pace(s->newcomers, NEWCOMER_RATE);
	flood_pace(&s->flood, syn_rate);
	relay_load_run(s->load, &trial, &result);
	t->busy_ns += counters->busy_ns - busy_ns;
	t->n_syns += s->flood.n_sent;
	t->n_syns_lost += s->flood.n_lost;
	t->n_cookies += counters->reason[REASON_tcp_cookie_sent] - n_cookies;
	t->n_relayed += counters->reason[REASON_sip_response_relayed] - n_relayed;
	wait_for_newcomers(s);
	add_results(s, &result, t);
	flood_pace(&s->flood, 0);
}

static void say(const char *name, const struct tally *t)
{
	fprintf(stderr,
		"syn_flood: %s: %lu SYNs (%lu more found no room), %lu of them answered by "
		"cookies; %lu requests due, %lu sent, %lu answered, %lu wrong; %lu newcomers, %lu "
		"in; %lu frames lost in the queue; %.0f half-open at the end\n",
		name, (unsigned long)t->n_syns, (unsigned long)t->n_syns_lost,
		(unsigned long)t->n_cookies, (unsigned long)t->n_due, (unsigned long)t->n_sent,
		(unsigned long)t->n_answered, (unsigned long)t->n_wrong, (unsigned long)t->n_begun,
		(unsigned long)t->n_in, (unsigned long)t->n_wire_lost,
		bench_median(&t->n_half_open));
}

static void report(const char *name, const struct tally *t)
{
	const struct {
		const char *what, *unit;
		double value;
	} rows[] = {
		{"requests answered of 10^6", "ppm",
			1e6 * (double)t->n_answered / (double)t->n_due},
		{"newcomers let in of 10^6", "ppm", 1e6 * (double)t->n_in / (double)t->n_begun},
		{"request to answer at fedload, p99", "us", bench_median(&t->p99) / 1e3},
		{"newcomer's SYN to first answer, p99", "us", bench_median(&t->newcomer_p99) / 1e3},
		{"busy a request with its answer, all told", "ns",
			(double)t->busy_ns / (double)t->n_relayed},
	};
	char label[96];

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(label, sizeof(label), "%s, %s", name, rows[i].what);
		bench_report_size(label, rows[i].value, rows[i].unit);
	}
}

// SYNs alone, in full bursts.
static void measure_syn(struct siege *s, struct bench_samples *out)
{
	struct relay_world *w = s->load->world;
	const struct worker_counters *counters = &w->worker->counters;
	uint64_t ticks = 0, n = counters->reason[REASON_tcp_cookie_sent];

	newcomers_teach(w);
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t start;

		flood_send(&s->flood, RELAY_WORLD_DESCRIPTORS);
		start = rte_rdtsc_precise();
		while (worker_turn(w->worker))
			;
		ticks += rte_rdtsc_precise() - start;
		load_turn(s->load->ends[RELAY_LOAD_CALLER].load);
		while (rte_ring_count(w->tx[RELAY_WORLD_OUTSIDE]) > 0)
			load_turn(s->load->ends[RELAY_LOAD_CALLER].load);
	}
	n = counters->reason[REASON_tcp_cookie_sent] - n;
	bench_add(out, (double)ticks * 1e9 / (double)rte_get_tsc_hz() / (double)n);
}

// While all places of the half-open are taken nobody gets in but by a cookie.
static bool all_by_cookie(const struct siege *s, const struct tally *flooded)
{
	return bench_median(&flooded->n_half_open) == s->load->world->map.tcp.n_half_open;
}

static void open_siege(struct siege *s)
{
	s->load = relay_load_open(TRANSPORT_TCP, N_NAMES);
	flood_open(&s->flood, s->load->world);
	s->newcomers = newcomers_open(s->load->world);
	if (rte_eth_add_first_rx_callback(s->load->ends[RELAY_LOAD_CALLER].port.id, 0, divert, s) ==
		NULL) {
		fprintf(stderr, "bench: siege: no callback\n");
		exit(1);
	}
	s->load->meanwhile = besiege;
	s->load->meanwhile_arg = s;
	// What the worker has never asked for it does not learn.
	flood_send(&s->flood, 1);
	newcomers_pace(s->newcomers, NEWCOMER_RATE);
	while (newcomers_waiting(s->newcomers) == 0)
		relay_load_turn(s->load);
	for (unsigned i = 0; i < 1000; i++)
		relay_load_turn(s->load);
	newcomers_teach(s->load->world);
	wait_for_newcomers(s);
}

int main(int argc, char **argv)
{
	static struct tally calm, flooded;
	struct bench_samples syn = {0}, more = {0};
	static struct siege s;

	bench_init(argc, argv, "syn_flood");
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		bench_skip("needs two cores: who floods has one of its own");
		return 0;
	}
	open_siege(&s);
	for (unsigned i = 0; i < (bench_quick() ? 1 : BENCH_RUNS); i++) {
		uint64_t busy_ns = flooded.busy_ns, n_syns = flooded.n_syns;
		uint64_t calm_ns = calm.busy_ns;

		run(&s, 0, &calm);
		run(&s, SYN_RATE, &flooded);
		busy_ns = flooded.busy_ns - busy_ns - (calm.busy_ns - calm_ns);
		bench_add(&more, (double)busy_ns / (double)(flooded.n_syns - n_syns));
		measure_syn(&s, &syn);
	}
	say("without a flood", &calm);
	say("with it", &flooded);
	report("50,000 requests/s", &calm);
	report("50,000 requests/s and 500,000 SYNs/s", &flooded);
	bench_report("a SYN answered by a cookie, full bursts", &syn, 1e9, "SYNs/s", NULL, NULL);
	bench_report("a SYN on top of the traffic", &more, 1e9, "SYNs/s", NULL, NULL);
	return calm.n_wrong + flooded.n_wrong == 0 && flooded.n_answered == flooded.n_due &&
			flooded.n_in == flooded.n_begun && all_by_cookie(&s, &flooded)
		? 0
		: 1;
}
