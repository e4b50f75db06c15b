// SPDX-License-Identifier: BSD-3-Clause

#include "control/target/targets.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

#define MS UINT64_C(1000000)
// Entries looked at for one to give way.
#define GIVE_WAY_TRIES 32
// Doublings after which the delay is the longest.
#define DOUBLINGS_MAX 6

struct connection {
	bool up;
	uint8_t place; // that it was opened to, or is to be
	uint64_t since_ns;
};

struct target {
	struct endpoint remote;
	uint16_t listener;
	uint32_t certificate;
	uint32_t n_failures;
	uint64_t until_ns; // of the back-off
	enum reason reason;
	uint64_t lost_bytes, n_opened, n_ended, n_failed;
	struct connection connections[LINK_TARGET_SLOTS];
	// Of a name: which of its places is tried, and who waits to be told, a bit a worker.
	uint8_t place, n_places;
	enum hop_kind kind;
	uint8_t name_len;
	uint8_t name[LINK_NAME_BYTES_MAX];
	struct endpoint address;
	uint64_t asking[LINK_TARGET_SLOTS];
	struct target *next_in_bucket;
	TAILQ_ENTRY(target) in_recent;
};

struct targets {
	uint64_t random;
	uint64_t n_unknown;
	uint32_t n_max, n_used;
	uint32_t bucket_mask;
	struct target **buckets;
	struct target *all;
	TAILQ_HEAD(target_list, target) recent; // the longest unused first
};

