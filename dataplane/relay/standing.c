// SPDX-License-Identifier: BSD-3-Clause
// What a policy says of connections that were there before it.

#include "dataplane/relay/job.h"
#include "lib/policy/identity.h"

enum reason relay_judge_sender(struct relay *r, uint16_t listener, struct view sender,
	const struct ip_addr *source, const struct card *card)
{
	const struct policy_query query = {
		.from = sender,
		.side = r->self.list[listener].side,
		.source = *source,
		.card = card,
	};

	if (r->self.list[listener].local.transport == TRANSPORT_TLS && card == NULL &&
		query.side == SIDE_OUTSIDE)
		return REASON_identity_unproved;
	return r->decider != NULL ? policy_judge_sender(r->decider, &query) : REASON_no_policy;
}

bool relay_blocks(struct relay *r, const struct card *card)
{
	unsigned n_domains = 0;

	for (unsigned i = 0; i < card->n_names && r->decider != NULL; i++) {
		struct match match;

		if (!card_name_is_domain(card, i))
			continue;
		n_domains++;
		if (!policy_blocks(r->decider, card_view(card, card->names[i]), &match))
			return false;
	}
	return n_domains > 0;
}

// Whether DNS finds that domain's servers for the policy, under this key.
static bool is_found(const struct relay *r, const struct endpoint *to, struct view domain)
{
	const struct image_peer *peer = image_peer_at(r->image, policy_peer_of(r->decider, domain));
	struct ip_addr key;

	if (peer == NULL || (peer->flags & IMAGE_PEER_DISCOVERED) == 0)
		return false;
	key = hop_key(image_hop_keys(r->image), HOP_DOMAIN, domain);
	return ip_equal(&to->ip, &key);
}

bool relay_has_hop(const struct relay *r, const struct endpoint *to, struct view domain)
{
	if (r->image == NULL || r->decider == NULL)
		return false;
	return domain.len > 0 ? is_found(r, to, domain) : image_has_hop(r->image, to);
}

bool relay_proves(const struct relay *r, const struct card *card, struct view domain)
{
	const struct image_peer *peer;

	if (r->decider == NULL || card == NULL || domain.len == 0)
		return false;
	peer = image_peer_at(r->image, policy_peer_of(r->decider, domain));
	return peer != NULL && identity_proves(r->image, peer, card, domain);
}
