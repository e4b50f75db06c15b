// SPDX-License-Identifier: BSD-3-Clause
// Buffer memory of all connections: chunks of one size from one pool, last freed first used. A
// chunk in a receive queue holds bytes of the peer; one in a send queue is one segment, as it was
// or will be sent (until the segment size shrinks), with what loss recovery needs to know of it.
// Bytes are copied in and out, so no packet is held after the call that brought it.
//
// What is known of chunks lies apart from their bytes, in a few cache lines: queues are walked and
// freed without a look at memory that has gone cold. And what a receive queue gives back is what
// the next one gets, for it is still in the cache; what was sent has gone cold until its ACK.

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

enum tcp_chunk_use {
	TCP_CHUNK_RECEIVES,
	TCP_CHUNK_SENDS,
	TCP_CHUNK_USES,
};

struct tcp_chunk {
	tcp_chunk_id next; // in its queue, or the free list
	uint32_t seq;      // of the first byte
	uint32_t sent_us;  // last time
	uint16_t from;     // first byte of use in bytes
	uint16_t len;
	uint8_t flags; // of enum tcp_chunk_flag, of a send queue
	uint8_t zero[3];
};

struct tcp_chunks {
	struct tcp_chunk *list;
	uint8_t *bytes;
	size_t stride; // of bytes
	uint32_t n, n_used;
	uint32_t n_touched;                // the first ones: the others were never given out
	uint16_t room;                     // bytes a chunk: tcp_config.chunk_bytes
	tcp_chunk_id free[TCP_CHUNK_USES]; // by what they were used for
};

// Bytes begin at a cache line: room wastes nothing where it is a multiple of 64.
size_t tcp_chunks_memory_bytes(uint32_t n, uint16_t room);
// memory: aligned to 64. It is first touched when a chunk is first given out, so that memory that
// is never needed stays out of the caches.
void tcp_chunks_init(struct tcp_chunks *p, void *memory, uint32_t n, uint16_t room);

// Empty, without a successor; 0 when all are in use.
tcp_chunk_id tcp_chunk_get(struct tcp_chunks *p, enum tcp_chunk_use use);
// The ids that the next n calls with this use would give, as many as there are.
unsigned tcp_chunk_foresee(
	const struct tcp_chunks *p, enum tcp_chunk_use use, tcp_chunk_id ids[], unsigned n);
// use: what it was got for; else the next of the other kind is a cold one.
void tcp_chunk_put(struct tcp_chunks *p, tcp_chunk_id id, enum tcp_chunk_use use);
// A whole queue, from its first to the one without a successor. first may be 0.
void tcp_chunk_put_all(struct tcp_chunks *p, tcp_chunk_id first, enum tcp_chunk_use use);

static inline struct tcp_chunk *tcp_chunk_at(const struct tcp_chunks *p, tcp_chunk_id id)
{
	return &p->list[id - 1];
}

// Room for p->room of them.
static inline uint8_t *tcp_chunk_bytes(const struct tcp_chunks *p, tcp_chunk_id id)
{
	return p->bytes + (size_t)(id - 1) * p->stride;
}

// So much of the room from a byte on is written to soon. By pairs of lines: one too many does no
// harm.
static inline void tcp_chunk_prefetch(
	const struct tcp_chunks *p, tcp_chunk_id id, uint32_t from, uint32_t n_bytes)
{
	const uint8_t *at = tcp_chunk_bytes(p, id) + from, *end;

	for (end = at + (from + n_bytes < p->room ? n_bytes : p->room - from); at < end;
		at += 128) {
		__builtin_prefetch(at, 1);
		__builtin_prefetch(at + 64, 1);
	}
}

// The first byte in use, and what follows.
static inline uint8_t *tcp_chunk_from(const struct tcp_chunks *p, tcp_chunk_id id)
{
	return tcp_chunk_bytes(p, id) + tcp_chunk_at(p, id)->from;
}