// splitmix64 (Steele, Lea and Flood, 2014): only so that targets do not come back all at once.
static uint64_t draw(struct targets *t)
{
	uint64_t z = t->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

struct targets *targets_new(uint32_t n_max, uint64_t seed)
{
	struct targets *t;
	uint32_t n_buckets = 1;

	if (n_max == 0 || n_max > 1u << 20) {
		errno = EINVAL;
		return NULL;
	}
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return NULL;
	while (n_buckets < 2 * n_max)
		n_buckets *= 2;
	t->random = seed;
	t->n_max = n_max;
	t->bucket_mask = n_buckets - 1;
	t->buckets = calloc(n_buckets, sizeof(struct target *));
	t->all = calloc(n_max, sizeof(*t->all));
	TAILQ_INIT(&t->recent);
	if (t->buckets == NULL || t->all == NULL) {
		targets_free(t);
		errno = ENOMEM;
		return NULL;
	}
	return t;
}

void targets_free(struct targets *t)
{
	if (t == NULL)
		return;
	free(t->buckets);
	free(t->all);
	free(t);
}

// Only hops of the published policy come here, so nobody can choose them to collide. Ports,
// listeners and certificates of one address are few.
static struct target **bucket_of(const struct targets *t, const struct ip_addr *ip)
{
	static const struct siphash_key key = {0x7461726765747321, 0x6665647265656c79};

	return &t->buckets[siphash(&key, ip, sizeof(*ip)) & t->bucket_mask];
}

static struct target *find(struct targets *t, const struct link_target *which)
{
	struct target *found = *bucket_of(t, &which->remote.ip);

	while (found != NULL &&
		(found->listener != which->listener || found->certificate != which->certificate ||
			!endpoint_equal(&found->remote, &which->remote)))
		found = found->next_in_bucket;
	return found;
}

static unsigned count_up(const struct target *target)
{
	unsigned n = 0;

	for (unsigned i = 0; i < LINK_TARGET_SLOTS; i++)
		n += target->connections[i].up;
	return n;
}

static struct target *give_way(struct targets *t)
{
	struct target *target = TAILQ_FIRST(&t->recent), **at;
	unsigned n = 0;

	while (target != NULL && count_up(target) > 0)
		target = ++n < GIVE_WAY_TRIES ? TAILQ_NEXT(target, in_recent) : NULL;
	if (target == NULL)
		return NULL;
	TAILQ_REMOVE(&t->recent, target, in_recent);
	for (at = bucket_of(t, &target->remote.ip); *at != target;)
		at = &(*at)->next_in_bucket;
	*at = target->next_in_bucket;
	return target;
}

// That is there or new; NULL where all are in use.
static struct target *get(struct targets *t, const struct link_target *which)
{
	struct target *target = find(t, which), **bucket;

	if (target != NULL) {
		TAILQ_REMOVE(&t->recent, target, in_recent);
		TAILQ_INSERT_TAIL(&t->recent, target, in_recent);
		return target;
	}
	target = t->n_used < t->n_max ? &t->all[t->n_used++] : give_way(t);
	if (target == NULL)
		return NULL;
	bucket = bucket_of(t, &which->remote.ip);
	*target = (struct target){.remote = which->remote,
		.listener = which->listener,
		.certificate = which->certificate,
		.next_in_bucket = *bucket};
	*bucket = target;
	TAILQ_INSERT_TAIL(&t->recent, target, in_recent);
	return target;
}

static uint32_t back_off_left(const struct target *target, uint64_t now_ns)
{
	return now_ns >= target->until_ns ? 0
					  : (uint32_t)((target->until_ns - now_ns + MS - 1) / MS);
}

static void refuse(struct link_message *answer, const struct link_target *which, uint32_t retry_ms)
{
	link_message_init(answer, LINK_TARGET_REFUSED);
	answer->target_refused.target = *which;
	answer->target_refused.retry_ms = retry_ms;
}

static void open_to(struct target *target, const struct link_target *which,
	const struct endpoint *address, struct link_message *answer)
{
	target->address = *address;
	target->connections[which->slot].place = target->place;
	link_message_init(answer, LINK_TARGET_OPEN);
	answer->target_open.target = *which;
	answer->target_open.address = *address;
}

// A domain whose servers DNS says, for the policy and under this very key.
static bool is_discovered(
	const struct targets_policy *policy, const struct endpoint *remote, struct view domain)
{
	const struct image_peer *peer =
		image_peer_at(policy->image, policy->peer_of(policy->arg, domain));
	struct ip_addr key;

	if (peer == NULL || (peer->flags & IMAGE_PEER_DISCOVERED) == 0 || remote->port != 0 ||
		remote->transport != TRANSPORT_TLS)
		return false;
	key = hop_key(image_hop_keys(policy->image), HOP_DOMAIN, domain);
	return ip_equal(&key, &remote->ip);
}

// Whether some peer has the hop; *name: of a named one, and what it is of.
static bool is_known(const struct targets_policy *policy, const struct link_target_wanted *wanted,
	enum hop_kind *kind, struct view *name)
{
	const struct endpoint *remote = &wanted->target.remote;

	*name = view_of(wanted->name, wanted->name_len);
	*kind = HOP_DOMAIN;
	if (policy->image == NULL)
		return false;
	if (remote->ip.family == IP_NAMED && name->len > 0)
		return is_discovered(policy, remote, *name);
	*name = VIEW_NONE;
	return image_has_hop(policy->image, remote) &&
		(remote->ip.family != IP_NAMED ||
			image_hop_name(policy->image, &remote->ip, kind, name));
}

// Asks where a name is, unless the worker is waiting for that already.
static enum targets_reply ask(struct target *target, unsigned worker,
	const struct link_target *which, enum hop_kind kind, struct view name,
	struct targets_question *question)
{
	uint64_t bit = UINT64_C(1) << worker % 64;

	if ((target->asking[which->slot] & bit) != 0)
		return TARGETS_NOTHING;
	target->asking[which->slot] |= bit;
	target->kind = kind;
	target->name_len = (uint8_t)name.len;
	memcpy(target->name, name.at, name.len);
	*question = (struct targets_question){
		.worker = worker,
		.target = *which,
		.kind = kind,
		.port = which->remote.port,
		.name_len = (uint8_t)name.len,
	};
	memcpy(question->name, name.at, name.len);
	return TARGETS_FIND;
}

static enum targets_reply take_wanted(struct targets *t, const struct targets_policy *policy,
	unsigned n_listeners, unsigned worker, const struct link_target_wanted *wanted,
	uint64_t now_ns, struct link_message *answer, struct targets_question *question)
{
	const struct link_target *which = &wanted->target;
	struct target *target;
	enum hop_kind kind;
	struct view name;
	uint32_t left;

	if (which->listener >= n_listeners || !is_known(policy, wanted, &kind, &name)) {
		t->n_unknown++;
		refuse(answer, which, TARGETS_UNKNOWN_MS);
		return TARGETS_ANSWER;
	}
	target = get(t, which);
	if (target == NULL) {
		refuse(answer, which, TARGETS_BACK_OFF_MS_MIN);
		return TARGETS_ANSWER;
	}
	left = back_off_left(target, now_ns);
	if (left > 0)
		refuse(answer, which, left);
	else if (name.len > 0)
		return ask(target, worker, which, kind, name, question);
	else
		open_to(target, which, &which->remote, answer);
	return TARGETS_ANSWER;
}

static bool is_stable(const struct connection *c, uint64_t now_ns)
{
	return c->up && now_ns - c->since_ns >= TARGETS_STABLE_MS * MS;
}

static void back_off(struct targets *t, struct target *target, uint64_t now_ns)
{
	uint64_t ms = TARGETS_BACK_OFF_MS_MIN + TARGETS_BACK_OFF_MS_MIN / 4;
	uint32_t doublings;

	if (now_ns < target->until_ns)
		return;
	doublings = target->n_failures < DOUBLINGS_MAX ? target->n_failures : DOUBLINGS_MAX;
	target->n_failures++;
	ms <<= doublings;
	if (ms > TARGETS_BACK_OFF_MS_MAX)
		ms = TARGETS_BACK_OFF_MS_MAX;
	ms -= draw(t) % (ms / 4 + 1);
	if (ms < TARGETS_BACK_OFF_MS_MIN)
		ms = TARGETS_BACK_OFF_MS_MIN;
	target->until_ns = now_ns + ms * MS;
}

// Whether the partner's end of a connection that stood only for a moment says that it is unwell.
static bool was_cut(enum reason reason)
{
	static const enum reason orderly[] = {
		REASON_tcp_closed,
		REASON_egress_idle,
		// By our own doing: the partner may be as well as ever.
		REASON_egress_withdrawn,
		REASON_session_blocked,
		REASON_session_revoked,
		REASON_session_worn,
	};

	for (size_t i = 0; i < sizeof(orderly) / sizeof(orderly[0]); i++) {
		if (reason == orderly[i])
			return false;
	}
	return true;
}

// A connection to a place of the target has failed: on to the next place, or to the back-off behind
// the last one. What failed at a place that is not tried any more changes nothing.
static void take_failure(
	struct targets *t, struct target *target, const struct connection *c, uint64_t now_ns)
{
	if (c->place != target->place)
		return;
	if (target->place + 1 < target->n_places) {
		target->place++;
		return;
	}
	target->place = 0;
	back_off(t, target, now_ns);
}

void targets_found(struct targets *t, const struct targets_question *question,
	const struct endpoint places[], size_t n_places, uint64_t now_ns,
	struct link_message *answer)
{
	const struct link_target *which = &question->target;
	struct target *target = find(t, which);
	uint32_t left;

	if (target == NULL) {
		refuse(answer, which, TARGETS_BACK_OFF_MS_MIN);
		return;
	}
	target->asking[which->slot] &= ~(UINT64_C(1) << question->worker % 64);
	target->n_places = (uint8_t)(n_places < UINT8_MAX ? n_places : UINT8_MAX);
	if (target->place >= target->n_places)
		target->place = 0;
	if (n_places == 0) {
		target->reason = REASON_egress_unresolved;
		back_off(t, target, now_ns);
	}
	left = back_off_left(target, now_ns);
	if (left > 0)
		refuse(answer, which, left);
	else
		open_to(target, which, &places[target->place], answer);
}

static void take_end(
	struct targets *t, struct target *target, const struct link_message *m, uint64_t now_ns)
{
	struct connection *c = &target->connections[m->target_state.target.slot];
	bool failed = m->target_state.state == LINK_TARGET_FAILED;

	for (unsigned i = 0; i < LINK_TARGET_SLOTS; i++) {
		if (is_stable(&target->connections[i], now_ns))
			target->n_failures = 0;
	}
	target->reason = (enum reason)m->target_state.reason;
	target->lost_bytes += m->target_state.lost_bytes;
	target->n_failed += failed;
	target->n_ended += !failed;
	if (failed || (!is_stable(c, now_ns) && was_cut(target->reason)))
		take_failure(t, target, c, now_ns);
	*c = (struct connection){0};
}

static void take_up(struct target *target, const struct link_message *m, uint64_t now_ns)
{
	struct connection *c = &target->connections[m->target_state.target.slot];
	uint64_t age = m->target_state.since_ms;

	age = age < now_ns / MS ? age * MS : now_ns;
	// Told again to a control that has restarted, it is none that was opened.
	target->n_opened += !c->up;
	*c = (struct connection){.up = true, .place = c->place, .since_ns = now_ns - age};
	// It answers: its other connections need not wait.
	target->until_ns = 0;
}

static void take_state(struct targets *t, const struct link_message *m, uint64_t now_ns)
{
	const struct link_target *which = &m->target_state.target;
	struct target *target;

	// One that is up is worth an entry, also where the policy has lost it.
	target = m->target_state.state == LINK_TARGET_UP ? get(t, which) : find(t, which);
	if (target == NULL)
		return;
	if (m->target_state.state == LINK_TARGET_UP)
		take_up(target, m, now_ns);
	else
		take_end(t, target, m, now_ns);
}

enum targets_reply targets_hear(struct targets *t, const struct targets_policy *policy,
	unsigned n_listeners, unsigned worker, const struct link_message *m, uint64_t now_ns,
	struct link_message *answer, struct targets_question *question)
{
	if (m->type == LINK_TARGET_STATE)
		take_state(t, m, now_ns);
	if (m->type != LINK_TARGET_WANTED)
		return TARGETS_NOTHING;
	return take_wanted(
		t, policy, n_listeners, worker, &m->target_wanted, now_ns, answer, question);
}

void targets_forgive(struct targets *t, const struct link_target *which)
{
	struct target *target = find(t, which);

	if (target != NULL)
		target->until_ns = 0;
}

void targets_forget_connections(struct targets *t)
{
	for (uint32_t i = 0; i < t->n_used; i++) {
		memset(t->all[i].connections, 0, sizeof(t->all[i].connections));
		memset(t->all[i].asking, 0, sizeof(t->all[i].asking));
	}
}

static void describe(const struct target *target, uint64_t now_ns, struct targets_row *row)
{
	uint64_t oldest_ns = now_ns;

	*row = (struct targets_row){
		.remote = target->remote,
		.name = view_of(target->name, target->name_len),
		.address = target->address,
		.listener = target->listener,
		.certificate = target->certificate,
		.n_up = count_up(target),
		.back_off_ms = back_off_left(target, now_ns),
		.n_failures = target->n_failures,
		.reason = target->reason,
		.lost_bytes = target->lost_bytes,
		.n_opened = target->n_opened,
		.n_ended = target->n_ended,
		.n_failed = target->n_failed,
	};
	for (unsigned i = 0; i < LINK_TARGET_SLOTS; i++) {
		const struct connection *c = &target->connections[i];

		if (c->up && c->since_ns < oldest_ns)
			oldest_ns = c->since_ns;
	}
	row->up_ms = (now_ns - oldest_ns) / MS;
}

void targets_each(const struct targets *t, uint64_t now_ns,
	void (*each)(void *arg, const struct targets_row *row), void *arg)
{
	const struct target *target = TAILQ_LAST(&t->recent, target_list);

	for (; target != NULL; target = TAILQ_PREV(target, target_list, in_recent)) {
		struct targets_row row;

		describe(target, now_ns, &row);
		each(arg, &row);
	}
}

bool targets_name(
	const struct targets *t, const struct ip_addr *key, enum hop_kind *kind, struct view *name)
{
	const struct target *target = *bucket_of(t, key);

	while (target != NULL && (target->name_len == 0 || !ip_equal(&target->remote.ip, key)))
		target = target->next_in_bucket;
	if (target == NULL)
		return false;
	*kind = target->kind;
	*name = view_of(target->name, target->name_len);
	return true;
}

uint64_t targets_n_unknown(const struct targets *t)
{
	return t->n_unknown;
}
