// SPDX-License-Identifier: BSD-3-Clause
// 10,000 partners reset their TLS sessions at once and come back, each by a full mutual TLS 1.3
// handshake (P-256, X25519) with the product's control, a process of its own attached by the real
// rings to the product's worker, while others relay 512 B MESSAGEs over TCP through that worker:
// how long until all are back, and how long a message of the others is in the relay before and
// meanwhile.
//
// The worker polls on the second core. All else shares the first: control's threads, the partners'
// half of the handshakes, and fedload for the others, so the time to all back is that of one core
// for both ends of 10,000 handshakes; how much of it control's process had is printed next to it.
// The others' wire (slow_wire.h) is long enough that their arrivals are open-loop whatever the
// first core does. Percentiles are over all messages, and but for those that were under way while
// the worker's thread could not run by its own clock. A turn that merely took long counts: in a
// storm it may be ours.

#include "tests/bench/bench.h"
#include "tests/bench/real_control.h"
#include "tests/bench/relay_times.h"
#include "tests/bench/storm.h"

#include <rte_cycles.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_PARTNERS       10000
#define N_PARTNERS_QUICK 500
#define N_NAMES          10000
#define RATE             2000.0 // of the others, requests a second, each with an answer
#define WIRE_MS          30
#define CALM_S           8
#define WARM_UP_MS       300
#define DRAIN_MS         500
#define STORMS           2
#define WAIT_S           120
#define NICE             (-20)

#define STORM_DOMAIN "storm.example"

static const char document[] =
	"federation: {enabled: true, sip: true}\n"
	"certificates: [{name: edge, certificate: edge.pem, key: edge.key}]\n"
	"tls: {trust: [ca.pem]}\n"
	"local_domains:\n"
	"  - domain: " TRAFFIC_LOCAL_DOMAIN "\n"
	"    servers: [\"tcp:10.10.0.2:5060\"]\n"
	"partners:\n"
	"  - {name: others, next_hops: [\"tcp:192.0.2.2:5060\"]}\n"
	"  - {name: storm, next_hops: [\"tls:192.0.2.3:5061\"], identity: domain}\n"
	"allow:\n"
	"  - {domain: " RELAY_WORLD_LOAD_DOMAIN ", partner: others}\n"
	"  - {domain: " STORM_DOMAIN ", partner: storm}\n";

#define N_SHARES 3
static const double shares[N_SHARES] = {0.5, 0.99, 0.999};
static const char *const share_names[N_SHARES] = {"p50", "p99", "p99.9"};

struct scene {
	struct relay_load *load;
	struct real_control control;
	struct storm storm;
	uint32_t n_partners;
};

// Of a calm time, or of a storm.
struct spell {
	struct relay_times times;
	uint64_t n_sent, n_lost, n_wrong;
	double seconds, control_s;
};

__attribute__((noreturn)) static void give_up(const char *what)
{
	fprintf(stderr, "bench: reconnect_storm: %s\n", what);
	exit(1);
}

static void meanwhile(void *arg)
{
	struct scene *s = arg;

	load_turn(s->storm.load);
	real_control_poll(&s->control);
}

static double now_s(void)
{
	return (double)rte_rdtsc() / (double)rte_get_tsc_hz();
}

static void turn_for(struct scene *s, double seconds)
{
	const double until = now_s() + seconds;

	while (now_s() < until)
		relay_load_turn(s->load);
}

static void turn_until_all_are_back(struct scene *s)
{
	const double until = now_s() + WAIT_S;

	while (!load_is_through(s->storm.load)) {
		if (now_s() > until)
			give_up("not all partners come back");
		relay_load_turn(s->load);
	}
}

// The worker's thread, which runs by now, keeps the priority that this process was started with.
// What is on the first core has to share it, but with nobody else.
static void lower_priority(void)
{
	const struct sched_param other = {0};
	FILE *group = fopen("/proc/self/autogroup", "we");

	if (sched_setscheduler(0, SCHED_OTHER, &other) < 0 ||
		setpriority(PRIO_PROCESS, 0, NICE) < 0)
		give_up("no say in priorities");
	// Where the kernel groups processes by session, it is groups that share.
	if (group != NULL) {
		fprintf(group, "%d", NICE);
		fclose(group);
	}
}

static void open_scene(struct scene *s)
{
	static const char *const options[] = {
		"--handshakes-source", "0", "--handshakes-all", "0", NULL};
	char ca[96];

	s->n_partners = bench_quick() ? N_PARTNERS_QUICK : N_PARTNERS;
	s->load = relay_load_open_with(&(struct relay_load_config){
		.transport = TRANSPORT_TCP, .n_names = N_NAMES, .tls = true, .wire_ms = WIRE_MS});
	s->load->grace_ticks = s->load->wire_ticks;
	lower_priority();
	real_control_open(&s->control, s->load->world, TRAFFIC_LOCAL_DOMAIN, document, options);
	snprintf(ca, sizeof(ca), "%s/ca", s->control.folder);
	storm_open(&s->storm, s->load, ca, STORM_DOMAIN, s->n_partners);
	s->load->meanwhile = meanwhile;
	s->load->meanwhile_arg = s;
	relay_load_start_worker(s->load);
	turn_until_all_are_back(s);
	load_pace(s->storm.load, 0);
	relay_load_stop_worker(s->load);
}

static void close_scene(struct scene *s)
{
	real_control_close(&s->control);
	storm_close(&s->storm);
	relay_load_close(s->load);
}

