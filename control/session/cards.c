// SPDX-License-Identifier: BSD-3-Clause

#include "control/session/table.h"

#include "lib/policy/mix.h"

#include <stdlib.h>

bool session_cards_init(struct session_cards *c, uint32_t n_max, uint64_t seed)
{
	uint32_t n_buckets = 1;

	while (n_buckets < n_max && n_buckets < 1u << 16)
		n_buckets *= 2;
	*c = (struct session_cards){.seed = seed, .bucket_mask = n_buckets - 1};
	TAILQ_INIT(&c->all);
	c->buckets = calloc(n_buckets, sizeof(struct session_card *));
	return c->buckets != NULL;
}

static struct session_card **bucket_of(const struct session_cards *c, uint64_t name)
{
	return &c->buckets[mix_multiply(name ^ c->seed, 0x9e3779b97f4a7c15) & c->bucket_mask];
}

struct session_card *session_cards_find(const struct session_cards *c, uint64_t name)
{
	struct session_card *card = *bucket_of(c, name);

	while (card != NULL && card->name != name)
		card = card->next_in_bucket;
	return card;
}

static struct session_card *add(struct session_cards *c, uint64_t name)
{
	struct session_card **bucket = bucket_of(c, name), *card = calloc(1, sizeof(*card));

	if (card == NULL)
		return NULL;
	card->name = name;
	card->next_in_bucket = *bucket;
	*bucket = card;
	TAILQ_INIT(&card->sessions);
	TAILQ_INSERT_HEAD(&c->all, card, in_all);
	c->n_unknown++;
	return card;
}

static void del(struct session_cards *c, struct session_card *card)
{
	struct session_card **at = bucket_of(c, card->name);

	while (*at != card)
		at = &(*at)->next_in_bucket;
	*at = card->next_in_bucket;
	TAILQ_REMOVE(&c->all, card, in_all);
	c->n_unknown -= !card->is_known;
	free(card);
}

void session_cards_fini(struct session_cards *c)
{
	struct session_card *card;

	if (c->buckets == NULL)
		return;
	while ((card = TAILQ_FIRST(&c->all)) != NULL)
		del(c, card);
	free(c->buckets);
	*c = (struct session_cards){0};
}

void session_cards_learn(struct session_cards *c, struct session_card *card, const struct card *is)
{
	if (card->is_known)
		return;
	card->is = *is;
	card->is_known = true;
	c->n_unknown--;
	TAILQ_REMOVE(&c->all, card, in_all);
	TAILQ_INSERT_TAIL(&c->all, card, in_all);
}

struct session_card *session_cards_get(
	struct session_cards *c, uint64_t name, const struct card *is, struct session *se)
{
	struct session_card *card = session_cards_find(c, name);

	if (card != NULL && card->is_known && is != NULL && memcmp(&card->is, is, sizeof(*is)) != 0)
		return NULL;
	if (card == NULL)
		card = add(c, name);
	if (card == NULL)
		return NULL;
	if (is != NULL)
		session_cards_learn(c, card, is);
	card->n_sessions++;
	TAILQ_INSERT_TAIL(&card->sessions, se, in_card);
	se->card = card;
	return card;
}

void session_cards_put(struct session_cards *c, struct session *se)
{
	struct session_card *card = se->card;

	if (card == NULL)
		return;
	se->card = NULL;
	TAILQ_REMOVE(&card->sessions, se, in_card);
	if (--card->n_sessions == 0)
		del(c, card);
}
