// SPDX-License-Identifier: BSD-3-Clause
// A peer that writes what it likes into the segment: the input is its program, one step of nine
// bytes after the other, between the honest side's pushes and pops.

#include "lib/link/message.h"
#include "lib/link/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define EPOCH 1

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct link_segment segment;

struct honest {
	struct link_producer out;
	struct link_consumer in;
	bool out_broken, in_broken;
};

static void require(bool holds)
{
	if (!holds)
		abort();
}

// What a worker relies on in a message that passed.
static void require_honest(const struct link_message *m)
{
	const struct link_target *t = &m->target_open.target;

	require(m->epoch == EPOCH);
	if (m->type == LINK_PING)
		return;
	require(m->type == LINK_TARGET_OPEN || m->type == LINK_TARGET_REFUSED);
	require(t->remote.ip.family == IP_V4 || t->remote.ip.family == IP_V6);
	require(t->remote.transport == TRANSPORT_TCP && t->remote.port != 0);
	require(t->listener < LINK_TARGET_LISTENERS && t->slot < LINK_TARGET_SLOTS);
	if (m->type == LINK_TARGET_REFUSED)
		require(m->target_refused.retry_ms >= 1 &&
			m->target_refused.retry_ms <= LINK_TARGET_RETRY_MS_MAX);
}

static void pop(struct honest *h, unsigned n)
{
	struct link_message m[16];
	int got = link_pop(&h->in, m, n);

	require(got <= (int)n && (got >= 0 || got == -EPROTO));
	require(!h->in_broken || got == -EPROTO);
	h->in_broken = got == -EPROTO;
	for (int i = 0; i < got; i++) {
		if (link_message_check(&m[i], LINK_TO_WORKER, EPOCH) == NULL)
			require_honest(&m[i]);
	}
}

static void push(struct honest *h, bool reserved)
{
	struct link_message m = {.type = LINK_PONG, .epoch = EPOCH};
	int error = reserved ? link_push_reserved(&h->out, &m) : link_push(&h->out, &m);

	require(error == 0 || error == -ENOSPC || error == -EPROTO);
	require(!h->out_broken || error == -EPROTO);
	h->out_broken = error == -EPROTO;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct honest h = {0};

	memset(&segment, 0, sizeof(segment));
	link_producer_init(&h.out, &segment.to_control);
	link_consumer_init(&h.in, &segment.to_worker);
	for (; size >= 9; data += 9, size -= 9) {
		uint32_t at, value;

		memcpy(&at, data + 1, 4);
		memcpy(&value, data + 5, 4);
		switch (data[0] % 7) {
		case 0:
			pop(&h, at % 17);
			break;
		case 1:
			for (uint32_t i = 0; i <= at % LINK_SLOTS; i++)
				push(&h, value & 1);
			break;
		case 2:
			atomic_store(&segment.to_worker.head, value);
			break;
		case 3:
			atomic_store(&segment.to_control.tail, value);
			break;
		case 4:
			atomic_fetch_add(&segment.to_worker.head, value % 32);
			break;
		case 5:
			atomic_fetch_add(&segment.to_control.tail, value % 32);
			break;
		default:
			memcpy((uint8_t *)&segment + at % (sizeof(segment) - 4), &value, 4);
			break;
		}
	}
	return 0;
}
