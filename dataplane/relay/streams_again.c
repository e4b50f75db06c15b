// SPDX-License-Identifier: BSD-3-Clause
// The client transaction's timers of RFC 3261 §17.1, where a request came by a stream, whose sender
// does not repeat it, and leaves by UDP: timer A of an INVITE until anything is heard, timer E of
// any other request until its final response; both until 64 T1 are over. Never of an ACK: it has no
// response. Nothing is answered here: the sender has its own timers B and F.

#include "dataplane/relay/streams_state.h"
#include "lib/policy/mix.h"
#include "lib/sip/message.h"

#include <errno.h>
#include <stdlib.h>

#define T1_MS  500
#define T2_MS  4000
#define END_MS (64 * T1_MS) // timers B and F

int again_init(struct again_table *a, uint32_t n)
{
	uint32_t n_buckets = 1;

	while (n_buckets < n)
		n_buckets *= 2;
	a->list = calloc(n, sizeof(*a->list));
	a->buckets = calloc(n_buckets, sizeof(*a->buckets));
	if (a->list == NULL || a->buckets == NULL)
		return -ENOMEM;
	a->n = n;
	a->bucket_mask = n_buckets - 1;
	for (uint32_t i = n; i-- > 0;) {
		a->list[i].next = a->free;
		a->free = i + 1;
	}
	wheel_init(&a->wheel, &a->list[0].timer, sizeof(a->list[0]), 0);
	return 0;
}

void again_fini(struct streams *s)
{
	struct again_table *a = &s->again;

	for (uint32_t i = 0; a->list != NULL && i < a->n; i++) {
		if (a->list[i].parcel != NULL)
			s->config.host->put(s->config.host->arg, a->list[i].parcel);
	}
	free(a->list);
	free(a->buckets);
}

// A branch is keyed already; INVITE and its CANCEL share one.
static uint32_t *bucket_of(struct again_table *a, uint64_t branch)
{
	return &a->buckets[branch & a->bucket_mask];
}

// Where the index of that request stands; of 0 where there is none.
static uint32_t *find(struct again_table *a, uint64_t branch, unsigned method)
{
	uint32_t *at = bucket_of(a, branch);

	while (*at != 0) {
		const struct parcel *p = a->list[*at - 1].parcel;

		if (p->branch == branch && p->method == method)
			break;
		at = &a->list[*at - 1].next;
	}
	return at;
}

// Hops are the document's: nobody else chooses which two share one.
static uint32_t *share_of(struct again_table *a, const struct endpoint *to)
{
	uint64_t hash = mix_multiply(mix_load64(to->ip.bytes) ^ to->port,
		mix_load64(to->ip.bytes + 8) ^ UINT64_C(0x9e3779b97f4a7c15));

	return &a->of_target[hash % AGAIN_TARGETS];
}

static bool has_share(struct streams *s, const struct parcel *p)
{
	struct again_table *a = &s->again;

	return (uint64_t)a->weight + p->weight <= s->config.n_again &&
		(uint64_t)*share_of(a, &p->destination) + p->weight <= s->config.again_of_target;
}

// at: where its index stands.
static void forget(struct streams *s, uint32_t *at)
{
	struct again_table *a = &s->again;
	uint32_t index = *at - 1;
	struct again *entry = &a->list[index];

	wheel_del(&a->wheel, index);
	a->weight -= entry->parcel->weight;
	*share_of(a, &entry->parcel->destination) -= entry->parcel->weight;
	s->config.host->put(s->config.host->arg, entry->parcel);
	*at = entry->next;
	entry->parcel = NULL;
	entry->next = a->free;
	a->free = index + 1;
}

void again_send(struct streams *s, struct parcel *p)
{
	const struct relay_host *host = s->config.host;
	struct again_table *a = &s->again;
	uint32_t *at = find(a, p->branch, p->method), index = a->free;
	struct again *entry;

	// Its sender repeats it all the same; or there is no place: it goes as a datagram goes.
	if (*at != 0 || index == 0 || !has_share(s, p)) {
		if (*at == 0)
			streams_count(s, REASON_sip_again_full);
		host->send_datagram(host->arg, p, false);
		return;
	}
	host->send_datagram(host->arg, p, true);
	a->weight += p->weight;
	*share_of(a, &p->destination) += p->weight;
	entry = &a->list[index - 1];
	a->free = entry->next;
	*at = index;
	*entry = (struct again){
		.parcel = p,
		.interval_ms = T1_MS,
		.until = s->tick + streams_ticks(END_MS),
	};
	wheel_set(&a->wheel, index - 1, s->tick + streams_ticks(T1_MS));
}

void again_hear(struct streams *s, uint64_t branch, unsigned method, unsigned status)
{
	struct again_table *a = &s->again;
	uint32_t *at = find(a, branch, method);

	if (*at == 0)
		return;
	if (status >= 200 || method == SIP_M_INVITE)
		forget(s, at);
	else
		a->list[*at - 1].interval_ms = T2_MS;
}

// Its next time, or its end.
static void schedule(struct streams *s, uint32_t index)
{
	const struct again *entry = &s->again.list[index];
	uint32_t due = s->tick + streams_ticks(entry->interval_ms);

	wheel_set(&s->again.wheel, index, (int32_t)(entry->until - due) > 0 ? due : entry->until);
}

static void repeat(struct streams *s, uint32_t index)
{
	const struct relay_host *host = s->config.host;
	struct again *entry = &s->again.list[index];
	const struct parcel *p = entry->parcel;

	if ((int32_t)(s->tick - entry->until) >= 0) {
		streams_count(s, REASON_sip_again_unanswered);
		forget(s, find(&s->again, p->branch, p->method));
		return;
	}
	streams_count(s, REASON_sip_again_sent);
	host->send_datagram(host->arg, entry->parcel, true);
	entry->interval_ms *= 2;
	if (p->method != SIP_M_INVITE && entry->interval_ms > T2_MS)
		entry->interval_ms = T2_MS;
	schedule(s, index);
}

void again_timers(struct streams *s, unsigned *budget)
{
	uint32_t index;

	while (*budget > 0 && wheel_next(&s->again.wheel, s->tick, budget, &index)) {
		(*budget)--;
		repeat(s, index);
	}
}
