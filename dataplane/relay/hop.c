// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/relay/hop.h"

#include "lib/policy/mix.h"

// By the hop's own bytes, so that a pair keeps its hop when others come and go.
static uint64_t weight(const struct endpoint *hop, uint32_t pair_hash)
{
	const uint64_t odd = 0x9e3779b97f4a7c15; // 2^64 / golden ratio
	uint64_t half[2];

	memcpy(half, hop->ip.bytes, sizeof(half));
	half[0] = mix_multiply(half[0] ^ pair_hash ^ odd, half[1] ^ hop->port ^ odd);
	return mix_multiply(half[0] ^ pair_hash, odd);
}

static bool is_named(const struct endpoint *hop, const struct sip_uri *target)
{
	uint16_t port = target->port != 0         ? target->port
		: hop->transport == TRANSPORT_TLS ? 5061
						  : 5060;

	return port == hop->port && ip_equal(&hop->ip, &target->ip) &&
		(target->transport == TRANSPORT_NONE || target->transport == hop->transport);
}

// RFC 5630: sips is never sent on without TLS, whichever of the two URIs says it.
static bool wants_tls(const struct request *rq)
{
	return rq->uri.scheme == SIP_SCHEME_SIPS || rq->target->scheme == SIP_SCHEME_SIPS ||
		(rq->new_uri.len > 0 && rq->taken.scheme == SIP_SCHEME_SIPS);
}

// The key of the domain that the policy allowed, always over TLS.
static enum reason choose_found(struct relay *r, const struct job *job,
	const struct verdict *verdict, struct view to, struct hop *out)
{
	const struct image_peer *peer = image_peer_at(r->image, verdict->peer);
	struct found *found = &r->found[job - r->jobs];
	unsigned listener;

	if (domain_canonical(to, &found->domain) < 0)
		return REASON_no_next_hop;
	found->to = (struct endpoint){
		.ip = hop_key(image_hop_keys(r->image), HOP_DOMAIN,
			view_of(found->domain.text, found->domain.len)),
		.transport = TRANSPORT_TLS,
	};
	listener = self_egress(&r->self, verdict->egress, &found->to);
	if (listener == SELF_NO_LISTENER)
		return REASON_no_next_hop;
	*out = (struct hop){&found->to, (uint16_t)listener, peer->connections};
	return REASON_none;
}

enum reason hop_choose(struct relay *r, const struct job *job, const struct verdict *verdict,
	struct view to, struct hop *out)
{
	const struct image_peer *peer = image_peer_at(r->image, verdict->peer);
	const struct sip_uri *target = job->request.target;
	bool tls = wants_tls(&job->request), tls_missed = false, literal;
	const struct endpoint *hops;
	uint64_t best = 0;

	out->to = NULL;
	if (peer == NULL)
		return REASON_no_next_hop;
	if ((peer->flags & IMAGE_PEER_DISCOVERED) != 0)
		return choose_found(r, job, verdict, to, out);
	literal = target->ip.family != IP_NONE;
	hops = image_hops(r->image, peer);
	for (uint32_t i = 0; i < peer->n_hops; i++) {
		unsigned listener = self_egress(&r->self, verdict->egress, &hops[i]);
		uint64_t w;

		if (listener == SELF_NO_LISTENER)
			continue;
		if (tls && hops[i].transport != TRANSPORT_TLS) {
			tls_missed = true;
			continue;
		}
		w = weight(&hops[i], verdict->pair_hash);
		if (literal && is_named(&hops[i], target))
			w = UINT64_MAX;
		if (out->to == NULL || w > best) {
			best = w;
			*out = (struct hop){&hops[i], (uint16_t)listener, peer->connections};
		}
	}
	if (out->to != NULL)
		return REASON_none;
	return tls_missed ? REASON_sip_sips_downgrade : REASON_no_next_hop;
}
