// SPDX-License-Identifier: BSD-3-Clause

#include "control/policy/buffer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 64

void *buffer_add(struct buffer *b, size_t n_items, size_t item_bytes)
{
	uint8_t *added;

	if (n_items > b->room - b->n) {
		size_t room = b->room > 0 ? b->room : FIRST_ROOM;
		void *items;

		while (room - b->n < n_items)
			room *= 2;
		items = reallocarray(b->items, room, item_bytes);
		if (items == NULL)
			return NULL;
		b->items = items;
		b->room = room;
	}
	added = (uint8_t *)b->items + b->n * item_bytes;
	memset(added, 0, n_items * item_bytes);
	b->n += n_items;
	return added;
}

void buffer_free(struct buffer *b)
{
	free(b->items);
	*b = (struct buffer){0};
}
