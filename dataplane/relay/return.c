// SPDX-License-Identifier: BSD-3-Clause
// Ways back other than that of a response that came in: of a request that goes nowhere, and of a
// response whose connection is gone.

#include "dataplane/relay/job.h"
#include "dataplane/relay/parcel.h"

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

// The requester's servers, as its peer has them: the address itself, or a name by the branch.
static const struct endpoint *find_hop(
	const struct relay *r, const struct image_peer *peer, const struct relay_out *out)
{
	const struct endpoint *hops = image_hops(r->image, peer), *named = NULL;
	uint32_t n_named = 0;

	for (uint32_t i = 0; i < peer->n_hops; i++) {
		if (endpoint_equal(&hops[i], &out->destination))
			return &hops[i];
		n_named += hops[i].ip.family == IP_NAMED &&
			hops[i].transport == out->destination.transport;
	}
	for (uint32_t i = 0, at = 0; i < peer->n_hops && n_named > 0; i++) {
		if (hops[i].ip.family == IP_NAMED &&
			hops[i].transport == out->destination.transport &&
			at++ == out->branch % n_named)
			named = &hops[i];
	}
	return named;
}

// Those that DNS finds, of the very domain.
static bool aim_at_domain(struct relay *r, struct view domain, struct relay_out *out)
{
	if (out->destination.transport != TRANSPORT_TLS ||
		domain_canonical(domain, &r->requester) < 0)
		return false;
	out->domain = view_of(r->requester.text, r->requester.len);
	out->names_hop = true;
	out->destination = (struct endpoint){
		.ip = hop_key(image_hop_keys(r->image), HOP_DOMAIN, out->domain),
		.transport = TRANSPORT_TLS,
	};
	return true;
}

bool relay_reopen(struct relay *r, struct view response, struct relay_out *out)
{
	const struct image_peer *peer, *own;
	const struct endpoint *hop;
	struct sip_address from, to;
	struct sip_message m;

	if (r->decider == NULL || !read_own(response, &m) || sip_from(&m, &from) < 0 ||
		sip_to(&m, &to) < 0)
		return false;
	peer = image_peer_at(r->image, policy_peer_of(r->decider, from.uri.host));
	if (peer == NULL)
		return false;
	own = image_peer_at(r->image, policy_peer_of(r->decider, to.uri.host));
	out->certificate = own != NULL ? own->certificate : 0;
	out->n_slots = peer->connections;
	hop = find_hop(r, peer, out);
	if (hop == NULL)
		return (peer->flags & IMAGE_PEER_DISCOVERED) != 0 &&
			aim_at_domain(r, from.uri.host, out);
	out->destination = *hop;
	if (hop->transport == TRANSPORT_TLS) {
		out->domain = from.uri.host;
		out->domain_hash = PARCEL_PROVE_ALWAYS;
	}
	return true;
}
