// SPDX-License-Identifier: BSD-3-Clause
// The peer on two workers of the product: ask.h over their connections. Each runs worker_turn() in
// a thread of its own, on a queue of ring_port.h.
//
//   worker-talker --port PORT --address IP/BITS [--address IP/BITS]
//       --device right|wrong|misplaced|silent|none [--linger MS] serve|ask …
//
// linger: how long it goes on after its last chat, so that what TCP still has to say is said.
// In the end more lines: `left conns N half-open N chunks N lost N steered N disagreed N`, over
// both workers (lost: frames for which a queue had no room), one for each worker, and the counters.

#include "dataplane/worker/worker.h"
#include "tests/wire/links.h"
#include "tests/wire/ring_port.h"

#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#define WORKERS     RING_PORT_WORKERS
#define EMPTY_TURNS 64
#define PAUSE_NS    50000
#define STEP_NS     1000000
#define LAST_NS     200000000

struct talker {
	struct worker worker;
	struct links links;
	uint64_t n_opened;
	// talker: wo, main: ro; and the other way round
	_Atomic uint32_t n_conns;
	_Atomic bool stop;
};

static struct ring_port_config config;
static struct ring_port port;
static struct exchange *exchange;
static struct talker talkers[WORKERS];
static uint64_t linger_ns = 10000000000;
// Of all chats: both workers' outcomes come together here, and chat.c has one scratch.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct ask ask;

__attribute__((noreturn)) static void give_up(const char *what)
{
	fprintf(stderr, "worker-talker: %s\n", what);
	exit(1);
}

__attribute__((noreturn)) static void usage(void)
{
	fprintf(stderr,
		"usage: worker-talker --port PORT --address IP/BITS [--address IP/BITS] "
		"--device right|wrong|misplaced|silent|none [--linger MS] serve|ask …\n");
	exit(2);
}

static enum device device_of(const char *name)
{
	static const char *const names[] = {[DEVICE_RIGHT] = "right",
		[DEVICE_WRONG] = "wrong",
		[DEVICE_MISPLACED] = "misplaced",
		[DEVICE_SILENT] = "silent",
		[DEVICE_DENIES] = "none"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0)
			return (enum device)i;
	}
	usage();
}

// Up to the word serve or ask.
static void read_arguments(int argc, char **argv)
{
	static const struct option known[] = {{"port", 1, NULL, 'p'}, {"address", 1, NULL, 'a'},
		{"device", 1, NULL, 'd'}, {"linger", 1, NULL, 'l'}, {0}};
	int c;

	while ((c = getopt_long(argc, argv, "+", known, NULL)) != -1) {
		if (c == 'p')
			config.frame_port = optarg;
		else if (c == 'a' && config.n_addresses < RING_PORT_ADDRESSES)
			config.addresses[config.n_addresses++] = optarg;
		else if (c == 'd')
			config.device = device_of(optarg);
		else if (c == 'l')
			linger_ns = strtoul(optarg, NULL, 10) * 1000000;
		else
			usage();
	}
	if (config.frame_port == NULL || config.n_addresses == 0)
		usage();
	ask_parse(&ask, argc - optind, argv + optind);
	config.tcp_port = ask.server.port;
}

static void open_workers(void)
{
	exchange = exchange_new(WORKERS);
	if (exchange == NULL)
		give_up("no memory");
	for (unsigned w = 0; w < WORKERS; w++) {
		struct talker *t = &talkers[w];

		if (worker_init(&t->worker, &port.map, w, &port.port, &port.pools[w], exchange) !=
			0)
			give_up("a worker does not start");
		// The connections are ours, not the relay's.
		streams_free(t->worker.streams);
		t->worker.streams = NULL;
		t->links.tcp = conns_engine(t->worker.conns);
		t->links.ask = &ask;
		t->links.buffer_bytes = port.map.tcp.send_bytes_max;
	}
}

// The listener whose address is of the server's family: ours to connect from.
static uint16_t listener_to_server(void)
{
	for (unsigned l = 0; l < port.map.n_listeners; l++) {
		if (port.map.listeners[l].local.ip.family == ask.server.ip.family)
			return (uint16_t)l;
	}
	give_up("no address of the server's family");
}

// One a turn, so that both workers have some.
static void open_one(struct talker *t)
{
	struct chat_request request;
	tcp_conn_id id;

	if (!ask_next(&ask, &request))
		return;
	if (conns_open(t->worker.conns, listener_to_server(), &ask.server, t->links.tcp_now, &id) !=
		0)
		give_up("cannot open a connection");
	links_add(&t->links, id, &request);
	t->n_opened++;
}

