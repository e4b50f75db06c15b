// SPDX-License-Identifier: BSD-3-Clause

#include "control/tls/rate.h"

#include "lib/base/siphash.h"

#include <errno.h>
#include <stdlib.h>

#define WAYS          8
#define N_SOURCES_MAX (1u << 20)
#define NS_A_S        UINT64_C(1000000000)
// Of an IPv6 address: /56.
#define V6_PREFIX_BYTES 7

// A bucket as the time at which it was, or will be, empty of debts: a token costs interval_ns, and
// the debt is at most burst of them. One number, no refilling.
struct bucket {
	uint64_t paid_ns;
};

struct limit {
	uint64_t interval_ns; // 0: none
	uint64_t debt_max_ns;
};

struct source {
	struct ip_addr ip; // family IP_NONE: free
	struct bucket bucket;
};

struct handshake_rate {
	struct limit of_source, of_all;
	struct bucket all;
	struct siphash_key key;
	uint32_t set_mask;
	struct source *sources; // sets of WAYS
};

static struct limit limit_of(uint32_t per_s, uint32_t burst)
{
	struct limit l = {0, 0};

	if (per_s > 0) {
		l.interval_ns = NS_A_S / per_s;
		l.debt_max_ns = l.interval_ns * (burst > 0 ? burst : 1);
	}
	return l;
}

static bool may_take(const struct limit *l, const struct bucket *b, uint64_t now_ns)
{
	uint64_t debt_ns = b->paid_ns > now_ns ? b->paid_ns - now_ns : 0;

	return debt_ns + l->interval_ns <= l->debt_max_ns;
}

static void take(const struct limit *l, struct bucket *b, uint64_t now_ns)
{
	b->paid_ns = (b->paid_ns > now_ns ? b->paid_ns : now_ns) + l->interval_ns;
}

struct handshake_rate *handshake_rate_new(const struct handshake_rate_config *config)
{
	struct handshake_rate *r;
	uint32_t n_sets = 1;

	if (config->n_sources == 0 || config->n_sources > N_SOURCES_MAX ||
		config->source_per_s > NS_A_S || config->all_per_s > NS_A_S) {
		errno = EINVAL;
		return NULL;
	}
	while (n_sets * WAYS < config->n_sources)
		n_sets *= 2;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	r->sources = calloc((size_t)n_sets * WAYS, sizeof(*r->sources));
	if (r->sources == NULL) {
		free(r);
		return NULL;
	}
	r->set_mask = n_sets - 1;
	r->key = (struct siphash_key){config->seed[0], config->seed[1]};
	r->of_source = limit_of(config->source_per_s, config->source_burst);
	r->of_all = limit_of(config->all_per_s, config->all_burst);
	return r;
}

void handshake_rate_free(struct handshake_rate *r)
{
	if (r == NULL)
		return;
	free(r->sources);
	free(r);
}

static struct ip_addr prefix_of(const struct ip_addr *ip)
{
	struct ip_addr prefix = *ip;

	if (ip->family == IP_V6)
		memset(prefix.bytes + V6_PREFIX_BYTES, 0, sizeof(prefix.bytes) - V6_PREFIX_BYTES);
	return prefix;
}

// The source's place; where it is new, the place of the one in its set with the least debt, which
// loses least by being forgotten.
static struct source *find(struct handshake_rate *r, const struct ip_addr *prefix)
{
	uint64_t set = siphash(&r->key, prefix, sizeof(*prefix)) & r->set_mask;
	struct source *first = &r->sources[set * WAYS], *least = first;

	for (struct source *s = first; s < first + WAYS; s++) {
		if (ip_equal(&s->ip, prefix))
			return s;
		if (s->bucket.paid_ns < least->bucket.paid_ns)
			least = s;
	}
	*least = (struct source){.ip = *prefix};
	return least;
}

enum handshake_rate_verdict handshake_rate_take(
	struct handshake_rate *r, const struct ip_addr *source, uint64_t now_ns)
{
	struct ip_addr prefix = prefix_of(source);
	struct source *s;

	// First the one of all: while it is empty nobody's place is taken.
	if (!may_take(&r->of_all, &r->all, now_ns))
		return HANDSHAKE_RATE_ALL;
	s = find(r, &prefix);
	if (!may_take(&r->of_source, &s->bucket, now_ns))
		return HANDSHAKE_RATE_SOURCE;
	take(&r->of_source, &s->bucket, now_ns);
	take(&r->of_all, &r->all, now_ns);
	return HANDSHAKE_RATE_OK;
}
