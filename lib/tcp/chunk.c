// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/chunk.h"

#include <string.h>

#define CACHE_LINE_BYTES 64

static size_t in_lines(size_t n_bytes)
{
	return (n_bytes + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES * CACHE_LINE_BYTES;
}

size_t tcp_chunks_memory_bytes(uint32_t n, uint16_t room)
{
	return in_lines(n * sizeof(struct tcp_chunk)) + n * in_lines(room);
}

void tcp_chunks_init(struct tcp_chunks *p, void *memory, uint32_t n, uint16_t room)
{
	*p = (struct tcp_chunks){
		.list = memory,
		.bytes = (uint8_t *)memory + in_lines(n * sizeof(struct tcp_chunk)),
		.stride = in_lines(room),
		.n = n,
		.room = room,
	};
}

// Those of the other use come before memory that was never touched.
static tcp_chunk_id take_free(struct tcp_chunks *p, enum tcp_chunk_use use)
{
	tcp_chunk_id *free = &p->free[use], id;

	if (*free == 0)
		free = &p->free[TCP_CHUNK_USES - 1 - use];
	id = *free;
	if (id != 0)
		*free = tcp_chunk_at(p, id)->next;
	else if (p->n_touched < p->n)
		id = ++p->n_touched;
	return id;
}

tcp_chunk_id tcp_chunk_get(struct tcp_chunks *p, enum tcp_chunk_use use)
{
	tcp_chunk_id id = take_free(p, use);

	if (id == 0)
		return 0;
	p->n_used++;
	memset(tcp_chunk_at(p, id), 0, sizeof(struct tcp_chunk));
	return id;
}

unsigned tcp_chunk_foresee(
	const struct tcp_chunks *p, enum tcp_chunk_use use, tcp_chunk_id ids[], unsigned n)
{
	struct tcp_chunks after = *p;
	unsigned i = 0;

	while (i < n && (ids[i] = take_free(&after, use)) != 0)
		i++;
	return i;
}

void tcp_chunk_put(struct tcp_chunks *p, tcp_chunk_id id, enum tcp_chunk_use use)
{
	tcp_chunk_at(p, id)->next = p->free[use];
	p->free[use] = id;
	p->n_used--;
}

void tcp_chunk_put_all(struct tcp_chunks *p, tcp_chunk_id first, enum tcp_chunk_use use)
{
	while (first != 0) {
		tcp_chunk_id next = tcp_chunk_at(p, first)->next;

		tcp_chunk_put(p, first, use);
		first = next;
	}
}
