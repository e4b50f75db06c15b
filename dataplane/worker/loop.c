// SPDX-License-Identifier: BSD-3-Clause
// One turn of a worker: frames in from every port and from other workers, through net, TCP and
// relay, and out; then, between bursts, what main and control have to say. Everything that a packet
// meets is called from here, in the order in which it meets it.

#include "dataplane/worker/carrier.h"

#include <rte_cycles.h>
#include <time.h>

#define TIMERS_PER_SECOND 1000
#define TIMERS_BUDGET     64
// Connections whose time has come, a turn of timers: a million a second.
#define CONN_TIMERS_BUDGET 1024
// Neighbours exchanged in one turn of timers.
#define NEIGHBOURS_MAX 16

// idle: sleep. Empty turns before the first sleep, and its length: a burst that arrives meanwhile
// waits no longer than a driver's queue of 1024 holds at 10 GbE.
#define EMPTY_TURNS   64
#define SLEEP_NANOSEC 50000

// One that came as a datagram leaves as one, or goes to whoever has the connections.
static void send_message(
	struct worker *w, struct rte_mbuf *buffer, const struct relay_out *out, uint64_t now)
{
	if (out->conn != 0 || out->destination.transport != TRANSPORT_UDP) {
		carrier_take(w, buffer, out);
		return;
	}
	rte_pktmbuf_append(buffer, (uint16_t)out->len);
	net_output(w->net, buffer, out->listener, &out->destination, now);
}

// Answers datagrams: each gives at most one message, written into a buffer of its own.
static void relay_datagrams(
	struct worker *w, struct net_datagram datagrams[], unsigned n, uint64_t now)
{
	// Copied: so large a structure compilers clear by a string instruction, which takes longer
	// to start than all of it.
	static const struct relay_out nothing;
	struct relay_in in[RELAY_BURST];
	struct relay_out out[RELAY_BURST];
	struct rte_mbuf *received[RELAY_BURST], *sent[RELAY_BURST], *buffers[RELAY_BURST];
	unsigned n_in = 0;

	worker_get_buffers(w, datagrams, n, buffers);
	for (unsigned i = 0; i < n; i++) {
		const struct net_datagram *d = &datagrams[i];
		struct rte_mbuf *buffer = buffers[i];

		if (buffer == NULL) {
			w->counters.reason[REASON_no_buffer]++;
			rte_pktmbuf_free(d->packet);
			continue;
		}
		in[n_in] = (struct relay_in){
			.payload = d->payload, .source = d->source, .listener = d->listener};
		out[n_in] = nothing;
		out[n_in].bytes = rte_pktmbuf_mtod(buffer, uint8_t *);
		out[n_in].room = rte_pktmbuf_tailroom(buffer);
		received[n_in] = d->packet;
		sent[n_in++] = buffer;
	}
	if (n_in == 0)
		return;
	relay_burst(w->relay, in, out, n_in);
	for (unsigned i = 0; i < n_in; i++) {
		if (out[i].len == 0)
			rte_pktmbuf_free(sent[i]);
		else
			send_message(w, sent[i], &out[i], now);
	}
	rte_pktmbuf_free_bulk(received, n_in);
}

// Keeps the frames that are this worker's own; how many.
static unsigned steer(struct worker *w, unsigned port, struct rte_mbuf *frames[], unsigned n)
{
	unsigned n_own = 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned owner = steering_owner(&w->steering, &w->ports[port], w->index, frames[i]);

		if (owner == w->index) {
			frames[n_own++] = frames[i];
		} else if (exchange_push_frame(w->exchange, w->index, owner, port, frames[i]) ==
			0) {
			w->counters.reason[REASON_steered]++;
		} else {
			w->counters.reason[REASON_steer_full]++;
			rte_pktmbuf_free(frames[i]);
		}
	}
	return n_own;
}

static void take_frames(
	struct worker *w, unsigned port, struct rte_mbuf *frames[], unsigned n, uint64_t now)
{
	struct net_arrivals arrivals;

	net_input(w->net, port, frames, n, now, &arrivals);
	if (arrivals.n_datagrams > 0)
		relay_datagrams(w, arrivals.datagrams, arrivals.n_datagrams, now);
	if (w->conns != NULL && arrivals.n_segments + arrivals.n_errors > 0)
		conns_input(w->conns, &arrivals, worker_ns(w, now));
}

static void run_timers(struct worker *w, uint64_t now)
{
	struct net_neighbour neighbours[NEIGHBOURS_MAX];
	unsigned n = net_learned(w->net, neighbours, NEIGHBOURS_MAX);

	for (unsigned i = 0; i < n; i++)
		exchange_push_neighbour(w->exchange, w->index, &neighbours[i]);
	for (n = 0; n < NEIGHBOURS_MAX; n++) {
		if (!exchange_pop_neighbour(w->exchange, w->index, &neighbours[0]))
			break;
		net_learn(w->net, &neighbours[0], now);
	}
	net_timers(w->net, now, TIMERS_BUDGET);
	if (w->conns != NULL) {
		tcp_timers(conns_engine(w->conns), worker_ns(w, now), CONN_TIMERS_BUDGET);
		if (w->streams != NULL)
			streams_timers(w->streams, worker_ns(w, now), CONN_TIMERS_BUDGET);
	}
	w->counters.hash_disagreed = w->steering.n_disagreed;
	w->next_timers = now + w->hz / TIMERS_PER_SECOND;
}

bool worker_turn_at(struct worker *w, uint64_t now)
{
	struct rte_mbuf *frames[QUEUE_BURST];
	unsigned n, port, n_found = 0;

	w->now = now;
	for (port = 0; port < w->map->n_ports; port++) {
		n = queue_receive(&w->queues[port], frames);
		n_found += n;
		if (w->steering.n_workers > 1)
			n = steer(w, port, frames, n);
		if (n > 0)
			take_frames(w, port, frames, n, now);
	}
	if (w->steering.n_workers > 1) {
		n = exchange_pop_frames(w->exchange, w->index, &port, frames);
		n_found += n;
		w->counters.steered_in += n;
		if (n > 0)
			take_frames(w, port, frames, n, now);
	}
	if (w->streams != NULL)
		n_found += carrier_poll(w);
	if (now >= w->next_timers)
		run_timers(w, now);
	if (w->conns != NULL)
		n_found += conns_output(w->conns, now, worker_ns(w, now));
	for (port = 0; port < w->map->n_ports; port++)
		queue_flush(&w->queues[port]);
	// Between two bursts: no message is judged by two generations.
	worker_link_poll(w);
	worker_generation_poll(w);
	w->counters.polls++;
	w->counters.polls_empty += n_found == 0;
	return n_found > 0;
}

bool worker_turn(struct worker *w)
{
	uint64_t now = rte_rdtsc();
	bool found = worker_turn_at(w, now);

	if (found)
		w->counters.busy_ns += worker_ns(w, rte_rdtsc() - now);
	return found;
}

int worker_run(void *arg)
{
	static const struct timespec pause = {.tv_nsec = SLEEP_NANOSEC};
	struct worker *w = arg;
	unsigned n_empty = 0;

	while (!atomic_load_explicit(&w->stop, memory_order_acquire)) {
		n_empty = worker_turn(w) ? 0 : n_empty + 1;
		// The one exception to "a worker never sleeps", by the core map's word.
		if (n_empty >= EMPTY_TURNS && w->idle == IDLE_SLEEP) {
			nanosleep(&pause, NULL);
			n_empty = EMPTY_TURNS;
		}
	}
	return 0;
}
