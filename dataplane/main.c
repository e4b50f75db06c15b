// SPDX-License-Identifier: BSD-3-Clause
// fedrelay-dataplane: its modules, up in order, down in reverse.

#include "dataplane/attach/attach.h"
#include "dataplane/core_map/machine.h"
#include "dataplane/patterns/patterns_child.h"
#include "dataplane/port/port.h"
#include "dataplane/publish/publish.h"
#include "dataplane/sandbox.h"
#include "dataplane/worker/worker.h"

#include <errno.h>
#include <getopt.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

// What main waits at most for control before it looks at signals and retired generations.
#define TURN_MS 20

// The modules in the order in which they come up; each needs the former ones.
enum stage {
	STAGE_NOTHING,
	STAGE_PATTERNS, // forked before there are threads
	STAGE_EAL,
	STAGE_POOLS,
	STAGE_PORTS,
	STAGE_WORKERS,
	STAGE_ATTACHMENT,
	STAGE_LAUNCHED,
};

struct dataplane {
	enum stage stage;
	bool eal_up;
	struct core_map map;
	struct patterns_child *patterns;
	struct pools pools[CORE_MAP_WORKERS_MAX];
	struct port ports[CORE_MAP_PORTS_MAX];
	struct exchange *exchange;
	struct worker *workers;
	unsigned n_workers; // that are up
	struct publisher publisher;
	struct attachment *attachment;
};

static volatile sig_atomic_t stop_asked;

static void ask_stop(int signal_number)
{
	(void)signal_number;
	stop_asked = 1;
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	va_list values;

	fprintf(stderr, "fedrelay-dataplane: ");
	va_start(values, format);
	vfprintf(stderr, format, values);
	va_end(values);
	fprintf(stderr, "\n");
}

