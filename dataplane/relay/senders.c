// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/relay/senders.h"

#include <errno.h>
#include <stdlib.h>

int senders_init(struct senders *s, uint32_t n)
{
	uint32_t n_buckets = 1;

	while (n_buckets < n)
		n_buckets *= 2;
	s->list = calloc(n, sizeof(*s->list));
	s->buckets = calloc(n_buckets, sizeof(*s->buckets));
	if (s->list == NULL || s->buckets == NULL)
		return -ENOMEM;
	s->n = n;
	s->bucket_mask = n_buckets - 1;
	for (uint32_t i = n; i-- > 0;) {
		s->list[i].next = s->free;
		s->free = i + 1;
	}
	return 0;
}

void senders_fini(struct senders *s)
{
	free(s->list);
	free(s->buckets);
}

// The hash is keyed, and of an accepted domain: nobody fills a bucket at will.
static uint32_t find(const struct senders *s, uint32_t hash, struct view name)
{
	uint32_t at = s->buckets[hash & s->bucket_mask];

	while (at != 0 && (s->list[at - 1].hash != hash || !view_equal(sender_name(s, at), name)))
		at = s->list[at - 1].next;
	return at;
}

uint32_t senders_get(struct senders *s, uint32_t hash, struct view name)
{
	uint32_t at = find(s, hash, name), *bucket = &s->buckets[hash & s->bucket_mask];
	struct sender *sender;

	if (at == 0) {
		at = s->free;
		if (at == 0 || name.len == 0 || name.len > SENDER_BYTES_MAX)
			return SENDER_LOST;
		sender = &s->list[at - 1];
		s->free = sender->next;
		sender->hash = hash;
		sender->next = *bucket;
		sender->len = (uint8_t)name.len;
		memcpy(sender->text, name.at, name.len);
		*bucket = at;
	}
	s->list[at - 1].n_users++;
	return at;
}

static void forget(struct senders *s, uint32_t index)
{
	struct sender *sender = &s->list[index - 1];
	uint32_t *at = &s->buckets[sender->hash & s->bucket_mask];

	while (*at != index)
		at = &s->list[*at - 1].next;
	*at = sender->next;
	sender->next = s->free;
	sender->len = 0;
	s->free = index;
}

void senders_put(struct senders *s, uint32_t sender)
{
	if (sender == SENDER_NONE || sender == SENDER_LOST)
		return;
	if (--s->list[sender - 1].n_users == 0)
		forget(s, sender);
}
