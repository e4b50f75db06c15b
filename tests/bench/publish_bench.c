// SPDX-License-Identifier: BSD-3-Clause
// A publication of 10^6 names under load: from the document and its list files, through control's
// compiler and the dataplane's publisher, until the worker judges by it, while messages go on
// arriving.
//
// Arrivals are open-loop: the receive callback of the port stands for the wire and for a queue of
// 1024 descriptors. What is due by the clock and does not fit the queue any more is lost. The rate
// is 80 % of what the same worker took in the same way without a clock, a moment before.

#include "control/policy/file.h"
#include "control/policy/intake.h"
#include "dataplane/patterns/patterns_child.h"
#include "tests/bench/bench.h"
#include "tests/bench/relay_world.h"
#include "tests/unit/shared_data.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <sched.h>
#include <sys/mman.h>

#define N_NAMES    1000000
#define N_PATTERNS 1000
#define LOAD       0.8

static const char document[] =
	"federation: {enabled: true, sip: true}\n"
	"local_domains:\n"
	"  - domain: " TRAFFIC_LOCAL_DOMAIN "\n"
	"    servers: [\"udp:10.10.0.2:5060\", \"udp:[fd10::2]:5060\"]\n"
	"partners:\n"
	"  - name: all\n"
	"    next_hops: [\"udp:192.0.2.2:5060\", \"udp:[2001:db8::2]:5060\"]\n"
	"allow: [{file: allow, partner: all}]\n"
	"block: [{file: block}, {file: patterns}]\n";

// The wire. Written by the worker's thread, but for what main sets while the worker stands still.
struct arrivals {
	struct relay_world *world;
	bool open; // by the clock; otherwise as fast as they are taken
	uint64_t start, n_due_per_2_32_ticks;
	uint64_t n_taken; // off the wire: delivered or lost
	_Atomic uint64_t n_delivered, n_lost;
	_Atomic uint64_t n_out, longest_backlog;
	uint64_t last_turn;            // TSC
	_Atomic uint64_t longest_turn; // since main set it to 0; ticks
};

__attribute__((noreturn)) static void give_up(const char *what, const char *why)
{
	fprintf(stderr, "bench: %s: %s\n", what, why);
	exit(1);
}

static void count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
		memory_order_relaxed);
}

// How many of the frames that are due by now the queue still holds.
static uint64_t backlog(struct arrivals *a)
{
	uint64_t due, waiting;

	due = (uint64_t)((unsigned __int128)(rte_rdtsc() - a->start) * a->n_due_per_2_32_ticks >>
		32);
	waiting = due - a->n_taken;
	if (waiting > a->longest_backlog)
		atomic_store_explicit(&a->longest_backlog, waiting, memory_order_relaxed);
	if (waiting > RELAY_WORLD_DESCRIPTORS) {
		count(&a->n_lost, waiting - RELAY_WORLD_DESCRIPTORS);
		a->n_taken += waiting - RELAY_WORLD_DESCRIPTORS;
		waiting = RELAY_WORLD_DESCRIPTORS;
	}
	return waiting;
}

static void take_sent(struct arrivals *a)
{
	struct rte_mbuf *frames[QUEUE_BURST];
	unsigned n;

	for (unsigned port = 0; port < RELAY_WORLD_PORTS; port++) {
		while ((n = rte_ring_sc_dequeue_burst(
				a->world->tx[port], (void **)frames, QUEUE_BURST, NULL)) > 0) {
			count(&a->n_out, n);
			rte_pktmbuf_free_bulk(frames, n);
		}
	}
}

static uint16_t receive(uint16_t port, uint16_t queue, struct rte_mbuf *frames[], uint16_t n,
	uint16_t n_max, void *arg)
{
	struct arrivals *a = arg;
	uint64_t waiting = a->open ? backlog(a) : n_max;
	uint16_t n_before = n;
	uint64_t now = rte_rdtsc();

	(void)port;
	(void)queue;
	if (now - a->last_turn > atomic_load_explicit(&a->longest_turn, memory_order_relaxed))
		atomic_store_explicit(&a->longest_turn, now - a->last_turn, memory_order_relaxed);
	a->last_turn = now;
	take_sent(a);
	for (; n < n_max && waiting > 0; waiting--) {
		frames[n] = relay_world_frame(a->world, (uint32_t)(a->n_taken % TRAFFIC_MESSAGES));
		if (frames[n] == NULL)
			break;
		if (a->n_taken++ % TRAFFIC_MESSAGES == 0)
			relay_world_teach(a->world);
		n++;
	}
	count(&a->n_delivered, (uint64_t)(n - n_before));
	return n;
}

