// SPDX-License-Identifier: BSD-3-Clause

#include "tests/load/pending.h"

#include <errno.h>
#include <stdlib.h>

int pending_init(struct pending *p, uint32_t n_slots, uint16_t tag)
{
	*p = (struct pending){.mask = n_slots - 1, .tag = (uint64_t)tag << (64 - PENDING_TAG_BITS)};
	p->slots = calloc(n_slots, sizeof(*p->slots));
	return p->slots != NULL ? 0 : -ENOMEM;
}

void pending_fini(struct pending *p)
{
	free(p->slots);
	p->slots = NULL;
}

uint64_t pending_next_id(const struct pending *p)
{
	return p->tag | p->next;
}

void pending_add(struct pending *p, uint64_t due_ns)
{
	p->slots[p->next & p->mask] = (struct pending_slot){due_ns, p->tag | p->next};
	p->next++;
}

bool pending_waits(const struct pending *p, uint64_t id, uint64_t *due_ns)
{
	const struct pending_slot *slot = &p->slots[pending_number(id) & p->mask];

	if (id == 0 || slot->id != id)
		return false;
	*due_ns = slot->due_ns;
	return true;
}

enum pending_answer pending_answer(struct pending *p, uint64_t id, uint64_t *due_ns)
{
	uint64_t number = pending_number(id);
	struct pending_slot *slot = &p->slots[number & p->mask];

	if ((id ^ number) != p->tag || number >= p->next)
		return PENDING_UNKNOWN;
	if (p->next - number > p->mask + 1)
		return PENDING_LATE;
	if (slot->id != id)
		return PENDING_AGAIN;
	slot->id = 0;
	*due_ns = slot->due_ns;
	return PENDING_FIRST;
}
