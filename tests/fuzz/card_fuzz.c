// SPDX-License-Identifier: BSD-3-Clause
// An identity card that somebody else made: what passes is safe to read, and one that is made of
// the same parts is the same.

#include "lib/policy/card.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static struct view part(const struct card *c, struct card_text text)
{
	struct view v = card_view(c, text);

	require(v.at >= c->text && v.at + v.len <= c->text + c->text_bytes);
	return v;
}

static void build_again(const struct card *c)
{
	struct card again;

	// Longer ones are no card_init()'s.
	if (c->subject.len > CARD_SUBJECT_BYTES_MAX || c->issuer.len > CARD_ISSUER_BYTES_MAX ||
		c->serial.len > CARD_SERIAL_BYTES_MAX)
		return;
	card_init(&again, c->fingerprint, part(c, c->subject), part(c, c->issuer),
		part(c, c->serial));
	again.trusted = c->trusted;
	again.usages = c->usages;
	again.n_left_out = c->n_left_out;
	for (unsigned i = 0; i < c->n_names; i++)
		require(card_add_name(
				&again, part(c, c->names[i]), (enum card_proof)c->proofs[i]) == 0);
	require(memcmp(&again, c, sizeof(again)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct card *c = malloc(sizeof(*c));

	require(c != NULL);
	memset(c, 0, sizeof(*c));
	memcpy(c, data, size < sizeof(*c) ? size : sizeof(*c));
	if (card_check(c) == NULL) {
		for (unsigned i = 0; i < c->n_names; i++)
			require(card_names(c, part(c, c->names[i])) &&
				card_proves(c, part(c, c->names[i])) == card_name_is_domain(c, i));
		require(!card_names(c, VIEW("*.example")));
		build_again(c);
	}
	free(c);
	return 0;
}
