// SPDX-License-Identifier: BSD-3-Clause
// Slots: their states, and which one a message takes.

#include "dataplane/relay/egress_state.h"
#include "lib/policy/mix.h"

#define ODD UINT64_C(0x9e3779b97f4a7c15) // 2^64 / golden ratio

// How far the search for a slot to be given up goes, and how late its order of use may be.
#define GIVE_WAY_TRIES 32
#define RECENT_STEP_NS UINT64_C(100000000)

static const char *const names[SLOT_STATE_N] = {
#define SLOT_STATE(name) [SLOT_##name] = #name,
#include "dataplane/relay/slot_state.def"
#undef SLOT_STATE
};

// SLOT_IDLE is 0 and the state after several events, so what is there is marked.
struct step {
	bool legal;
	uint8_t to; // enum slot_state
};

#define TO(state)                  \
	{                          \
		true, SLOT_##state \
	}

static const struct step steps[SLOT_STATE_N][SLOT_EVENT_N] = {
	[SLOT_IDLE] =
		{
			[SLOT_ON_WANTED] = TO(ASKED),
		},
	[SLOT_ASKED] =
		{
			[SLOT_ON_UNWANTED] = TO(IDLE),
			[SLOT_ON_ALLOWED] = TO(OPENING),
			[SLOT_ON_REFUSED] = TO(REFUSED),
		},
	[SLOT_OPENING] =
		{
			[SLOT_ON_CONNECTED] = TO(NEGOTIATING),
			[SLOT_ON_OPENED] = TO(UP),
			[SLOT_ON_ENDED] = TO(IDLE),
		},
	[SLOT_NEGOTIATING] =
		{
			[SLOT_ON_AGREED] = TO(CONFIRMING),
			[SLOT_ON_ENDED] = TO(IDLE),
		},
	[SLOT_CONFIRMING] =
		{
			[SLOT_ON_OPENED] = TO(UP),
			[SLOT_ON_ENDED] = TO(IDLE),
		},
	[SLOT_UP] =
		{
			[SLOT_ON_ENDED] = TO(IDLE),
		},
	[SLOT_REFUSED] =
		{
			[SLOT_ON_BACKED_OFF] = TO(IDLE),
		},
};

const char *slot_state_name(enum slot_state state)
{
	return (unsigned)state < SLOT_STATE_N ? names[state] : "unknown";
}

enum slot_state slot_state_after(enum slot_state state, enum slot_event event)
{
	if ((unsigned)state >= SLOT_STATE_N || (unsigned)event >= SLOT_EVENT_N ||
		!steps[state][event].legal)
		return SLOT_STATE_N;
	return (enum slot_state)steps[state][event].to;
}

bool slot_step(struct slot *s, enum slot_event event, uint64_t now)
{
	enum slot_state after = slot_state_after((enum slot_state)s->state, event);

	if (after == SLOT_STATE_N)
		return false;
	s->state = (uint8_t)after;
	s->state_since = now;
	s->due = 0;
	return true;
}

struct slot_key slot_key(const struct egress *e, const struct endpoint *remote, uint16_t listener,
	uint32_t certificate, unsigned index)
{
	uint64_t rest = (uint64_t)remote->ip.family << 40 | (uint64_t)remote->transport << 32 |
		(uint32_t)listener << 16 | remote->port;
	uint64_t shown = certificate * ODD;
	uint64_t half = mix_multiply(mix_load64(remote->ip.bytes) ^ e->config.key.k0,
		mix_load64(remote->ip.bytes + 8) ^ e->config.key.k1);

	return (struct slot_key){
		.remote = *remote,
		.listener = listener,
		.index = (uint8_t)index,
		.certificate = certificate,
		.hash = mix_multiply(half ^ rest ^ ODD, e->config.key.k0 ^ shown ^ ODD),
	};
}

static uint32_t bucket_of(const struct egress *e, const struct slot_key *key)
{
	return (uint32_t)(key->hash + key->index * ODD) & e->bucket_mask;
}