// Whether there was nothing to do.
static bool talk(struct talker *t)
{
	struct links *l = &t->links;
	struct tcp_usage usage_now;
	bool is_idle;

	l->now = ask_now_ns();
	l->tcp_now = worker_ns(&t->worker, t->worker.now);
	pthread_mutex_lock(&lock);
	links_take_events(l);
	open_one(t);
	is_idle = links_step_due(l, l->now + STEP_NS) > l->now;
	pthread_mutex_unlock(&lock);
	tcp_usage(l->tcp, &usage_now);
	atomic_store_explicit(&t->n_conns, usage_now.n_conns, memory_order_relaxed);
	return is_idle;
}

static int run(void *arg)
{
	static const struct timespec pause = {.tv_nsec = PAUSE_NS};
	struct talker *t = arg;
	unsigned n_empty = 0;

	prctl(PR_SET_TIMERSLACK, 1);
	while (!atomic_load_explicit(&t->stop, memory_order_acquire)) {
		bool found = worker_turn(&t->worker);

		n_empty = talk(t) && !found ? n_empty + 1 : 0;
		if (n_empty >= EMPTY_TURNS)
			nanosleep(&pause, NULL);
	}
	return 0;
}

static bool is_done(void)
{
	bool done;

	pthread_mutex_lock(&lock);
	done = ask_is_done(&ask);
	pthread_mutex_unlock(&lock);
	return done;
}

static uint32_t conns_left(void)
{
	uint32_t n = 0;

	for (unsigned w = 0; w < WORKERS; w++)
		n += atomic_load_explicit(&talkers[w].n_conns, memory_order_relaxed);
	return n;
}

// A while in any case: what the workers have just been told is yet to leave.
static bool is_lingering(uint64_t since_ns)
{
	return since_ns < LAST_NS || (since_ns < linger_ns && conns_left() > 0);
}

static void halt(void)
{
	for (unsigned w = 0; w < WORKERS; w++)
		atomic_store_explicit(&talkers[w].stop, true, memory_order_release);
	rte_eal_mp_wait_lcore();
}

static uint64_t count(enum reason reason)
{
	uint64_t n = 0;

	for (unsigned w = 0; w < WORKERS; w++)
		n += talkers[w].worker.counters.reason[reason];
	return n;
}

static void report_rest(void)
{
	struct tcp_usage sum = {0}, u;
	uint64_t n_disagreed = 0;

	for (unsigned w = 0; w < WORKERS; w++) {
		tcp_usage(talkers[w].links.tcp, &u);
		sum.n_conns += u.n_conns;
		sum.n_half_open += u.n_half_open;
		sum.n_chunks += u.n_chunks;
		n_disagreed += talkers[w].worker.steering.n_disagreed;
	}
	printf("left conns %u half-open %u chunks %u lost %" PRIu64 " steered %" PRIu64
	       " disagreed %" PRIu64 "\n",
		sum.n_conns, sum.n_half_open, sum.n_chunks, port.n_lost, count(REASON_steered),
		n_disagreed);
	for (unsigned w = 0; w < WORKERS; w++)
		printf("worker %u opened %" PRIu64 " segments %" PRIu64 "\n", w,
			talkers[w].n_opened,
			talkers[w].worker.counters.reason[REASON_tcp_segment_taken]);
	for (unsigned r = 0; r < REASON_N; r++) {
		if (count((enum reason)r) > 0)
			printf("%s %" PRIu64 "\n", reason_name((enum reason)r),
				count((enum reason)r));
	}
}

int main(int argc, char **argv)
{
	uint64_t since;
	int rc;

	read_arguments(argc, argv);
	ring_port_open(&port, &config);
	open_workers();
	prctl(PR_SET_TIMERSLACK, 1);
	for (unsigned w = 0; w < WORKERS; w++) {
		if (rte_eal_remote_launch(run, &talkers[w], w + 1) != 0)
			give_up("a worker does not launch");
	}
	printf("listening\n");
	fflush(stdout);
	while (!is_done() && ring_port_pump(&port))
		;
	pthread_mutex_lock(&lock);
	rc = ask_report(&ask);
	pthread_mutex_unlock(&lock);
	since = ask_now_ns();
	while (is_lingering(ask_now_ns() - since) && ring_port_pump(&port))
		;
	halt();
	report_rest();
	return rc;
}
