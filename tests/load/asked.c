// SPDX-License-Identifier: BSD-3-Clause

#include "tests/load/asked.h"

#include <errno.h>
#include <stdlib.h>

int asked_init(struct asked *p, uint32_t n_slots, uint16_t tag)
{
	*p = (struct asked){.mask = n_slots - 1, .tag = (uint64_t)tag << (64 - ASKED_TAG_BITS)};
	p->slots = calloc(n_slots, sizeof(*p->slots));
	return p->slots != NULL ? 0 : -ENOMEM;
}

void asked_fini(struct asked *p)
{
	free(p->slots);
	p->slots = NULL;
}

uint64_t asked_next_id(const struct asked *p)
{
	return p->tag | p->next;
}

void asked_add(struct asked *p, uint64_t due_ns)
{
	p->slots[p->next & p->mask] = (struct asked_slot){due_ns, p->tag | p->next};
	p->next++;
}

bool asked_waits(const struct asked *p, uint64_t id, uint64_t *due_ns)
{
	const struct asked_slot *slot = &p->slots[asked_number(id) & p->mask];

	if (id == 0 || slot->id != id)
		return false;
	*due_ns = slot->due_ns;
	return true;
}

enum asked_answer asked_answer(struct asked *p, uint64_t id, uint64_t *due_ns)
{
	uint64_t number = asked_number(id);
	struct asked_slot *slot = &p->slots[number & p->mask];

	if ((id ^ number) != p->tag || number >= p->next)
		return ASKED_UNKNOWN;
	if (p->next - number > p->mask + 1)
		return ASKED_LATE;
	if (slot->id != id)
		return ASKED_AGAIN;
	slot->id = 0;
	*due_ns = slot->due_ns;
	return ASKED_FIRST;
}
