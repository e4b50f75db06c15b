// SPDX-License-Identifier: BSD-3-Clause

#include "control/dns/finder.h"

#include "control/dns/search.h"
#include "lib/policy/mix.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

#define S_IN_NS  UINT64_C(1000000000)
#define MS_IN_NS UINT64_C(1000000)

struct waiting {
	finder_done_fn *done;
	void *arg;
	bool may_be_stale;
	uint64_t since_ns;
	TAILQ_ENTRY(waiting) in_waiting;
};

// What is known of one name, or looked for.
struct entry {
	char name[DNS_NAME_BYTES];
	enum hop_kind kind;
	uint16_t port;
	bool known; // the fields that follow, as DNS last said
	enum finder_outcome outcome;
	bool secure;
	const char *service;
	struct finder_place *places;
	size_t n_places;
	uint64_t until_ns, stale_until_ns;
	// DNS is away: not asked again before.
	uint64_t retry_ns;
	uint32_t n_failures;
	struct search *search; // under way; NULL: none
	unsigned n_pins;       // it is being told of, and stays meanwhile
	TAILQ_HEAD(waiting_list, waiting) waiting;
	TAILQ_ENTRY(entry) in_recent;
	LIST_ENTRY(entry) in_bucket;
	struct finder *finder;
};

struct finder {
	struct finder_config config;
	uint64_t random;
	uint32_t n, bucket_mask;
	TAILQ_HEAD(, entry) recent; // the longest unused first
	LIST_HEAD(bucket, entry) * buckets;
};

static const char *const outcome_texts[FINDER_OUTCOME_N] = {
	[FINDER_FOUND] = "found",
	[FINDER_NO_SUCH] = "no such name, or no address",
	[FINDER_NO_SERVICE] = "the domain does not offer the service",
	[FINDER_BOGUS] = "DNSSEC validation failed",
	[FINDER_DNS_FAILED] = "no usable answer from DNS",
};

const char *finder_outcome_text(enum finder_outcome o)
{
	return (unsigned)o < FINDER_OUTCOME_N ? outcome_texts[o] : "unknown";
}

struct finder *finder_new(const struct finder_config *config)
{
	struct finder *f;
	uint32_t n_buckets = 1;

	if (config->n_max == 0 || config->n_max > 1 << 20) {
		errno = EINVAL;
		return NULL;
	}
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return NULL;
	while (n_buckets < config->n_max)
		n_buckets *= 2;
	f->buckets = calloc(n_buckets, sizeof(*f->buckets));
	if (f->buckets == NULL) {
		free(f);
		return NULL;
	}
	f->config = *config;
	f->random = config->seed;
	f->bucket_mask = n_buckets - 1;
	TAILQ_INIT(&f->recent);
	return f;
}

static void forget_waiting(struct entry *e)
{
	struct waiting *w;

	while ((w = TAILQ_FIRST(&e->waiting)) != NULL) {
		TAILQ_REMOVE(&e->waiting, w, in_waiting);
		free(w);
	}
}

static void forget(struct finder *f, struct entry *e)
{
	forget_waiting(e);
	TAILQ_REMOVE(&f->recent, e, in_recent);
	LIST_REMOVE(e, in_bucket);
	free(e->search);
	free(e->places);
	free(e);
	f->n--;
}

void finder_free(struct finder *f)
{
	struct entry *e;

	if (f == NULL)
		return;
	while ((e = TAILQ_FIRST(&f->recent)) != NULL)
		forget(f, e);
	free(f->buckets);
	free(f);
}

static uint64_t now_of(const struct finder *f)
{
	return f->config.now_ns(f->config.arg);
}

static uint32_t draw(struct finder *f)
{
	f->random += UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(mix_multiply(f->random, UINT64_C(0xd6e8feb86659fd93)) >> 16);
}

static uint32_t draw_for_search(void *arg)
{
	const struct entry *e = arg;

	return draw(e->finder);
}

static uint32_t between(uint32_t x, uint32_t low, uint32_t high)
{
	return x < low ? low : x > high ? high : x;
}

static struct finder_result result_of(const struct entry *e, uint64_t now)
{
	return (struct finder_result){
		.outcome = e->known ? e->outcome : FINDER_DNS_FAILED,
		.stale = e->known && now >= e->until_ns,
		.secure = e->secure,
		.ttl_s = e->known && now < e->until_ns ? (uint32_t)((e->until_ns - now) / S_IN_NS)
						       : 0,
		.service = e->service,
		.places = e->places,
		.n_places = e->known ? e->n_places : 0,
	};
}

