// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/chunk.h"

#include <string.h>

#define CACHE_LINE_BYTES 64

static size_t stride_of(uint16_t room)
{
	size_t n_bytes = sizeof(struct tcp_chunk) + room;

	return (n_bytes + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES * CACHE_LINE_BYTES;
}

size_t tcp_chunks_memory_bytes(uint32_t n, uint16_t room)
{
	return n * stride_of(room);
}

void tcp_chunks_init(struct tcp_chunks *p, void *memory, uint32_t n, uint16_t room)
{
	*p = (struct tcp_chunks){.memory = memory, .stride = stride_of(room), .n = n, .room = room};
}

tcp_chunk_id tcp_chunk_get(struct tcp_chunks *p)
{
	tcp_chunk_id id = p->free;
	struct tcp_chunk *chunk;

	if (id == 0) {
		if (p->n_touched == p->n)
			return 0;
		id = ++p->n_touched;
		chunk = tcp_chunk_at(p, id);
	} else {
		chunk = tcp_chunk_at(p, id);
		p->free = chunk->next;
	}
	p->n_used++;
	memset(chunk, 0, sizeof(*chunk));
	return id;
}

void tcp_chunk_put(struct tcp_chunks *p, tcp_chunk_id id)
{
	tcp_chunk_at(p, id)->next = p->free;
	p->free = id;
	p->n_used--;
}

void tcp_chunk_put_all(struct tcp_chunks *p, tcp_chunk_id first)
{
	while (first != 0) {
		tcp_chunk_id next = tcp_chunk_at(p, first)->next;

		tcp_chunk_put(p, first);
		first = next;
	}
}
