// SPDX-License-Identifier: BSD-3-Clause
// fedload: SIP callers and callees on a port of their own, by the product's engines.

#include "tests/load/report.h"
#include "tests/load/search.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define SLEEP_NANOSEC 50000
#define EMPTY_TURNS   64

struct program {
	struct options options;
	struct core_map map;
	struct pools pools;
	struct port port;
	struct identities *identities; // NULL: no TLS
	struct load *load;
	bool eal_up;
	unsigned n_empty;
};

static volatile sig_atomic_t stop_asked;

static void on_signal(int signal)
{
	(void)signal;
	stop_asked = 1;
}

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void turn(struct program *p)
{
	static const struct timespec pause = {.tv_nsec = SLEEP_NANOSEC};

	p->n_empty = load_turn(p->load) ? 0 : p->n_empty + 1;
	if (p->options.sleep && p->n_empty >= EMPTY_TURNS)
		nanosleep(&pause, NULL);
}

static void print_errors(const struct errors *errors)
{
	for (unsigned i = 0; i < errors->n; i++)
		fprintf(stderr, "%s\n", errors->text[i]);
}

static int open_identities(struct program *p)
{
	struct errors errors;

	if (p->options.identities.folder == NULL)
		return 0;
	errors_init(&errors, "fedload");
	p->identities = identities_new(&p->options.identities, &errors);
	print_errors(&errors);
	return p->identities != NULL ? 0 : -EINVAL;
}

// What is open is closed by shut(), whatever this returns.
static int open_port(struct program *p)
{
	char error[CORE_MAP_ERROR_BYTES] = "no memory";
	struct errors errors;
	cpu_set_t core;
	int r;

	errors_init(&errors, "fedload");
	r = load_map(&p->options.map, &p->map, &errors);
	print_errors(&errors);
	if (r < 0)
		return r;
	CPU_ZERO(&core);
	CPU_SET(p->options.map.core, &core);
	sched_setaffinity(0, sizeof(core), &core);
	r = eal_start(&p->map, error);
	p->eal_up = r == 0;
	if (r == 0)
		r = pools_open(&p->pools, 0, p->map.workers[0].numa_node, p->map.n_packets);
	if (r == 0)
		r = ports_open(&p->map, &p->pools, &p->port, error);
	if (r < 0)
		fprintf(stderr, "fedload: %s\n", error);
	return r;
}

static int open_load(struct program *p)
{
	struct load_config config = p->options.load;

	config.map = &p->map;
	config.port = &p->port;
	config.pools = &p->pools;
	config.identities = p->identities;
	p->load = load_new(&config);
	if (p->load != NULL)
		return 0;
	fprintf(stderr, "fedload: does not start: %s\n", strerror(errno));
	return -errno;
}

static void shut(struct program *p)
{
	load_free(p->load);
	identities_free(p->identities);
	if (!p->eal_up)
		return;
	ports_close(&p->map, &p->port);
	pools_close(&p->pools);
	eal_stop();
}

// One trial; false where it was stopped.
static bool try_rate(struct program *p, double rate, struct load_result *result)
{
	const struct options *o = &p->options;
	struct trial_times times = {
		.warm_up_ns = (uint64_t)(o->warm_up_seconds * 1e9),
		.measure_ns = (uint64_t)(o->seconds * 1e9),
		.drain_ns = (uint64_t)(o->drain_seconds * 1e9),
	};

	load_start(p->load, rate, &times);
	while (!load_is_done(p->load) && !stop_asked)
		turn(p);
	load_result(p->load, result);
	if (!stop_asked)
		report_trial(o, result, rate, stdout);
	return !stop_asked;
}

// Exit status.
static int find_max(struct program *p)
{
	struct load_result result;
	struct search search;
	double rate;

	search_init(&search, p->options.rate, p->options.precision);
	while ((rate = search_next(&search)) > 0) {
		if (!try_rate(p, rate, &result))
			return 1;
		search_tell(&search, rate, load_passed(&result, p->options.allowed_ppm));
	}
	report_found(&p->options, search_found(&search), search.n_trials, stdout);
	return search_found(&search) > 0 ? 0 : 1;
}

static int call(struct program *p)
{
	uint64_t until_ns = clock_ns() + (uint64_t)(p->options.wait_seconds * 1e9);
	struct load_result result;

	while (!load_is_through(p->load) && !stop_asked && clock_ns() < until_ns)
		turn(p);
	if (!load_is_through(p->load)) {
		load_result(p->load, &result);
		fprintf(stderr,
			"fedload: nothing was answered within %g s, or not all connections opened "
			"(%u of %u)\n",
			p->options.wait_seconds, result.flows.n_kept_open, p->options.load.n_conns);
		if (result.flows.secure.failure[0] != '\0')
			fprintf(stderr, "fedload: handshakes failed, the last one: %s\n",
				result.flows.secure.failure);
		report_reasons(&result, stderr);
		return 1;
	}
	if (p->options.find_max)
		return find_max(p);
	if (!try_rate(p, p->options.rate, &result))
		return 1;
	return load_passed(&result, p->options.allowed_ppm) ? 0 : 1;
}

static int answer(struct program *p)
{
	uint64_t start_ns = clock_ns();
	double limit_ns = p->options.seconds > 0 ? p->options.seconds * 1e9 : 1e18;
	struct load_result result;

	while (!stop_asked && (double)(clock_ns() - start_ns) < limit_ns)
		turn(p);
	load_result(p->load, &result);
	report_callee(&p->options, &result, (double)(clock_ns() - start_ns) / 1e9, stdout);
	report_reasons(&result, stderr);
	return result.callee->n_altered == 0 ? 0 : 1;
}

static int run(struct program *p)
{
	int status = 1;

	catch_signals();
	if (open_identities(p) == 0 && open_port(p) == 0 && open_load(p) == 0) {
		fprintf(stderr, "fedload: ready\n");
		status = p->options.calls ? call(p) : answer(p);
	}
	shut(p);
	return status;
}

int main(int argc, char **argv)
{
	struct program *p = calloc(1, sizeof(*p));
	struct errors errors;
	int status = 2;

	if (p == NULL)
		return 1;
	errors_init(&errors, "fedload");
	switch (options_read(argc, argv, &p->options, &errors)) {
	case OPTIONS_RUN:
		status = run(p);
		break;
	case OPTIONS_HELP:
		fputs(options_usage, stdout);
		status = 0;
		break;
	case OPTIONS_VERSION:
		printf("fedload %s\n", FEDRELAY_VERSION);
		status = 0;
		break;
	case OPTIONS_WRONG:
		print_errors(&errors);
		fputs("try fedload --help\n", stderr);
		break;
	}
	free(p);
	return status;
}