// Tells the first that waits. It is taken out before: what is told may ask again.
static void tell_first(struct entry *e, const struct finder_result *result)
{
	struct waiting *first = TAILQ_FIRST(&e->waiting);
	// The analyzer does not see that the list has moved on behind one that was told.
	struct waiting w = *first; // NOLINT(clang-analyzer-unix.Malloc)

	TAILQ_REMOVE(&e->waiting, first, in_waiting);
	free(first);
	w.done(w.arg, result);
}

// Everybody that waits now, and nobody who begins to meanwhile.
static void tell_all(struct finder *f, struct entry *e)
{
	struct finder_result result = result_of(e, now_of(f));
	const struct waiting *last = TAILQ_LAST(&e->waiting, waiting_list), *told = NULL;

	e->n_pins++;
	while (told != last && !TAILQ_EMPTY(&e->waiting)) {
		told = TAILQ_FIRST(&e->waiting);
		tell_first(e, &result);
	}
	e->n_pins--;
}

// DNS has said something of the name.
static void learn(struct entry *e, const struct search *s, uint64_t now)
{
	bool found = s->outcome == FINDER_FOUND;
	uint32_t ttl_s = found ? between(s->ttl_s, FINDER_TTL_MIN_S, FINDER_TTL_MAX_S)
			       : between(s->ttl_s, FINDER_NONE_MIN_S, FINDER_NONE_MAX_S);
	size_t n_bytes = s->n_places * sizeof(*s->places);
	struct finder_place *places = n_bytes > 0 ? malloc(n_bytes) : NULL;

	if (n_bytes > 0 && places == NULL)
		return;
	if (n_bytes > 0)
		memcpy(places, s->places, n_bytes);
	free(e->places);
	e->places = places;
	e->n_places = s->n_places;
	e->known = true;
	e->outcome = s->outcome;
	e->secure = s->secure;
	e->service = s->found_service;
	e->until_ns = now + ttl_s * S_IN_NS;
	e->stale_until_ns = e->until_ns + FINDER_STALE_S * S_IN_NS;
	e->n_failures = 0;
	e->retry_ns = 0;
}

// With jitter, so that not all names that failed together are asked for together.
static void back_off(struct finder *f, struct entry *e, uint64_t now)
{
	uint32_t shift = e->n_failures < 16 ? e->n_failures : 16;
	uint32_t delay_s =
		between(FINDER_RETRY_MIN_S << shift, FINDER_RETRY_MIN_S, FINDER_RETRY_MAX_S);
	uint64_t delay_ns = delay_s * S_IN_NS;

	e->n_failures++;
	e->retry_ns = now + delay_ns / 2 + (delay_ns / 2 >> 16) * (draw(f) & 0xffff);
}

static void searched(struct search *s)
{
	struct entry *e = s->arg;
	struct finder *f = e->finder;
	uint64_t now = now_of(f);

	e->search = NULL;
	if (s->outcome == FINDER_DNS_FAILED || s->outcome == FINDER_BOGUS) {
		back_off(f, e, now);
		// Nobody is sent to where DNSSEC says that somebody lies, not even for old times'
		// sake; while DNS is merely away, for as long as RFC 8767 thinks well.
		if (s->outcome == FINDER_BOGUS || now >= e->stale_until_ns) {
			e->known = s->outcome == FINDER_BOGUS;
			e->outcome = s->outcome;
			e->n_places = 0;
			e->until_ns = e->stale_until_ns = e->retry_ns;
		}
	} else {
		learn(e, s, now);
	}
	free(s);
	tell_all(f, e);
}

static int look(struct finder *f, struct entry *e)
{
	struct search *s = calloc(1, sizeof(*s));
	int error;

	if (s == NULL)
		return -ENOMEM;
	*s = (struct search){
		.config = &f->config,
		.draw = draw_for_search,
		.done = searched,
		.arg = e,
		.name = e->name,
		.port = e->port,
	};
	e->search = s;
	error = search_begin(s, e->kind);
	if (error < 0) {
		e->search = NULL;
		free(s);
		back_off(f, e, now_of(f));
	}
	return error;
}

static struct bucket *bucket_of(
	struct finder *f, enum hop_kind kind, struct view name, uint16_t port)
{
	uint64_t hash = mix_multiply((uint64_t)kind << 16 | port, f->config.seed | 1);

	for (size_t i = 0; i < name.len; i++)
		hash = mix_multiply(hash ^ name.at[i], UINT64_C(0xd6e8feb86659fd93));
	return &f->buckets[hash & f->bucket_mask];
}

