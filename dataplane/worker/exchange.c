// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/worker/exchange.h"

#include <errno.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>
#include <stdlib.h>
#include <sys/random.h>

#define FRAME_SLOTS     1024
#define MESSAGE_SLOTS   1024
#define NEIGHBOUR_SLOTS 64

_Static_assert(sizeof(struct net_neighbour) % 4 == 0, "rte_ring's elements are words");

// What one worker takes from the others. Its own, but for the rings.
struct inbox {
	unsigned turn; // the sender to be asked next, so that none starves
	unsigned messages_turn;
	unsigned n_staged, first_staged;
	struct rte_mbuf *staged[QUEUE_BURST];
} __rte_cache_aligned;

struct exchange {
	unsigned n_workers;
	struct inbox *inboxes;
	// From worker f to worker t at f * n_workers + t; none from a worker to itself.
	struct rte_ring **frames;
	struct rte_ring **messages;
	struct rte_ring **neighbours;
	struct siphash_key key;
};

static struct rte_ring *new_ring(unsigned element_bytes, unsigned n_slots)
{
	ssize_t n_bytes = rte_ring_get_memsize_elem(element_bytes, n_slots);
	struct rte_ring *ring;

	if (n_bytes < 0)
		return NULL;
	ring = aligned_alloc(
		RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL((size_t)n_bytes, RTE_CACHE_LINE_SIZE));
	if (ring == NULL)
		return NULL;
	if (rte_ring_init(ring, "exchange", n_slots, RING_F_SP_ENQ | RING_F_SC_DEQ) == 0)
		return ring;
	free(ring);
	return NULL;
}

static bool open_rings(struct exchange *x)
{
	for (unsigned from = 0; from < x->n_workers; from++) {
		for (unsigned to = 0; to < x->n_workers; to++) {
			unsigned i = from * x->n_workers + to;

			if (from == to)
				continue;
			x->frames[i] = new_ring(sizeof(struct rte_mbuf *), FRAME_SLOTS);
			x->messages[i] = new_ring(sizeof(struct rte_mbuf *), MESSAGE_SLOTS);
			x->neighbours[i] = new_ring(sizeof(struct net_neighbour), NEIGHBOUR_SLOTS);
			if (x->frames[i] == NULL || x->messages[i] == NULL ||
				x->neighbours[i] == NULL)
				return false;
		}
	}
	return true;
}

struct exchange *exchange_new(unsigned n_workers)
{
	size_t n_rings = (size_t)n_workers * n_workers;
	struct exchange *x = calloc(1, sizeof(*x));
	uint8_t key[SIPHASH_KEY_BYTES];

	if (x == NULL)
		return NULL;
	if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key)) {
		free(x);
		return NULL;
	}
	x->key = siphash_key_from(key);
	x->n_workers = n_workers;
	x->inboxes = aligned_alloc(RTE_CACHE_LINE_SIZE, n_workers * sizeof(*x->inboxes));
	x->frames = calloc(n_rings, sizeof(struct rte_ring *));
	x->messages = calloc(n_rings, sizeof(struct rte_ring *));
	x->neighbours = calloc(n_rings, sizeof(struct rte_ring *));
	if (x->inboxes != NULL)
		memset(x->inboxes, 0, n_workers * sizeof(*x->inboxes));
	if (x->inboxes != NULL && x->frames != NULL && x->messages != NULL &&
		x->neighbours != NULL && open_rings(x))
		return x;
	exchange_free(x);
	errno = ENOMEM;
	return NULL;
}

static void free_frames(struct rte_ring *ring)
{
	void *frame;

	while (ring != NULL && rte_ring_sc_dequeue(ring, &frame) == 0)
		rte_pktmbuf_free(frame);
	free(ring);
}

