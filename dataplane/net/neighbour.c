// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/net/neighbour.h"

struct step {
	bool legal;
	uint8_t next, action;
};

// clang-format off: a table
#define TO(state, action)                                      \
	{                                                      \
		true, NEIGHBOUR_##state, NEIGHBOUR_DO_##action \
	}
static const struct step steps[NEIGHBOUR_STATE_N][NEIGHBOUR_EVENT_N] = {
	[NEIGHBOUR_NONE] =
		{
			[NEIGHBOUR_USE] = TO(INCOMPLETE, ASK_ALL),
			[NEIGHBOUR_ANNOUNCE] = TO(STALE, NOTHING),
		},
	[NEIGHBOUR_INCOMPLETE] =
		{
			[NEIGHBOUR_USE] = TO(INCOMPLETE, NOTHING),
			[NEIGHBOUR_ANSWER] = TO(REACHABLE, SEND_WAITING),
			[NEIGHBOUR_ANNOUNCE] = TO(STALE, SEND_WAITING),
			[NEIGHBOUR_DUE] = TO(INCOMPLETE, ASK_ALL),
			[NEIGHBOUR_EXHAUSTED] = TO(NONE, DROP_WAITING),
		},
	[NEIGHBOUR_REACHABLE] =
		{
			[NEIGHBOUR_USE] = TO(REACHABLE, NOTHING),
			[NEIGHBOUR_ANSWER] = TO(REACHABLE, NOTHING),
			[NEIGHBOUR_ANNOUNCE] = TO(STALE, NOTHING),
			[NEIGHBOUR_DUE] = TO(STALE, NOTHING),
		},
	[NEIGHBOUR_STALE] =
		{
			[NEIGHBOUR_USE] = TO(PROBE, ASK_IT),
			[NEIGHBOUR_ANSWER] = TO(REACHABLE, NOTHING),
			[NEIGHBOUR_ANNOUNCE] = TO(STALE, NOTHING),
			[NEIGHBOUR_DUE] = TO(NONE, NOTHING),
		},
	[NEIGHBOUR_PROBE] =
		{
			[NEIGHBOUR_USE] = TO(PROBE, NOTHING),
			[NEIGHBOUR_ANSWER] = TO(REACHABLE, NOTHING),
			[NEIGHBOUR_ANNOUNCE] = TO(STALE, NOTHING),
			[NEIGHBOUR_DUE] = TO(PROBE, ASK_IT),
			[NEIGHBOUR_EXHAUSTED] = TO(NONE, NOTHING),
		},
};
#undef TO
// clang-format on

static const uint16_t state_seconds[NEIGHBOUR_STATE_N] = {
	[NEIGHBOUR_INCOMPLETE] = NEIGHBOUR_RETRANS_S,
	[NEIGHBOUR_REACHABLE] = NEIGHBOUR_REACHABLE_S,
	[NEIGHBOUR_STALE] = NEIGHBOUR_STALE_S,
	[NEIGHBOUR_PROBE] = NEIGHBOUR_RETRANS_S,
};

void neighbours_init(struct neighbours *t, uint64_t hash_key, uint64_t hz)
{
	t->hash_key = hash_key;
	t->hz = hz;
	t->free_waiting = 1;
	for (unsigned i = 0; i + 1 < NEIGHBOUR_WAITING_ALL; i++)
		t->waiting[i].next = (uint8_t)(i + 2);
}

// Whoever guesses the key gets eight entries into one bucket: the cost of a look-up stays what it
// is. So a hash of three multiplications is enough.
static struct neighbour *bucket_of(struct neighbours *t, uint16_t port, const struct ip_addr *ip)
{
	uint64_t a, b, h;