static void begin(struct scene *s)
{
	static const struct trial_times for_long = {.warm_up_ns = WARM_UP_MS * UINT64_C(1000000),
		.measure_ns = UINT64_C(1000000000000)};
	struct relay_load *l = s->load;

	for (unsigned k = 0; k < RELAY_LOAD_KINDS; k++)
		memset(l->times[k], 0, RELAY_LOAD_MESSAGES * sizeof(*l->times[k]));
	l->began = false;
	l->n_gaps = 0;
	relay_load_start_worker(l);
	load_start(l->ends[RELAY_LOAD_CALLER].load, RATE, &for_long);
	turn_for(s, WARM_UP_MS / 1e3);
	l->measured_from = rte_rdtsc() + l->wire_ticks;
}

static void end(struct scene *s, struct spell *out)
{
	struct load *caller = s->load->ends[RELAY_LOAD_CALLER].load;
	struct load_result r;

	load_pace(caller, 0);
	turn_for(s, DRAIN_MS / 1e3);
	relay_load_stop_worker(s->load);
	load_result(caller, &r);
	out->n_sent += r.caller->n_sent;
	out->n_lost += caller_lost(r.caller);
	out->n_wrong += caller_wrong(r.caller);
	relay_times_add(&out->times, s->load,
		RELAY_TIMES_CAUSE(SLOW_WIRE_AWAY) | RELAY_TIMES_CAUSE(SLOW_WIRE_LATE));
}

static void wait_calmly(struct scene *s, struct spell *out)
{
	const double seconds = bench_quick() ? 1 : CALM_S;

	begin(s);
	turn_for(s, seconds);
	end(s, out);
	out->seconds += seconds;
}

static void weather(struct scene *s, struct spell *out)
{
	const double control_s = real_control_cpu_s(&s->control);
	struct load_result r;

	begin(s);
	if (!load_storm(s->storm.load))
		give_up("a storm before the last one is over");
	turn_until_all_are_back(s);
	load_result(s->storm.load, &r);
	end(s, out);
	out->seconds += (double)r.flows.last_back_ns / 1e9;
	out->control_s += real_control_cpu_s(&s->control) - control_s;
}

static void say(const char *name, const struct spell *p)
{
	fprintf(stderr,
		"reconnect_storm: %s: %.1f s; %lu requests of the others, %lu lost, %lu wrong; %lu "
		"messages seen, %lu unseen; max %.0f us, but for the machine %.0f us (%.3f %% set "
		"aside)\n",
		name, p->seconds, (unsigned long)p->n_sent, (unsigned long)p->n_lost,
		(unsigned long)p->n_wrong, (unsigned long)p->times.all.n,
		(unsigned long)p->times.n_unseen, (double)p->times.all.max / 1e3,
		(double)p->times.calm.max / 1e3,
		100 * (1 - (double)p->times.calm.n / (double)p->times.all.n));
}

static void report(const char *name, const struct histogram *calm, const struct histogram *stormy)
{
	char label[96];

	for (unsigned i = 0; i < N_SHARES; i++) {
		double before = (double)histogram_quantile(calm, shares[i]);
		double during = (double)histogram_quantile(stormy, shares[i]);

		snprintf(label, sizeof(label), "others before, %s, %s", share_names[i], name);
		bench_report_size(label, before / 1e3, "us");
		snprintf(label, sizeof(label), "others during, %s, %s", share_names[i], name);
		bench_report_size(label, during / 1e3, "us");
		snprintf(label, sizeof(label), "during to before, %s, %s", share_names[i], name);
		bench_report_size(label, during / before, "times");
	}
}

static int measure(void)
{
	static struct spell calm, stormy;
	struct bench_samples back = {0};
	static struct scene s;
	struct load_result r;
	unsigned n_storms;

	n_storms = bench_quick() ? 1 : STORMS;
	open_scene(&s);
	for (unsigned i = 0; i < n_storms; i++) {
		double before_s = stormy.seconds;

		wait_calmly(&s, &calm);
		weather(&s, &stormy);
		bench_add(&back, 1e9 * (stormy.seconds - before_s) / s.n_partners);
	}
	load_result(s.storm.load, &r);
	say("before", &calm);
	say("during", &stormy);
	fprintf(stderr,
		"reconnect_storm: %u partners, %u storms: %lu handshakes done, %lu failed, %lu "
		"sessions broken; control's process had %.1f s of CPU of %.1f s\n",
		s.n_partners, n_storms, (unsigned long)r.flows.secure.n_done,
		(unsigned long)r.flows.secure.n_failed, (unsigned long)r.flows.secure.n_broken,
		stormy.control_s, stormy.seconds);
	bench_report_size("time until all are back", stormy.seconds / n_storms, "s");
	bench_report(
		"a partner back", &back, 1e9, "handshakes/s, both ends on one core", NULL, NULL);
	bench_report_size("control's CPU a handshake, all told",
		1e6 * stormy.control_s / n_storms / s.n_partners, "us");
	report("all", &calm.times.all, &stormy.times.all);
	report("but for the machine", &calm.times.calm, &stormy.times.calm);
	close_scene(&s);
	return calm.n_lost + calm.n_wrong + stormy.n_lost + stormy.n_wrong == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	int status = 0;
	pid_t child;

	bench_init(argc, argv, "reconnect_storm");
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2 || geteuid() != 0) {
		bench_skip("needs root and two cores: who storms has one of its own");
		return 0;
	}
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setsid();
		exit(measure());
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
