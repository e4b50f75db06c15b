// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/limit.h"

#define PREFIX_BYTES 8 // of IPv6; RFC 4291 §2.5.4: the rest names an interface

struct place {
	uint64_t address;
	uint16_t listener;
	uint8_t family;
};

static uint32_t n_buckets(uint32_t n)
{
	uint32_t n_wanted = 1;

	while (n_wanted < n)
		n_wanted *= 2;
	return n_wanted;
}

size_t tcp_limits_memory_bytes(uint32_t n)
{
	if (n == 0)
		return 0;
	return n * sizeof(struct tcp_limit_source) + n_buckets(n) * sizeof(uint32_t);
}

void tcp_limits_init(struct tcp_limits *l, void *memory, uint32_t n, const struct siphash_key *key)
{
	*l = (struct tcp_limits){.key = *key, .n = n};
	if (n == 0)
		return;
	l->sources = memory;
	l->buckets = (uint32_t *)(l->sources + n);
	l->bucket_mask = n_buckets(n) - 1;
	for (uint32_t i = n; i-- > 0;) {
		l->sources[i].next = l->free;
		l->free = i + 1;
	}
}

// The first bytes of an IPv4 address are all of it: the others are zero.
static struct place place_of(uint16_t listener, const struct ip_addr *ip)
{
	struct place p = {.listener = listener, .family = ip->family};

	_Static_assert(sizeof(p.address) == PREFIX_BYTES, "a prefix is a word");
	memcpy(&p.address, ip->bytes, PREFIX_BYTES);
	return p;
}

static uint32_t *bucket_of(const struct tcp_limits *l, const struct place *p)
{
	const uint64_t words[2] = {p->address, (uint64_t)p->listener << 8 | p->family};

	return &l->buckets[siphash(&l->key, words, sizeof(words)) & l->bucket_mask];
}

// Where the index of its source stands; of 0 where there is none.
static uint32_t *find(const struct tcp_limits *l, const struct place *p)
{
	uint32_t *at = bucket_of(l, p);

	while (*at != 0) {
		const struct tcp_limit_source *s = &l->sources[*at - 1];

		if (s->address == p->address && s->listener == p->listener &&
			s->family == p->family)
			break;
		at = &l->sources[*at - 1].next;
	}
	return at;
}

uint32_t tcp_limits_of(const struct tcp_limits *l, uint16_t listener, const struct ip_addr *ip)
{
	struct place p = place_of(listener, ip);
	uint32_t index = l->n > 0 ? *find(l, &p) : 0;

	return index != 0 ? l->sources[index - 1].n_conns : 0;
}

void tcp_limits_add(struct tcp_limits *l, uint16_t listener, const struct ip_addr *ip)
{
	struct place p = place_of(listener, ip);
	uint32_t *at = l->n > 0 ? find(l, &p) : NULL, index;

	if (at == NULL || (*at == 0 && l->free == 0))
		return;
	if (*at == 0) {
		index = l->free;
		l->free = l->sources[index - 1].next;
		l->sources[index - 1] = (struct tcp_limit_source){
			.address = p.address, .listener = p.listener, .family = p.family};
		*at = index;
	}
	l->sources[*at - 1].n_conns++;
}

void tcp_limits_del(struct tcp_limits *l, uint16_t listener, const struct ip_addr *ip)
{
	struct place p = place_of(listener, ip);
	uint32_t *at = l->n > 0 ? find(l, &p) : NULL, index;

	if (at == NULL || *at == 0 || --l->sources[*at - 1].n_conns > 0)
		return;
	index = *at;
	*at = l->sources[index - 1].next;
	l->sources[index - 1].next = l->free;
	l->free = index;
}