static void catch_signals(void)
{
	struct sigaction stop = {.sa_handler = ask_stop}, ignore = {.sa_handler = SIG_IGN};

	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

static int open_pools(struct dataplane *d)
{
	for (unsigned w = 0; w < d->map.n_workers; w++) {
		int r = pools_open(&d->pools[w], w, d->map.workers[w].numa_node, d->map.n_packets);

		if (r < 0) {
			say("worker %u: no memory for its packets: %s", w, strerror(-r));
			return r;
		}
	}
	return 0;
}

static void close_pools(struct dataplane *d)
{
	for (unsigned w = 0; w < d->map.n_workers; w++)
		pools_close(&d->pools[w]);
}

static int init_workers(struct dataplane *d)
{
	d->exchange = exchange_new(d->map.n_workers);
	d->workers = aligned_alloc(_Alignof(struct worker), d->map.n_workers * sizeof(*d->workers));
	if (d->exchange == NULL || d->workers == NULL) {
		say("no memory for %u workers", d->map.n_workers);
		return -ENOMEM;
	}
	for (; d->n_workers < d->map.n_workers; d->n_workers++) {
		int r = worker_init(&d->workers[d->n_workers], &d->map, d->n_workers, d->ports,
			&d->pools[d->n_workers], d->exchange);

		if (r < 0) {
			say("worker %u: does not start: %s", d->n_workers, strerror(-r));
			return r;
		}
	}
	return 0;
}

static void fini_workers(struct dataplane *d)
{
	while (d->n_workers > 0)
		worker_fini(&d->workers[--d->n_workers]);
	free(d->workers);
	exchange_free(d->exchange);
}

static int launch(struct dataplane *d)
{
	for (unsigned w = 0; w < d->n_workers; w++) {
		// EAL's lcore 0 is this thread.
		int r = rte_eal_remote_launch(worker_run, &d->workers[w], w + 1);

		if (r < 0) {
			say("worker %u: does not launch: %s", w, strerror(-r));
			return r;
		}
	}
	return 0;
}

static void halt(struct dataplane *d)
{
	for (unsigned w = 0; w < d->n_workers; w++)
		atomic_store_explicit(&d->workers[w].stop, true, memory_order_release);
	rte_eal_mp_wait_lcore();
}

static int open_attachment(struct dataplane *d)
{
	d->publisher = (struct publisher){
		.workers = d->workers,
		.n_workers = d->n_workers,
		.patterns = d->patterns,
	};
	d->attachment = attachment_open(&d->map, d->workers, &d->publisher);
	if (d->attachment != NULL)
		return 0;
	say("%s: cannot listen for control: %s", d->map.socket, strerror(errno));
	return -errno;
}

// One module more. 0 or -errno, said.
static int raise_stage(struct dataplane *d, enum stage stage)
{
	char error[CORE_MAP_ERROR_BYTES] = "";
	int r = 0;

	switch (stage) {
	case STAGE_NOTHING:
		break;
	case STAGE_PATTERNS:
		d->patterns = patterns_child_start();
		if (d->patterns == NULL) {
			r = -errno;
			snprintf(error, sizeof(error), "the pattern compiler does not start: %s",
				strerror(errno));
		}
		break;
	case STAGE_EAL:
		r = eal_start(&d->map, error);
		d->eal_up = r == 0;
		break;
	case STAGE_POOLS:
		r = open_pools(d);
		break;
	case STAGE_PORTS:
		r = ports_open(&d->map, d->pools, d->ports, error);
		break;
	case STAGE_WORKERS:
		r = init_workers(d);
		break;
	case STAGE_ATTACHMENT:
		r = open_attachment(d);
		break;
	case STAGE_LAUNCHED:
		r = launch(d);
		break;
	}
	if (r < 0 && error[0] != '\0')
		say("%s", error);
	return r;
}

static void lower_stage(struct dataplane *d, enum stage stage)
{
	switch (stage) {
	case STAGE_NOTHING:
		break;
	case STAGE_PATTERNS:
		patterns_child_stop(d->patterns);
		break;
	case STAGE_EAL:
		if (d->eal_up)
			eal_stop();
		break;
	case STAGE_POOLS:
		close_pools(d);
		break;
	case STAGE_PORTS:
		ports_close(&d->map, d->ports);
		break;
	case STAGE_WORKERS:
		fini_workers(d);
		break;
	case STAGE_ATTACHMENT:
		attachment_close(d->attachment);
		publisher_fini(&d->publisher);
		break;
	case STAGE_LAUNCHED:
		halt(d);
		break;
	}
}

// What main starts from now on stays with it: the compiler child and EAL's own threads would
// otherwise be put on a worker's core whenever main keeps its own busy.
static int stay_on_main_core(const struct core_map *map)
{
	cpu_set_t cores;

	CPU_ZERO(&cores);
	CPU_SET(map->main_core, &cores);
	if (sched_setaffinity(0, sizeof(cores), &cores) == 0)
		return 0;
	say("main_core: cannot stay on core %u: %s", map->main_core, strerror(errno));
	return -errno;
}

static int run(struct dataplane *d)
{
	char error[CORE_MAP_ERROR_BYTES];
	int r = stay_on_main_core(&d->map);

	catch_signals();
	while (d->stage < STAGE_LAUNCHED && r == 0)
		r = raise_stage(d, ++d->stage);
	if (r == 0) {
		r = sandbox_enter(&d->map, error);
		if (r < 0)
			say("%s", error);
	}
	if (r == 0)
		say("%u workers, %u ports, %u listeners; control attaches at %s", d->n_workers,
			d->map.n_ports, d->map.n_listeners, d->map.socket);
	while (r == 0 && !stop_asked) {
		attachment_poll(d->attachment, TURN_MS);
		publisher_poll(&d->publisher);
	}
	while (d->stage > STAGE_NOTHING)
		lower_stage(d, d->stage--);
	return r;
}

static void print_errors(const struct errors *errors)
{
	for (unsigned i = 0; i < errors->n; i++)
		fprintf(stderr, "%s\n", errors->text[i]);
	if (errors->n_dropped > 0)
		fprintf(stderr, "and %u more\n", errors->n_dropped);
}

static void print_warnings(const struct errors *warnings)
{
	for (unsigned i = 0; i < warnings->n; i++)
		fprintf(stderr, "%s (a warning)\n", warnings->text[i]);
}

static int read_map(const char *path, struct core_map *map)
{
	struct machine machine;
	struct errors errors, warnings;
	int r = machine_read("", &machine);

	if (r < 0) {
		say("cannot read what the machine has: %s", strerror(-r));
		return r;
	}
	errors_init(&errors, path);
	errors_init(&warnings, path);
	r = core_map_read(path, &machine, map, &errors, &warnings);
	print_errors(&errors);
	print_warnings(&warnings);
	return r;
}

static int check_map(const char *path)
{
	struct core_map *map = calloc(1, sizeof(*map));
	int r = map != NULL ? read_map(path, map) : -ENOMEM;
	struct errors missing;

	if (r == 0) {
		// They may be meant for another machine, or come with the installation.
		errors_init(&missing, path);
		core_map_check_users(map, &missing);
		print_warnings(&missing);
		printf("%s: good: %u worker%s, %u port%s, %u listener%s, %s, %lu MB of memory\n",
			path, map->n_workers, map->n_workers == 1 ? "" : "s", map->n_ports,
			map->n_ports == 1 ? "" : "s", map->n_listeners,
			map->n_listeners == 1 ? "" : "s",
			map->use_hugepages ? "hugepages" : "no hugepages",
			(unsigned long)(core_map_memory_bytes(map) >> 20));
	}
	free(map);
	return r == 0 ? 0 : 1;
}

static int suggest_map(void)
{
	struct machine machine;
	int r = machine_read("", &machine);

	if (r < 0) {
		say("cannot read what the machine has: %s", strerror(-r));
		return 1;
	}
	core_map_suggest(&machine, stdout);
	return 0;
}

// What would otherwise be found only after memory and ports have come up.
static int check_surroundings(const char *path, const struct core_map *map)
{
	char error[CORE_MAP_ERROR_BYTES];
	struct errors missing;
	int r;

	errors_init(&missing, path);
	core_map_check_users(map, &missing);
	print_errors(&missing);
	if (missing.n > 0)
		return -ENOENT;
	r = attachment_check(map, error);
	if (r < 0)
		say("%s", error);
	return r;
}

static int start(const char *path)
{
	struct dataplane *d = calloc(1, sizeof(*d));
	int r = d != NULL ? read_map(path, &d->map) : -ENOMEM;

	if (r == 0)
		r = check_surroundings(path, &d->map);
	if (r == 0)
		r = run(d);
	free(d);
	return r == 0 ? 0 : 1;
}

static int usage(FILE *out, int status)
{
	fprintf(out,
		"usage: fedrelay-dataplane CORE_MAP          relay as the core map says\n"
		"       fedrelay-dataplane --check-core-map FILE\n"
		"       fedrelay-dataplane --suggest-core-map  write one for this machine\n"
		"       fedrelay-dataplane --version | --help\n"
		"SIGTERM or SIGINT stops it. Exit status: 0, 1 failed (said on stderr), "
		"2 usage.\n");
	return status;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"check-core-map", required_argument, NULL, 'c'},
		{"suggest-core-map", no_argument, NULL, 's'},
		{"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{NULL},
	};
	int option = getopt_long(argc, argv, "", options, NULL);

	switch (option) {
	case 'c':
		return optind == argc ? check_map(optarg) : usage(stderr, 2);
	case 's':
		return optind == argc ? suggest_map() : usage(stderr, 2);
	case 'v':
		printf("fedrelay-dataplane %s\n", FEDRELAY_VERSION);
		return 0;
	case 'h':
		return usage(stdout, 0);
	case -1:
		break;
	default:
		return usage(stderr, 2);
	}
	return optind + 1 == argc ? start(argv[optind]) : usage(stderr, 2);
}
