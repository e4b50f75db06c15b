// SPDX-License-Identifier: BSD-3-Clause

#include "control/session/whom.h"

static bool has_hop(
	const struct image *image, const struct image_peer *peer, const struct endpoint *hop)
{
	const struct endpoint *hops = image_hops(image, peer);

	for (uint32_t i = 0; i < peer->n_hops; i++) {
		if (endpoint_equal(&hops[i], hop))
			return true;
	}
	return false;
}

// The next peer with that hop, from *at on; NULL: there is none.
static const struct image_peer *next_with(
	const struct image *image, const struct endpoint *hop, uint32_t *at)
{
	const uint32_t n = image_info(image)->n_peers;

	while (*at < n) {
		const struct image_peer *peer = image_peer_at(image, (*at)++);

		if (has_hop(image, peer, hop))
			return peer;
	}
	return NULL;
}

static void ask_for_fingerprints(
	const struct image *image, const struct image_peer *peer, struct whom *out)
{
	for (uint32_t i = 0; i < peer->n_identities; i++)
		memcpy(out->fingerprints[i], image_fingerprint(image, peer, i),
			CARD_FINGERPRINT_BYTES);
	out->params.match = TLS_MATCH_FINGERPRINT;
	out->params.fingerprints = (const uint8_t(*)[CARD_FINGERPRINT_BYTES])out->fingerprints;
	out->params.n_fingerprints = peer->n_identities;
}

// One peer's way to prove itself, where the handshake can look at it.
static void ask_for_peer(const struct image *image, const struct image_peer *peer, struct whom *out)
{
	if (peer->identity == IMAGE_IDENTITY_FINGERPRINT) {
		ask_for_fingerprints(image, peer, out);
	} else if (peer->identity == IMAGE_IDENTITY_HOST && peer->n_identities == 1) {
		out->params.match = TLS_MATCH_HOST;
		out->params.name = image_host(image, peer, 0);
	}
}

static void ask_by_name(struct whom *out, enum hop_kind kind, struct view name)
{
	if (name.len >= sizeof(out->server_name))
		return;
	memcpy(out->server_name, name.at, name.len);
	out->params.server_name = out->server_name;
	if (kind != HOP_DOMAIN)
		return;
	out->params.match = TLS_MATCH_DOMAIN;
	out->params.name = view_of(out->server_name, name.len);
}

static bool ask_as_client(const struct image *image, whom_name_fn *name_of, void *arg,
	const struct link_target *target, struct whom *out)
{
	const struct endpoint *hop = &target->remote;
	const struct image_peer *peer;
	enum hop_kind kind = HOP_KIND_N;
	struct view name = VIEW_NONE;
	uint32_t at = 0;

	out->params.certificate = target->certificate;
	if (hop->ip.family == IP_NAMED && !image_hop_name(image, &hop->ip, &kind, &name) &&
		(name_of == NULL || !name_of(arg, &hop->ip, &kind, &name)))
		return false;
	if (kind != HOP_KIND_N)
		ask_by_name(out, kind, name);
	// A domain that DNS finds is itself whom we want.
	if (kind == HOP_DOMAIN)
		return true;
	peer = next_with(image, hop, &at);
	if (peer == NULL)
		return false;
	if (next_with(image, hop, &at) == NULL)
		ask_for_peer(image, peer, out);
	return true;
}

bool whom_ask(const struct image *image, whom_name_fn *name_of, void *arg, enum side side,
	const struct link_session_opened *opened, struct whom *out)
{
	memset(out, 0, sizeof(*out));
	out->params.role = opened->role == RECORD_OPENED ? TLS_CLIENT : TLS_SERVER;
	// A server of ours may be known by its address alone; a partner never.
	out->params.demand = side == SIDE_INSIDE && opened->role == RECORD_ACCEPTED
		? TLS_CERTIFICATE_OPTIONAL
		: TLS_CERTIFICATE_REQUIRED;
	if (opened->role == RECORD_ACCEPTED)
		return image != NULL;
	return image != NULL && ask_as_client(image, name_of, arg, &opened->target, out);
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

static bool has_fingerprint(
	const struct image *image, const struct image_peer *peer, const struct card *card)
{
	for (uint32_t i = 0; i < peer->n_identities; i++) {
		if (memcmp(card->fingerprint, image_fingerprint(image, peer, i),
			    CARD_FINGERPRINT_BYTES) == 0)
			return true;
	}
	return false;
}

static bool proves_domain(struct replica *r, const struct image_peer *peer, const struct card *card)
{
	for (unsigned i = 0; i < card->n_names; i++) {
		uint32_t of = replica_peer_of(r, card_view(card, card->names[i]));

		if (card_name_is_domain(card, i) && of != IMAGE_PEER_NONE &&
			image_peer_at(replica_image(r), of) == peer)
			return true;
	}
	return false;
}

static bool may_be(struct replica *r, const struct image_peer *peer, const struct card *card)
{
	const struct image *image = replica_image(r);

	switch ((enum image_identity)peer->identity) {
	case IMAGE_IDENTITY_DOMAIN:
		return proves_domain(r, peer, card);
	case IMAGE_IDENTITY_HOST:
		return proves_host(image, peer, card);
	case IMAGE_IDENTITY_FINGERPRINT:
		return has_fingerprint(image, peer, card);
	case IMAGE_IDENTITY_N:
		break;
	}
	return false;
}

bool whom_accepts(struct replica *r, const struct link_target *target, const struct card *card)
{
	const struct image *image = replica_image(r);
	const struct image_peer *peer;
	enum hop_kind kind;
	struct view name;
	uint32_t at = 0;

	if (card == NULL)
		return false;
	// The handshake has looked: the hop is the domain's.
	if (target->remote.ip.family == IP_NAMED &&
		(!image_hop_name(image, &target->remote.ip, &kind, &name) || kind == HOP_DOMAIN))
		return true;
	while ((peer = next_with(image, &target->remote, &at)) != NULL) {
		if (may_be(r, peer, card))
			return true;
	}
	return false;
}