static void start_worker(struct relay_world *w)
{
	atomic_store(&w->worker->stop, false);
	if (rte_eal_remote_launch(worker_run, w->worker, 1) < 0)
		give_up("worker", "does not launch");
}

static void stop_worker(struct relay_world *w)
{
	atomic_store(&w->worker->stop, true);
	rte_eal_mp_wait_lcore();
}

static void wait_ms(uint64_t ms)
{
	uint64_t until = bench_now_ns() + ms * 1000000;

	while (bench_now_ns() < until)
		rte_delay_us_sleep(1000);
}

// Messages a second that the worker takes when there always are some.
static double measure_maximum(struct arrivals *a)
{
	uint64_t n, since;
	double rate;

	start_worker(a->world);
	wait_ms(300); // neighbours asked for, tables known
	n = a->n_delivered;
	since = bench_now_ns();
	wait_ms(bench_quick() ? 300 : 1000);
	rate = (double)(a->n_delivered - n) * 1e9 / (double)(bench_now_ns() - since);
	stop_worker(a->world);
	return rate;
}

static void open_wire(struct arrivals *a, double rate)
{
	a->open = true;
	a->n_taken = 0;
	a->n_delivered = a->n_lost = a->n_out = a->longest_backlog = 0;
	a->n_due_per_2_32_ticks = (uint64_t)(rate / (double)rte_get_tsc_hz() * 4294967296.0);
	a->start = a->last_turn = rte_rdtsc();
}

static int write_memfd(const char *name, const char *text, size_t n_bytes)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd < 0 || write(fd, text, n_bytes) != (ssize_t)n_bytes)
		give_up(name, "cannot be written");
	return fd;
}

// The block list of the shared data, or none: then all names are made up.
static int block_list(uint32_t *n_names)
{
	struct view list = shared_data_read("domains/blocklist-140k.txt");
	int fd = write_memfd("block", (const char *)list.at, list.len);

	*n_names = 0;
	for (size_t i = 0; i < list.len; i++)
		*n_names += list.at[i] == '\n';
	free((void *)(uintptr_t)list.at);
	return fd;
}

static int allow_list(uint32_t n_names)
{
	char *text = malloc((size_t)n_names * TRAFFIC_NAME_BYTES);
	size_t n = 0;
	int fd;

	if (text == NULL)
		give_up("names", "no memory");
	for (uint32_t i = 0; i < n_names; i++) {
		n += traffic_domain(i, text + n);
		text[n++] = '\n';
	}
	fd = write_memfd("allow", text, n);
	free(text);
	return fd;
}

// No two sets share a pattern.
static int pattern_list(uint32_t n_patterns, uint32_t first)
{
	char text[N_PATTERNS * 40];
	size_t n = 0;

	for (uint32_t i = first; i < first + n_patterns; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "*.bulk-%u-*.invalid\n", i);
	return write_memfd("patterns", text, n);
}

struct outcome {
	double total_ms, compile_ms, offer_ms, swap_ms;
};

static double ms_since(uint64_t since)
{
	return (double)(bench_now_ns() - since) / 1e6;
}

static void compile_lists(const int fds[4], uint64_t generation, struct compiled *compiled)
{
	struct intake intake = {.fds = fds, .n_fds = 4, .generation = generation};
	struct errors errors;
	struct view text;

	errors_init(&errors, "document");
	if (intake_compile(&intake, compiled, &text, &errors) < 0)
		give_up("compile", errors.n > 0 ? errors.text[0] : "no memory");
	file_free(&text);
}

static void offer(struct relay_world *w, const struct compiled *compiled, uint64_t generation)
{
	struct attach_publish request = {.generation = generation, .n_bytes = compiled->n_bytes};
	struct attach_published result;

	if (publisher_begin(&w->publisher, compiled->image_fd, &request) < 0)
		give_up("publish", "busy");
	while (!publisher_result(&w->publisher, &result)) {
		publisher_poll(&w->publisher);
		rte_delay_us_sleep(100);
	}
	if (!result.ok)
		give_up("publish", result.error);
}

static struct outcome publish(struct arrivals *a, const int fds[4], uint64_t generation)
{
	struct relay_world *w = a->world;
	struct outcome o;
	struct compiled compiled;
	uint64_t start = bench_now_ns(), since = start;

