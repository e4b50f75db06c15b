// SPDX-License-Identifier: BSD-3-Clause
// A worker's end of the rings to control, and its swap to another generation.

#include "dataplane/worker/worker.h"

#include <errno.h>
#include <time.h>

// Messages taken a turn: control cannot keep a worker from its packets.
#define MESSAGES_A_TURN 16

static void count(struct worker *w, enum reason reason)
{
	w->counters.reason[reason]++;
}

static bool attached(const struct worker_link *link)
{
	return link->epoch != 0;
}

// Nothing more is said or heard on rings that control broke, until main offers others.
static void break_link(struct worker *w)
{
	count(w, REASON_link_message_bad);
	w->link.epoch = 0;
}

static bool push(struct worker *w, struct link_message *m,
	int (*how)(struct link_producer *p, const struct link_message *m))
{
	int error;

	m->epoch = w->link.epoch;
	error = how(&w->link.outbox, m);
	if (error == -EPROTO)
		break_link(w);
	else if (error < 0)
		count(w, REASON_link_full);
	return error == 0;
}

static bool say(struct worker *w, struct link_message *m)
{
	return push(w, m, link_push);
}

bool worker_tell_control(void *worker, const struct link_message *m, bool last)
{
	struct worker *w = worker;
	struct link_message copy;

	link_message_copy(&copy, m);
	return attached(&w->link) && push(w, &copy, last ? link_push_reserved : link_push);
}

static uint64_t applied_number(const struct worker *w)
{
	// Only this thread writes it.
	const struct generation *g =
		atomic_load_explicit(&w->applied_generation, memory_order_relaxed);

	return g != NULL ? g->number : 0;
}

static void say_applied(struct worker *w)
{
	struct link_message m;
	struct timespec now;

	// Once a publication, and no system call where the clock source is the TSC (vDSO).
	clock_gettime(CLOCK_MONOTONIC, &now);
	link_message_init(&m, LINK_APPLIED);
	m.applied.generation = applied_number(w);
	m.applied.applied_at_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	(void)say(w, &m);
}

static void hear(struct worker *w, const struct link_message *m)
{
	struct link_message answer;

	if (link_message_check(m, LINK_TO_WORKER, w->link.epoch) != NULL) {
		count(w, REASON_link_message_bad);
		return;
	}
	if (m->type != LINK_PING) {
		if (w->streams != NULL)
			streams_hear(w->streams, m, worker_ns(w, w->now));
		else
			count(w, REASON_link_message_bad); // of what nobody asked for
		return;
	}
	link_message_init(&answer, LINK_PONG);
	answer.pong.token = m->ping.token;
	answer.pong.generation = applied_number(w);
	(void)say(w, &answer);
}

static void take_up(struct worker *w, struct worker_segment *offered)
{
	w->link = (struct worker_link){0};
	if (offered != NULL) {
		w->link.epoch = offered->epoch;
		w->link.segment = offered->segment;
		link_consumer_init(&w->link.mailbox, &offered->segment->to_worker);
		link_producer_init(&w->link.outbox, &offered->segment->to_control);
		if (w->streams != NULL)
			streams_attached(w->streams, worker_ns(w, w->now));
	}
	// Pairs with main's acquire: the former segment is not touched any more.
	atomic_store_explicit(&w->applied_segment, offered, memory_order_release);
}

void worker_link_poll(struct worker *w)
{
	struct worker_segment *offered =
		atomic_load_explicit(&w->offered_segment, memory_order_acquire);
	struct link_message in[MESSAGES_A_TURN];
	int n;

	if (offered != atomic_load_explicit(&w->applied_segment, memory_order_relaxed))
		take_up(w, offered);
	if (!attached(&w->link))
		return;
	n = link_pop(&w->link.mailbox, in, MESSAGES_A_TURN);
	if (n < 0)
		break_link(w);
	for (int i = 0; i < n; i++) {
		if (attached(&w->link))
			hear(w, &in[i]);
		link_message_wipe(&in[i]);
	}
}

void worker_generation_poll(struct worker *w)
{
	struct generation *offered =
		atomic_load_explicit(&w->offered_generation, memory_order_acquire);

	if (offered == atomic_load_explicit(&w->applied_generation, memory_order_relaxed))
		return;
	if (offered != NULL)
		relay_set_policy(
			w->relay, offered->decider[w->index], offered->policy[w->index]->image);
	else
		relay_set_policy(w->relay, NULL, NULL);
	if (w->streams != NULL)
		streams_recheck(w->streams);
	// Pairs with main's acquire: the former generation is not read any more.
	atomic_store_explicit(&w->applied_generation, offered, memory_order_release);
	if (attached(&w->link))
		say_applied(w);
}
