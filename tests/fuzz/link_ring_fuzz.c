// SPDX-License-Identifier: BSD-3-Clause
// A peer that writes what it likes into the segment: the input is its program, one step of nine
// bytes after the other, between the honest side's pushes and pops.

#include "lib/link/message.h"
#include "lib/link/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define EPOCH 1

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct honest {
	struct link_segment *segment;
	struct link_producer out;
	struct link_consumer in;
	bool out_broken, in_broken;
};

static void require(bool holds)
{
	if (!holds)
		abort();
}

// All zero again, at the cost of the pages that were touched.
static struct link_segment *fresh_segment(void)
{
	static void *at;

	if (at == NULL)
		at = mmap(NULL, LINK_SEGMENT_BYTES, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(at != MAP_FAILED);
	require(madvise(at, LINK_SEGMENT_BYTES, MADV_DONTNEED) == 0);
	return at;
}

static void pop(struct honest *h, unsigned n)
{
	struct link_message m[16];
	int got = link_pop(&h->in, m, n);

	require(got <= (int)n && (got >= 0 || got == -EPROTO));
	require(!h->in_broken || got == -EPROTO);
	h->in_broken = got == -EPROTO;
	for (int i = 0; i < got; i++) {
		require(m[i].n_bytes >= LINK_HEADER_BYTES && m[i].n_bytes <= LINK_SLOT_BYTES);
		if (link_message_check(&m[i], LINK_TO_WORKER, EPOCH) == NULL)
			require(m[i].epoch == EPOCH && m[i].type < LINK_N);
	}
}

static void push(struct honest *h, bool reserved)
{
	struct link_message m;
	int error;

	link_message_init(&m, LINK_PONG);
	m.epoch = EPOCH;
	error = reserved ? link_push_reserved(&h->out, &m) : link_push(&h->out, &m);
	require(error == 0 || error == -ENOSPC || error == -EPROTO);
	require(!h->out_broken || error == -EPROTO);
	h->out_broken = error == -EPROTO;
}

static void step(struct honest *h, uint8_t what, uint32_t at, uint32_t value)
{
	struct link_segment *s = h->segment;
	uint32_t next;

	switch (what % 8) {
	case 0:
		pop(h, at % 17);
		break;
	case 1:
		for (uint32_t i = 0; i <= at % LINK_SLOTS; i++)
			push(h, value & 1);
		break;
	case 2:
		atomic_store(&s->to_worker.head, value);
		break;
	case 3:
		atomic_store(&s->to_control.tail, value);
		break;
	case 4:
		atomic_fetch_add(&s->to_worker.head, value % 32);
		break;
	case 5:
		atomic_fetch_add(&s->to_control.tail, value % 32);
		break;
	case 6: // the slot that the honest side reads next
		next = h->in.tail & LINK_SLOTS_MASK;
		memcpy((uint8_t *)&s->to_worker.slots[next] + at % (LINK_SLOT_BYTES - 3), &value,
			4);
		break;
	default:
		memcpy((uint8_t *)s + at % (sizeof(*s) - 4), &value, 4);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct honest h = {.segment = fresh_segment()};

	link_producer_init(&h.out, &h.segment->to_control);
	link_consumer_init(&h.in, &h.segment->to_worker);
	for (; size >= 9; data += 9, size -= 9) {
		uint32_t at, value;

		memcpy(&at, data + 1, 4);
		memcpy(&value, data + 5, 4);
		step(&h, data[0], at, value);
	}
	return 0;
}