	a->longest_turn = 0;
	compile_lists(fds, generation, &compiled);
	o.compile_ms = ms_since(since);
	since = bench_now_ns();
	offer(w, &compiled, generation);
	o.offer_ms = ms_since(since);
	while (atomic_load_explicit(&w->worker->applied_generation, memory_order_acquire) !=
		w->publisher.current)
		rte_pause();
	// The worker looks at the end of every turn, so it swaps within two turns of the offer.
	// This bounds it by the two longest of the whole publication, since main cannot see the
	// moment of its own offer from outside the publisher.
	o.swap_ms = 2e3 * (double)a->longest_turn / (double)rte_get_tsc_hz();
	o.total_ms = ms_since(start);
	for (unsigned i = 0; i < 100 && w->publisher.retiring != NULL; i++) {
		publisher_poll(&w->publisher);
		rte_delay_us_sleep(1000);
	}
	compiled_close(&compiled);
	return o;
}

static void report(const char *name, const struct bench_samples *s)
{
	bench_report(name, s, 1e9, "publications/s", NULL, NULL);
}

// True when nothing was lost and everything that was delivered came out.
static bool run_case(struct arrivals *a, double rate, const char *name, uint32_t n_patterns,
	uint64_t *generation)
{
	struct relay_world *w = a->world;
	struct bench_samples total = {0}, offered = {0}, swap = {0};
	uint32_t n_block, n_runs = bench_quick() ? 1 : 5;
	uint64_t relayed, n_delivered;
	char label[96];
	int fds[4];

	fds[0] = write_memfd("document", document, sizeof(document) - 1);
	fds[2] = block_list(&n_block);
	fds[1] = allow_list(N_NAMES - n_block);
	relayed = w->worker->counters.reason[REASON_sip_request_relayed];
	open_wire(a, rate);
	start_worker(w);
	for (uint32_t i = 0; i < n_runs; i++) {
		struct outcome o;

		fds[3] = pattern_list(n_patterns, (uint32_t)*generation * N_PATTERNS);
		o = publish(a, fds, ++*generation);
		close(fds[3]);
		bench_add(&total, o.total_ms * 1e6);
		bench_add(&offered, o.offer_ms * 1e6);
		bench_add(&swap, o.swap_ms * 1e6);
	}
	stop_worker(w);
	for (unsigned i = 0; i < 3; i++)
		close(fds[i]);
	take_sent(a);
	relayed = w->worker->counters.reason[REASON_sip_request_relayed] - relayed;
	n_delivered = a->n_delivered;
	snprintf(label, sizeof(label), "%s, from document to worker", name);
	report(label, &total);
	snprintf(label, sizeof(label), "%s, of it check, patterns, offer", name);
	report(label, &offered);
	snprintf(label, sizeof(label), "%s, from ready to worker, at most", name);
	report(label, &swap);
	fprintf(stderr,
		"publish: %s: %lu messages arrived, %lu lost, %lu relayed, longest queue %lu\n",
		name, (unsigned long)(n_delivered + a->n_lost), (unsigned long)a->n_lost,
		(unsigned long)relayed, (unsigned long)a->longest_backlog);
	return a->n_lost == 0 && relayed == n_delivered;
}

// As the dataplane does: the compiler child inherits it.
static void stay_off_the_worker(void)
{
	cpu_set_t cores;

	CPU_ZERO(&cores);
	CPU_SET(0, &cores);
	sched_setaffinity(0, sizeof(cores), &cores);
}

int main(int argc, char **argv)
{
	struct patterns_child *patterns;
	static struct arrivals arrivals;
	uint64_t generation = 1;
	struct relay_world *w;
	bool whole = true;
	size_t n_bytes;
	double maximum;
	int fd;

	bench_init(argc, argv, "publish");
	stay_off_the_worker();
	patterns = patterns_child_start();
	if (patterns == NULL)
		give_up("patterns", "their compiler does not start");
	w = relay_world_open(1);
	w->publisher.patterns = patterns;
	w->worker->idle = IDLE_POLL;
	arrivals.world = w;
	if (rte_eth_add_rx_callback(w->ports[RELAY_WORLD_OUTSIDE].id, 0, receive, &arrivals) ==
		NULL)
		give_up("wire", "no receive callback");
	fd = relay_world_image(TRAFFIC_NAMES, 0, 0, generation, &n_bytes);
	relay_world_publish(w, fd, n_bytes, generation);
	close(fd);
	maximum = measure_maximum(&arrivals);
	fprintf(stderr, "publish: the worker takes %.0f messages/s; offered %.0f\n", maximum,
		maximum * LOAD);
	whole = run_case(&arrivals, maximum * LOAD, "10^6 names", 0, &generation);
	whole = run_case(&arrivals, maximum * LOAD, "10^6 names, 10^3 new patterns", N_PATTERNS,
			&generation) &&
		whole;
	relay_world_close(w);
	patterns_child_stop(patterns);
	return whole ? 0 : 1;
}
