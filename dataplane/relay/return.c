// SPDX-License-Identifier: BSD-3-Clause
// Ways back other than that of a response that came in: of a request that goes nowhere, and of a
// response whose connection is gone.

#include "dataplane/relay/job.h"

// A message that this relay wrote; perhaps its head alone, where the body lies elsewhere.
static bool read_own(struct view text, struct sip_message *m)
{
	return sip_message_parse(text, SIP_HEAD, m) == REASON_none;
}

void relay_undeliverable(struct relay *r, uint16_t listener, struct view request,
	enum reason reason, struct relay_out *out)
{
	struct job job = {.out = out};
	struct request *rq = &job.request;
	struct way_back way;

	out->len = 0;
	if (listener >= r->self.n || reason_sip_status(reason) == 0 ||
		!read_own(request, &job.message) || !job.message.is_request ||
		job.message.method == SIP_M_ACK)
		return;
	if (request_identify(rq, &job.message) != REASON_none ||
		!response_find_way(r, &rq->via, r->self.list[listener].side, &way))
		return;
	response_aim(r, &way, out);
	out->method = job.message.method;
	answer_undeliverable(r, &job, reason);
}

unsigned relay_may_reopen(struct relay *r, struct view response, const struct endpoint *to)
{
	const struct image_peer *peer;
	const struct endpoint *hops;
	struct sip_message m;
	struct sip_address from;

	if (r->decider == NULL || !read_own(response, &m) || sip_from(&m, &from) < 0)
		return 0;
	peer = image_peer_at(r->image, policy_peer_of(r->decider, from.uri.host));
	if (peer == NULL)
		return 0;
	hops = image_hops(r->image, peer);
	for (uint32_t i = 0; i < peer->n_hops; i++) {
		if (endpoint_equal(&hops[i], to))
			return peer->connections;
	}
	return 0;
}
