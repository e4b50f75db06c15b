// SPDX-License-Identifier: BSD-3-Clause
// Whether the other end of a connection is who a message says (FEATURES T2; RFC 5922 §7): what it
// has proved, against what the policy asks of the peer. Pure; any thread; bounded by
// IMAGE_IDENTITIES_MAX times CARD_NAMES_MAX comparisons.

#pragma once

#include "lib/policy/card.h"
#include "lib/policy/image.h"

// domain: one of the peer's, in any spelling: of a request that came by the connection, the
// sender's; of one that is to leave by it, the one that it is for. Names count only on a card that
// is trusted, whole, without wildcards or sub-domains; a fingerprint on any.
bool identity_proves(const struct image *image, const struct image_peer *peer,
	const struct card *card, struct view domain);
