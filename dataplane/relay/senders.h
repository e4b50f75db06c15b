// SPDX-License-Identifier: BSD-3-Clause
// The domains that the connections of a worker have last been accepted for: each name once, for as
// long as a connection has it. So that an idle connection, which remembers four bytes, can be
// judged again by another policy.
//
// Thread: one worker's. No allocation after senders_init().

#pragma once

#include "lib/base/view.h"

#define SENDER_NONE 0
// One that there was no place for: nobody can say who it is.
#define SENDER_LOST UINT32_MAX

#define SENDER_BYTES_MAX 253

struct sender {
	uint32_t hash;
	uint32_t next; // of its bucket, or the free list; index + 1
	uint32_t n_users;
	uint8_t len; // 0: free
	uint8_t text[SENDER_BYTES_MAX];
};

struct senders {
	struct sender *list;
	uint32_t *buckets; // index + 1
	uint32_t n, bucket_mask, free;
};

// n: names at once. 0 or -ENOMEM.
int senders_init(struct senders *s, uint32_t n);
void senders_fini(struct senders *s);

// For one more connection: the sender of that name, which has this hash. SENDER_LOST where there is
// no place, or the name is longer than SENDER_BYTES_MAX.
uint32_t senders_get(struct senders *s, uint32_t hash, struct view name);
// A connection has it no more; NONE and LOST may be given back too.
void senders_put(struct senders *s, uint32_t sender);

// Of one that is in use.
static inline struct view sender_name(const struct senders *s, uint32_t sender)
{
	return view_of(s->list[sender - 1].text, s->list[sender - 1].len);
}

static inline bool sender_is(const struct senders *s, uint32_t sender, uint32_t hash)
{
	return sender != SENDER_NONE && sender != SENDER_LOST && s->list[sender - 1].hash == hash;
}
