// SPDX-License-Identifier: BSD-3-Clause
// Buffer memory of all connections: chunks of one size from one pool, last freed first used. A
// chunk in a receive queue holds bytes of the peer; one in a send queue is one segment, as it was
// or will be sent (until the segment size shrinks), with what loss recovery needs to know of it.
// Bytes are copied in and out, so no packet is held after the call that brought it.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Index + 1 of a chunk; 0: none.
typedef uint32_t tcp_chunk_id;

enum tcp_chunk_flag {
	TCP_CHUNK_SENT = 1,
	TCP_CHUNK_SACKED = 2,
	TCP_CHUNK_LOST = 4,          // and not sent again since
	TCP_CHUNK_RETRANSMITTED = 8, // at least once: its ACK is no RTT sample (RFC 6298 §3)
};

struct tcp_chunk {
	tcp_chunk_id next; // in its queue, or the free list
	uint32_t seq;      // of the first byte
	uint32_t sent_us;  // last time
	uint16_t from;     // first byte of use in bytes
	uint16_t len;
	uint8_t flags; // of enum tcp_chunk_flag, of a send queue
	uint8_t zero[3];
	uint8_t bytes[]; // tcp_config.chunk_bytes
};

struct tcp_chunks {
	uint8_t *memory;
	size_t stride;
	uint32_t n, n_used;
	uint32_t n_touched; // the first ones: the others were never given out
	uint16_t room;      // bytes a chunk
	tcp_chunk_id free;
};

// A chunk begins at a cache line: room wastes nothing where sizeof(struct tcp_chunk) + room is a
// multiple of 64.
size_t tcp_chunks_memory_bytes(uint32_t n, uint16_t room);
// memory: aligned to 64. It is first touched when a chunk is first given out, so that memory that
// is never needed stays out of the caches.
void tcp_chunks_init(struct tcp_chunks *p, void *memory, uint32_t n, uint16_t room);

// Empty, without a successor; 0 when all are in use.
tcp_chunk_id tcp_chunk_get(struct tcp_chunks *p);
void tcp_chunk_put(struct tcp_chunks *p, tcp_chunk_id id);
// A whole queue, from its first to the one without a successor. first may be 0.
void tcp_chunk_put_all(struct tcp_chunks *p, tcp_chunk_id first);

static inline struct tcp_chunk *tcp_chunk_at(const struct tcp_chunks *p, tcp_chunk_id id)
{
	return (struct tcp_chunk *)(p->memory + (size_t)(id - 1) * p->stride);
}