unsigned slot_index_of_pair(const struct egress *e, uint32_t pair_hash, unsigned n)
{
	// Scattered first: one product alone orders the slots alike for many pairs.
	uint64_t best = 0, pair = mix_multiply(pair_hash ^ e->config.key.k0 ^ ODD, ODD);
	unsigned index = 0;

	for (unsigned i = 0; i < n; i++) {
		uint64_t weight =
			mix_multiply(pair ^ (i + 1) * ODD, pair + e->config.key.k1 + (i + 1) * ODD);

		if (i == 0 || weight > best) {
			best = weight;
			index = i;
		}
	}
	return index;
}

unsigned slot_owner(const struct egress *e, const struct slot_key *key)
{
	// The high half: the low one chooses the bucket.
	return (unsigned)(((key->hash >> 32) + key->index) % e->config.n_workers);
}

static bool is_key(const struct slot_key *a, const struct slot_key *b)
{
	return a->hash == b->hash && a->index == b->index && a->listener == b->listener &&
		a->certificate == b->certificate && endpoint_equal(&a->remote, &b->remote);
}

struct slot *slot_find(const struct egress *e, const struct slot_key *key)
{
	struct slot *s = e->buckets[bucket_of(e, key)];

	while (s != NULL && !is_key(&s->key, key))
		s = s->next_in_bucket;
	return s;
}

static void leave_bucket(struct egress *e, struct slot *s)
{
	struct slot **at = &e->buckets[bucket_of(e, &s->key)];

	while (*at != s)
		at = &(*at)->next_in_bucket;
	*at = s->next_in_bucket;
}

void slot_set_busy(struct egress *e, struct slot *s)
{
	if (s->busy)
		return;
	s->busy = true;
	TAILQ_INSERT_TAIL(&e->busy, s, in_busy);
}

void slot_clear_busy(struct egress *e, struct slot *s)
{
	if (!s->busy)
		return;
	s->busy = false;
	TAILQ_REMOVE(&e->busy, s, in_busy);
}

// One that nobody would miss: the longest unused without a connection, or else with one that
// carries nothing.
static struct slot *give_way(struct egress *e, uint64_t now)
{
	struct slot *s = TAILQ_FIRST(&e->recent), *quiet = NULL;

	for (unsigned n = 0; s != NULL && n < GIVE_WAY_TRIES; n++, s = TAILQ_NEXT(s, in_recent)) {
		if (s->worn != 0)
			continue;
		if (s->first == NULL && (s->state == SLOT_IDLE || s->state == SLOT_REFUSED))
			return s;
		if (quiet == NULL && s->state == SLOT_UP && s->first == NULL &&
			tcp_unacked(e->config.tcp, s->conn) == 0)
			quiet = s;
	}
	if (quiet != NULL) {
		e->config.counters[REASON_egress_idle]++;
		session_close(e->config.sessions, quiet->conn, now);
		slot_end(e, quiet, REASON_egress_idle, 0, now);
	}
	return quiet;
}

static struct slot *new_slot(struct egress *e, uint64_t now)
{
	struct slot *s;

	if (e->n_used < e->config.n_slots)
		return &e->slots[e->n_used++];
	s = give_way(e, now);
	if (s == NULL)
		return NULL;
	slot_clear_busy(e, s);
	leave_bucket(e, s);
	TAILQ_REMOVE(&e->recent, s, in_recent);
	return s;
}

void slot_set_name(const struct egress *e, const struct slot *s, struct view domain)
{
	struct slot_name *n = slot_name(e, s);

	// The key is made of it, so it stays.
	if (n->len > 0)
		return;
	n->len = (uint8_t)domain.len;
	if (domain.len > 0)
		memcpy(n->text, domain.at, domain.len);
}

struct slot *slot_get(struct egress *e, const struct slot_key *key, uint64_t now)
{
	struct slot *s = slot_find(e, key), **bucket;

	if (s == NULL) {
		s = new_slot(e, now);
		if (s == NULL)
			return NULL;
		bucket = &e->buckets[bucket_of(e, key)];
		*s = (struct slot){
			.key = *key,
			.generation = s->generation + 1,
			.used = now,
			.next_in_bucket = *bucket,
		};
		slot_name(e, s)->len = 0;
		*bucket = s;
		TAILQ_INSERT_TAIL(&e->recent, s, in_recent);
	} else if (now - s->used > RECENT_STEP_NS) {
		s->used = now;
		TAILQ_REMOVE(&e->recent, s, in_recent);
		TAILQ_INSERT_TAIL(&e->recent, s, in_recent);
	}
	return s;
}
