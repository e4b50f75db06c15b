// SPDX-License-Identifier: BSD-3-Clause
// What a policy says of connections that were there before it.

#include "dataplane/relay/job.h"

enum reason relay_judge_sender(struct relay *r, uint16_t listener, struct view sender,
	const struct ip_addr *source, const struct card *card)
{
	const struct policy_query query = {
		.from = sender,
		.side = r->self.list[listener].side,
		.source = *source,
		.card = card,
	};

	if (r->self.list[listener].local.transport == TRANSPORT_TLS && card == NULL)
		return REASON_identity_unproved;
	return r->decider != NULL ? policy_judge_sender(r->decider, &query) : REASON_no_policy;
}

bool relay_has_hop(const struct relay *r, const struct endpoint *to)
{
	return r->image != NULL && image_has_hop(r->image, to);
}