// Makes room where there is none: by the longest unused one that nobody waits for.
static int make_room(struct finder *f)
{
	struct entry *e;

	if (f->n < f->config.n_max)
		return 0;
	TAILQ_FOREACH(e, &f->recent, in_recent)
	{
		if (e->search == NULL && e->n_pins == 0 && TAILQ_EMPTY(&e->waiting)) {
			forget(f, e);
			return 0;
		}
	}
	return -ENOBUFS;
}

// The entry of a name, a new one where there is none; NULL with errno.
static struct entry *entry_of(struct finder *f, enum hop_kind kind, struct view name, uint16_t port)
{
	struct bucket *bucket = bucket_of(f, kind, name, port);
	struct entry *e;
	int error;

	LIST_FOREACH(e, bucket, in_bucket)
	{
		if (e->kind == kind && e->port == port && view_equal(view_string(e->name), name))
			break;
	}
	if (e != NULL) {
		TAILQ_REMOVE(&f->recent, e, in_recent);
		TAILQ_INSERT_TAIL(&f->recent, e, in_recent);
		return e;
	}
	error = make_room(f);
	e = error == 0 ? calloc(1, sizeof(*e)) : NULL;
	if (e == NULL) {
		errno = error < 0 ? -error : ENOMEM;
		return NULL;
	}
	memcpy(e->name, name.at, name.len);
	e->kind = kind;
	e->port = port;
	e->finder = f;
	TAILQ_INIT(&e->waiting);
	TAILQ_INSERT_TAIL(&f->recent, e, in_recent);
	LIST_INSERT_HEAD(bucket, e, in_bucket);
	f->n++;
	return e;
}

static int wait_for(struct entry *e, finder_done_fn *done, void *arg, uint64_t now)
{
	struct waiting *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return -ENOMEM;
	*w = (struct waiting){.done = done, .arg = arg, .since_ns = now};
	TAILQ_INSERT_TAIL(&e->waiting, w, in_waiting);
	return 0;
}

int finder_find(struct finder *f, enum hop_kind kind, struct view name, uint16_t port,
	finder_done_fn *done, void *arg)
{
	uint64_t now = now_of(f);
	struct finder_result result;
	struct entry *e;
	int error;

	if (name.len == 0 || name.len >= DNS_NAME_BYTES || memchr(name.at, 0, name.len) != NULL)
		return -EINVAL;
	e = entry_of(f, kind, name, port);
	if (e == NULL)
		return -errno;
	if (e->search == NULL && !(e->known && now < e->until_ns) && now >= e->retry_ns) {
		error = wait_for(e, done, arg, now);
		// One that fails at once is answered below, as one that is backing off.
		if (error < 0 || look(f, e) == 0)
			return error;
		forget_waiting(e);
	} else if (e->search != NULL) {
		return wait_for(e, done, arg, now);
	}
	result = result_of(e, now);
	e->n_pins++;
	done(arg, &result);
	e->n_pins--;
	return 0;
}

void finder_cancel(struct finder *f, finder_done_fn *done, void *arg)
{
	struct entry *e;
	struct waiting *w, *next;

	TAILQ_FOREACH(e, &f->recent, in_recent)
	{
		for (w = TAILQ_FIRST(&e->waiting); w != NULL; w = next) {
			next = TAILQ_NEXT(w, in_waiting);
			if (w->done != done || w->arg != arg)
				continue;
			TAILQ_REMOVE(&e->waiting, w, in_waiting);
			free(w);
		}
	}
}

// How long somebody waits for the answer: less where there is a stale one.
static uint64_t patience_ns(const struct entry *e, uint64_t now)
{
	bool stale = e->known && e->n_places > 0 && now < e->stale_until_ns;

	return (stale ? FINDER_STALE_AFTER_MS : FINDER_GIVE_UP_MS) * MS_IN_NS;
}

static bool is_out_of_patience(const struct entry *e, const struct waiting *w, uint64_t now)
{
	return now - w->since_ns >= patience_ns(e, now); // NOLINT(clang-analyzer-unix.Malloc)
}

void finder_timers(struct finder *f)
{
	uint64_t now = now_of(f);
	struct entry *e, *next;

	for (e = TAILQ_FIRST(&f->recent); e != NULL; e = next) {
		struct finder_result result = result_of(e, now);
		const struct waiting *w;

		// What is told may ask again, which needs room: neither of the two makes it.
		next = TAILQ_NEXT(e, in_recent);
		e->n_pins++;
		if (next != NULL)
			next->n_pins++;
		// NOLINTNEXTLINE(clang-analyzer-unix.Malloc): as in tell_first()
		while ((w = TAILQ_FIRST(&e->waiting)) != NULL && is_out_of_patience(e, w, now))
			tell_first(e, &result);
		e->n_pins--;
		if (next != NULL)
			next->n_pins--;
	}
}
