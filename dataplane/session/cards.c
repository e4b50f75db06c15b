// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/session/cards.h"

#include <errno.h>
#include <stdlib.h>

struct entry {
	uint64_t name; // 0: free
	uint64_t serial;
	uint32_t n_sessions;
	uint32_t next; // of its bucket; number, 0: none
	struct card card;
};

struct cards {
	uint32_t n, n_used; // of entries, those in use
	uint64_t last_serial;
	uint32_t hand; // where the search for one to give way goes on
	uint32_t bucket_mask;
	uint32_t *buckets; // numbers: index + 1
	struct entry *entries;
};

static uint32_t buckets_for(uint32_t n)
{
	uint32_t n_buckets = 1;

	while (n_buckets < n)
		n_buckets *= 2;
	return n_buckets;
}

struct cards *cards_new(uint32_t n)
{
	struct cards *c;

	if (n == 0 || n > 1 << 24) {
		errno = EINVAL;
		return NULL;
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return NULL;
	c->n = n;
	c->bucket_mask = buckets_for(n) - 1;
	c->buckets = calloc((size_t)c->bucket_mask + 1, sizeof(*c->buckets));
	c->entries = calloc(n, sizeof(*c->entries));
	if (c->buckets == NULL || c->entries == NULL) {
		cards_free(c);
		errno = ENOMEM;
		return NULL;
	}
	return c;
}

void cards_free(struct cards *c)
{
	if (c == NULL)
		return;
	free(c->buckets);
	free(c->entries);
	free(c);
}

// Names are digests: any of their bits will do.
static uint32_t *bucket_of(const struct cards *c, uint64_t name)
{
	return &c->buckets[name & c->bucket_mask];
}

static uint32_t find(const struct cards *c, uint64_t name)
{
	uint32_t number = *bucket_of(c, name);

	while (number != 0 && c->entries[number - 1].name != name)
		number = c->entries[number - 1].next;
	return number;
}

static void leave_bucket(struct cards *c, uint32_t number)
{
	uint32_t *at = bucket_of(c, c->entries[number - 1].name);

	while (*at != number)
		at = &c->entries[*at - 1].next;
	*at = c->entries[number - 1].next;
}

// One that no session has, the longest looked at first; 0: each is a session's.
static uint32_t give_way(struct cards *c)
{
	for (uint32_t i = 0; i < c->n; i++) {
		uint32_t number = c->hand + 1;

		c->hand = number % c->n;
		if (c->entries[number - 1].n_sessions == 0) {
			leave_bucket(c, number);
			return number;
		}
	}
	return 0;
}

int cards_add(struct cards *c, uint64_t name, const struct card *card)
{
	uint32_t number = find(c, name), *bucket = bucket_of(c, name);

	if (number != 0)
		return memcmp(&c->entries[number - 1].card, card, sizeof(*card)) == 0 ? 0 : -EEXIST;
	number = c->n_used < c->n ? ++c->n_used : give_way(c);
	if (number == 0)
		return -ENOBUFS;
	c->entries[number - 1] = (struct entry){
		.name = name, .serial = ++c->last_serial, .next = *bucket, .card = *card};
	*bucket = number;
	return 0;
}

uint32_t cards_get(struct cards *c, uint64_t name)
{
	uint32_t number = find(c, name);

	if (number != 0)
		c->entries[number - 1].n_sessions++;
	return number;
}

void cards_put(struct cards *c, uint32_t number)
{
	if (number != 0)
		c->entries[number - 1].n_sessions--;
}

const struct card *cards_at(const struct cards *c, uint32_t number)
{
	return &c->entries[number - 1].card;
}

uint64_t cards_name(const struct cards *c, uint32_t number)
{
	return c->entries[number - 1].name;
}

uint64_t cards_serial(const struct cards *c, uint32_t number)
{
	return c->entries[number - 1].serial;
}

const struct card *cards_find(const struct cards *c, uint64_t name)
{
	uint32_t number = find(c, name);

	return number != 0 ? cards_at(c, number) : NULL;
}

uint32_t cards_count(const struct cards *c)
{
	return c->n_used;
}
