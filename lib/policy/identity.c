// SPDX-License-Identifier: BSD-3-Clause

#include "lib/policy/identity.h"

#include "lib/policy/domain.h"

_Static_assert(CARD_FINGERPRINT_BYTES == IMAGE_FINGERPRINT_BYTES, "one digest");

static bool proves_domain(const struct card *card, struct view domain)
{
	struct domain canonical;

	// The names of a card are canonical: mostly the text as it stands is one of them.
	if (card_proves(card, domain))
		return true;
	return domain_canonical(domain, &canonical) == 0 &&
		card_proves(card, view_of(canonical.text, canonical.len));
}

static bool proves_host(
	const struct image *image, const struct image_peer *peer, const struct card *card)
{
	for (uint32_t i = 0; i < peer->n_identities; i++) {
		if (card_names(card, image_host(image, peer, i)))
			return true;
	}
	return false;
}

static bool proves_fingerprint(
	const struct image *image, const struct image_peer *peer, const struct card *card)
{
	for (uint32_t i = 0; i < peer->n_identities; i++) {
		if (memcmp(card->fingerprint, image_fingerprint(image, peer, i),
			    CARD_FINGERPRINT_BYTES) == 0)
			return true;
	}
	return false;
}

bool identity_proves(const struct image *image, const struct image_peer *peer,
	const struct card *card, struct view domain)
{
	switch ((enum image_identity)peer->identity) {
	case IMAGE_IDENTITY_DOMAIN:
		return card->trusted == 1 && proves_domain(card, domain);
	case IMAGE_IDENTITY_HOST:
		return card->trusted == 1 && proves_host(image, peer, card);
	case IMAGE_IDENTITY_FINGERPRINT:
		return proves_fingerprint(image, peer, card);
	case IMAGE_IDENTITY_N:
		break;
	}
	return false;
}