void exchange_free(struct exchange *x)
{
	if (x == NULL)
		return;
	for (unsigned i = 0; i < x->n_workers * x->n_workers; i++) {
		if (x->frames != NULL)
			free_frames(x->frames[i]);
		if (x->messages != NULL)
			free_frames(x->messages[i]);
		if (x->neighbours != NULL)
			free(x->neighbours[i]);
	}
	for (unsigned w = 0; w < x->n_workers && x->inboxes != NULL; w++)
		rte_pktmbuf_free_bulk(
			x->inboxes[w].staged + x->inboxes[w].first_staged, x->inboxes[w].n_staged);
	free(x->neighbours);
	free(x->messages);
	free(x->frames);
	free(x->inboxes);
	free(x);
}

int exchange_push_frame(
	struct exchange *x, unsigned from, unsigned to, unsigned port, struct rte_mbuf *frame)
{
	// The driver's number is of no use to the owner; the core map's is.
	frame->port = (uint16_t)port;
	return rte_ring_sp_enqueue(x->frames[from * x->n_workers + to], frame);
}

static void refill(struct exchange *x, unsigned to, struct inbox *in)
{
	in->first_staged = 0;
	for (unsigned i = 0; i < x->n_workers && in->n_staged == 0; i++) {
		struct rte_ring *ring;

		in->turn = in->turn + 1 < x->n_workers ? in->turn + 1 : 0;
		ring = x->frames[in->turn * x->n_workers + to];
		if (ring != NULL)
			in->n_staged = rte_ring_sc_dequeue_burst(
				ring, (void **)in->staged, QUEUE_BURST, NULL);
	}
}

unsigned exchange_pop_frames(
	struct exchange *x, unsigned to, unsigned *port, struct rte_mbuf *frames[QUEUE_BURST])
{
	struct inbox *in = &x->inboxes[to];
	unsigned n = 0;

	if (in->n_staged == 0)
		refill(x, to, in);
	if (in->n_staged == 0)
		return 0;
	*port = in->staged[in->first_staged]->port;
	while (n < in->n_staged && in->staged[in->first_staged + n]->port == *port) {
		frames[n] = in->staged[in->first_staged + n];
		n++;
	}
	in->first_staged += n;
	in->n_staged -= n;
	return n;
}

int exchange_push_message(struct exchange *x, unsigned from, unsigned to, struct rte_mbuf *message)
{
	return rte_ring_sp_enqueue(x->messages[from * x->n_workers + to], message);
}

unsigned exchange_pop_messages(
	struct exchange *x, unsigned to, struct rte_mbuf *messages[QUEUE_BURST])
{
	struct inbox *in = &x->inboxes[to];
	unsigned n = 0;

	for (unsigned i = 0; i < x->n_workers && n == 0; i++) {
		struct rte_ring *ring;

		in->messages_turn =
			in->messages_turn + 1 < x->n_workers ? in->messages_turn + 1 : 0;
		ring = x->messages[in->messages_turn * x->n_workers + to];
		if (ring != NULL)
			n = rte_ring_sc_dequeue_burst(ring, (void **)messages, QUEUE_BURST, NULL);
	}
	return n;
}

const struct siphash_key *exchange_key(const struct exchange *x)
{
	return &x->key;
}

void exchange_push_neighbour(struct exchange *x, unsigned from, const struct net_neighbour *n)
{
	struct net_neighbour copy = *n; // rte_ring's enqueue takes no const

	for (unsigned to = 0; to < x->n_workers; to++) {
		if (to != from)
			rte_ring_sp_enqueue_elem(
				x->neighbours[from * x->n_workers + to], &copy, sizeof(copy));
	}
}

bool exchange_pop_neighbour(struct exchange *x, unsigned to, struct net_neighbour *out)
{
	for (unsigned from = 0; from < x->n_workers; from++) {
		if (from != to &&
			rte_ring_sc_dequeue_elem(
				x->neighbours[from * x->n_workers + to], out, sizeof(*out)) == 0)
			return true;
	}
	return false;
}