	memcpy(&a, ip->bytes, sizeof(a));
	memcpy(&b, ip->bytes + 8, sizeof(b));
	h = (a ^ t->hash_key) * 0x9e3779b97f4a7c15;
	h = (h ^ h >> 32 ^ b) * 0xbf58476d1ce4e5b9;
	h = (h ^ h >> 32 ^ port) * 0x94d049bb133111eb;
	return &t->entries[(h >> 32) % NEIGHBOUR_BUCKETS * NEIGHBOUR_WAYS];
}

struct neighbour *neighbour_find(struct neighbours *t, uint16_t port, const struct ip_addr *ip)
{
	struct neighbour *bucket = bucket_of(t, port, ip);

	for (unsigned i = 0; i < NEIGHBOUR_WAYS; i++) {
		struct neighbour *e = &bucket[i];

		if (e->state != NEIGHBOUR_NONE && e->port == port &&
			memcmp(&e->ip, ip, sizeof(*ip)) == 0)
			return e;
	}
	return NULL;
}

struct neighbour *neighbour_add(
	struct neighbours *t, uint16_t port, const struct ip_addr *ip, uint64_t now)
{
	struct neighbour *bucket = bucket_of(t, port, ip), *victim = NULL;

	for (unsigned i = 0; i < NEIGHBOUR_WAYS; i++) {
		struct neighbour *e = &bucket[i];

		if (e->state == NEIGHBOUR_NONE) {
			victim = e;
			break;
		}
		if (e->state == NEIGHBOUR_STALE &&
			(e->used == 0 || now - e->used > NEIGHBOUR_KEEP_S * t->hz) &&
			(victim == NULL || e->used < victim->used))
			victim = e;
	}
	if (victim != NULL)
		*victim = (struct neighbour){.ip = *ip, .port = port};
	return victim;
}

enum neighbour_action neighbour_step(
	struct neighbours *t, struct neighbour *e, enum neighbour_event event, uint64_t now)
{
	const struct step *step = &steps[e->state][event];
	bool asks = step->action == NEIGHBOUR_DO_ASK_ALL || step->action == NEIGHBOUR_DO_ASK_IT;
	bool changes = step->next != e->state;

	if (!step->legal)
		return NEIGHBOUR_DO_NOTHING;
	if (changes) {
		t->n_unresolved +=
			(step->next == NEIGHBOUR_INCOMPLETE) - (e->state == NEIGHBOUR_INCOMPLETE);
		e->state = step->next;
		e->n_asked = 0;
	}
	e->n_asked = (uint8_t)(e->n_asked + asks);
	if (changes || asks || event == NEIGHBOUR_ANSWER)
		e->deadline = now + state_seconds[e->state] * t->hz;
	return step->action;
}

struct neighbour *neighbour_next_due(struct neighbours *t, uint64_t now, unsigned *budget)
{
	while (*budget > 0) {
		struct neighbour *e = &t->entries[t->cursor];

		t->cursor = (t->cursor + 1) % NEIGHBOUR_N;
		--*budget;
		if (e->state != NEIGHBOUR_NONE && (int64_t)(now - e->deadline) >= 0)
			return e;
	}
	return NULL;
}

bool neighbour_wait(struct neighbours *t, struct neighbour *e, struct rte_mbuf *packet)
{
	uint8_t taken = t->free_waiting, *last = &e->first_waiting;

	if (taken == 0 || e->n_waiting == NEIGHBOUR_WAITING_EACH)
		return false;
	t->free_waiting = t->waiting[taken - 1].next;
	t->waiting[taken - 1] = (struct neighbour_waiting){.packet = packet};
	while (*last != 0)
		last = &t->waiting[*last - 1].next;
	*last = taken;
	e->n_waiting++;
	return true;
}

struct rte_mbuf *neighbour_next_waiting(struct neighbours *t, struct neighbour *e)
{
	uint8_t first = e->first_waiting;
	struct neighbour_waiting *w;

	if (first == 0)
		return NULL;
	w = &t->waiting[first - 1];
	e->first_waiting = w->next;
	e->n_waiting--;
	w->next = t->free_waiting;
	t->free_waiting = first;
	return w->packet;
}
