// SPDX-License-Identifier: BSD-3-Clause
// One message through a ring of a real segment: pushed, popped, checked, and its token summed.
// Between two processes on two cores, streaming and there and back; and on one core in batches,
// which is what the two ends cost without the cache lines' travel.

#include "lib/link/message.h"
#include "lib/link/ring.h"
#include "tests/bench/bench.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define EPOCH       1
#define BATCH       32
#define N_MESSAGES  1000000
#define N_TRIPS     20000
#define N_QUICK     20000
#define TOKENS(n)   ((uint64_t)(n) * ((n)-1) / 2)
#define TIMEOUT_SEC 60

struct world {
	struct link_segment *segment;
	struct link_producer to_peer;
	struct link_consumer from_peer;
	int core[2];
};

static void die(const char *what)
{
	fprintf(stderr, "link: %s\n", what);
	exit(1);
}

static void pin(int core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		die("cannot be pinned");
}

// The first two cores that this process may run on.
static bool find_cores(int core[2])
{
	cpu_set_t set;
	int n = 0;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return false;
	for (int c = 0; c < CPU_SETSIZE && n < 2; c++) {
		if (CPU_ISSET(c, &set))
			core[n++] = c;
	}
	return n == 2;
}

static void open_segment(struct world *w)
{
	int fd = link_segment_create(&w->segment);

	if (fd < 0)
		die("no segment");
	close(fd);
	link_producer_init(&w->to_peer, &w->segment->to_worker);
	link_consumer_init(&w->from_peer, &w->segment->to_control);
}

// Neither end of the product stares at a ring: a worker has a turn to do meanwhile, of some hundred
// nanoseconds. Where others want the core, they get it.
static void look_away(void)
{
	static unsigned n_idle;

	for (unsigned i = 0; i < 16; i++)
		__builtin_ia32_pause();
	if (++n_idle % 1024 == 0)
		(void)sched_yield();
}

static void push(struct link_producer *p, uint64_t token)
{
	struct link_message m;

	link_message_init(&m, LINK_PING);
	m.epoch = EPOCH;
	m.ping.token = token;
	while (link_push(p, &m) == -ENOSPC)
		look_away();
}

// Pops and checks what is there. How many; adds their tokens.
static unsigned pop(struct link_consumer *c, uint64_t *sum)
{
	struct link_message m[BATCH];
	int n = link_pop(c, m, BATCH);

	if (n < 0)
		die("the ring broke");
	for (int i = 0; i < n; i++) {
		if (link_message_check(&m[i], LINK_TO_WORKER, EPOCH) != NULL)
			die("a message was refused");
		*sum += m[i].ping.token;
	}
	if (n == 0)
		look_away();
	return (unsigned)n;
}

// The peer of a stream takes n messages and sends their sum back; that of round trips answers each.
_Noreturn static void be_the_peer(const struct world *w, unsigned n, bool round_trips)
{
	struct link_consumer in;
	struct link_producer out;
	uint64_t sum = 0, last = 0;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)alarm(TIMEOUT_SEC);
	pin(w->core[1]);
	link_consumer_init(&in, &w->segment->to_worker);
	link_producer_init(&out, &w->segment->to_control);
	push(&out, 0); // ready
	for (unsigned got = 0; got < n;) {
		unsigned more = pop(&in, &sum);

		got += more;
		if (round_trips && more > 0)
			push(&out, sum - last);
		last = sum;
	}
	if (!round_trips)
		push(&out, sum);
	_exit(0);
}

static uint64_t await(struct world *w)
{
	uint64_t sum = 0;

	while (pop(&w->from_peer, &sum) == 0)
		;
	return sum;
}

static double two_processes(struct world *w, unsigned n, bool round_trips)
{
	uint64_t started, ended, sum = 0;
	int status;
	pid_t peer;

	open_segment(w);
	peer = fork();
	if (peer == 0)
		be_the_peer(w, n, round_trips);
	if (peer < 0)
		die("no process");
	(void)await(w);
	started = bench_now_ns();
	for (unsigned i = 0; i < n; i++) {
		push(&w->to_peer, i);
		if (round_trips)
			sum += await(w);
	}
	if (!round_trips)
		sum = await(w);
	ended = bench_now_ns();
	if (waitpid(peer, &status, 0) != peer || status != 0)
		die("the peer failed");
	if (sum != TOKENS(n))
		die("messages were lost or changed");
	link_segment_unmap(w->segment);
	return (double)(ended - started) / n;
}

static double one_core(struct world *w, unsigned n)
{
	struct link_consumer in;
	uint64_t started, ended, sum = 0;

	open_segment(w);
	link_consumer_init(&in, &w->segment->to_worker);
	started = bench_now_ns();
	for (unsigned i = 0; i < n;) {
		for (unsigned k = 0; k < BATCH && i < n; k++)
			push(&w->to_peer, i++);
		(void)pop(&in, &sum);
	}
	ended = bench_now_ns();
	if (sum != TOKENS(n))
		die("messages were lost or changed");
	link_segment_unmap(w->segment);
	return (double)(ended - started) / n;
}

int main(int argc, char **argv)
{
	struct bench_samples stream = {0}, trip = {0}, batch = {0};
	struct world w;
	bool two;

	bench_init(argc, argv, "link");
	two = find_cores(w.core);
	if (two)
		pin(w.core[0]);
	else
		bench_skip("two processes: one core only");
	for (unsigned run = 0; run < BENCH_RUNS; run++) {
		(void)alarm(TIMEOUT_SEC);
		bench_add(&batch, one_core(&w, bench_quick() ? N_QUICK : N_MESSAGES));
		if (!two)
			continue;
		bench_add(&stream, two_processes(&w, bench_quick() ? N_QUICK : N_MESSAGES, false));
		bench_add(&trip, two_processes(&w, bench_quick() ? N_QUICK : N_TRIPS, true));
	}
	bench_report("one core, batches of 32", &batch, 1e9, "messages/s", NULL, NULL);
	if (two) {
		bench_report(
			"two processes, two cores, stream", &stream, 1e9, "messages/s", NULL, NULL);
		bench_report("two processes, two cores, there and back", &trip, 1e9, "trips/s",
			NULL, NULL);
	}
	return 0;
}
