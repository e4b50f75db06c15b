// SPDX-License-Identifier: BSD-3-Clause
// Single-producer single-consumer ring of messages in slots of one size, in memory that the other
// process can scribble on.
//
// Each side keeps its own index, the mask and the last index it believed of the other in private
// memory (struct link_producer, struct link_consumer); of the segment it trusts nothing but that
// reading it does not fault. An index that claims more than the ring holds is an error of the
// peer, reported once and for all: the attachment is then dropped.

#pragma once

#include "lib/link/message.h"

#include <stdatomic.h>
#include <stddef.h>

#define LINK_SLOTS      1024 // a power of two
#define LINK_SLOTS_MASK (LINK_SLOTS - 1)
// Slots that ordinary messages leave free for link_push_reserved(): closing and alert events.
#define LINK_SLOTS_RESERVED 64

// In the segment.
struct link_slot {
	_Alignas(64) struct link_message message;
};

struct link_ring {
	_Alignas(64) _Atomic uint32_t head; // producer: wo, consumer: ro
	_Alignas(64) _Atomic uint32_t tail; // consumer: wo, producer: ro
	struct link_slot
		slots[LINK_SLOTS]; // producer: wo, consumer: ro, but for secrets, which it wipes
};

struct link_segment {
	struct link_ring to_worker;
	struct link_ring to_control;
};

#define LINK_SEGMENT_BYTES sizeof(struct link_segment)

struct link_producer {
	struct link_ring *ring;
	uint32_t head;
	uint32_t tail_seen;
	bool broken; // by the peer: every later push says so
};

struct link_consumer {
	struct link_ring *ring;
	uint32_t tail;
	uint32_t head_seen;
	bool broken; // by the peer: every later pop says so
};

// Both ends start at zero on a fresh, zeroed segment.
void link_producer_init(struct link_producer *p, struct link_ring *ring);
void link_consumer_init(struct link_consumer *c, struct link_ring *ring);

// Copies m->n_bytes. 0 and the message is the consumer's; -ENOSPC, nothing changed; -EPROTO, the
// peer broke the ring; -EINVAL, n_bytes is no message's.
int link_push(struct link_producer *p, const struct link_message *m);
int link_push_reserved(struct link_producer *p, const struct link_message *m);

// Copies up to n messages out, of each its n_bytes and nothing behind them. How many, 0 for none,
// or -EPROTO.
int link_pop(struct link_consumer *c, struct link_message out[], unsigned n);

// Creates a segment: memfd, sized, zeroed, sealed SHRINK|GROW|SEAL, mapped and locked where the
// limits allow. The descriptor (to be passed on and closed) or -errno; *segment is mapped.
int link_segment_create(struct link_segment **segment);
// Maps a segment received from the peer after checking its size and seals. 0 or -errno.
int link_segment_map(int fd, struct link_segment **segment);
void link_segment_unmap(struct link_segment *segment);
