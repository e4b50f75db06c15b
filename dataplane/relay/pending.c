// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/relay/pending.h"

#include "lib/policy/mix.h"

#include <errno.h>
#include <stdlib.h>

#define ODD UINT64_C(0x9e3779b97f4a7c15) // 2^64 / golden ratio

int pending_init(struct pending *p, uint32_t n)
{
	uint32_t n_tags = PENDING_WAYS;

	while (n_tags < n)
		n_tags *= 2;
	p->mask = (n_tags - 1) & ~(uint32_t)(PENDING_WAYS - 1);
	p->tags = calloc(n_tags, sizeof(*p->tags));
	return p->tags != NULL ? 0 : -ENOMEM;
}

void pending_fini(struct pending *p)
{
	free(p->tags);
}

// A branch is keyed: nobody makes it meet another one's.
uint64_t pending_tag(uint64_t conn, uint64_t branch, unsigned method)
{
	uint64_t tag = mix_multiply(branch ^ ODD, conn ^ (method + 1) * ODD);

	return tag != 0 ? tag : 1;
}

static uint64_t *set_of(const struct pending *p, uint64_t tag)
{
	return &p->tags[(uint32_t)(tag >> 32) & p->mask];
}

void pending_prefetch(const struct pending *p, uint64_t tag)
{
	__builtin_prefetch(set_of(p, tag), 1);
}

bool pending_add(struct pending *p, uint64_t tag)
{
	uint64_t *set = set_of(p, tag), *at = &set[tag % PENDING_WAYS];

	for (unsigned way = 0; way < PENDING_WAYS; way++) {
		if (set[way] == tag)
			return false;
		if (set[way] == 0)
			at = &set[way];
	}
	*at = tag;
	return true;
}

bool pending_del(struct pending *p, uint64_t tag)
{
	uint64_t *set = set_of(p, tag);

	for (unsigned way = 0; way < PENDING_WAYS; way++) {
		if (set[way] == tag) {
			set[way] = 0;
			return true;
		}
	}
	return false;
}
