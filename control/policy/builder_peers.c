// SPDX-License-Identifier: BSD-3-Clause

#include "control/policy/builder_state.h"

#include <errno.h>

// May have n_hops 0: what has none is discovered.
static int64_t add_peer(struct builder *b, const struct endpoint hops[], size_t n_hops,
	const struct ip_prefix sources[], size_t n_sources, image_rule_id rule)
{
	struct endpoint *hops_copy = NULL;
	struct ip_prefix *prefixes_copy = NULL;
	struct image_peer *peer;

	if (!builder_rule_is_known(b, rule))
		return -EINVAL;
	for (size_t i = 0; i < n_hops; i++) {
		if (!endpoint_is_hop(&hops[i]))
			return -EINVAL;
	}
	for (size_t i = 0; i < n_sources; i++) {
		if (!image_prefix_is_valid(&sources[i]))
			return -EINVAL;
	}
	if (b->peers.n == IMAGE_PEERS_MAX || b->hops.n + n_hops > UINT32_MAX ||
		b->prefixes.n + n_sources > UINT32_MAX)
		return -ENOSPC;
	if (n_hops > 0)
		hops_copy = buffer_add(&b->hops, n_hops, sizeof(*hops));
	if (n_sources > 0)
		prefixes_copy = buffer_add(&b->prefixes, n_sources, sizeof(*sources));
	peer = buffer_add(&b->peers, 1, sizeof(*peer));
	if ((n_hops > 0 && hops_copy == NULL) || (n_sources > 0 && prefixes_copy == NULL) ||
		peer == NULL)
		return -ENOMEM;
	if (n_hops > 0)
		memcpy(hops_copy, hops, n_hops * sizeof(*hops));
	if (n_sources > 0)
		memcpy(prefixes_copy, sources, n_sources * sizeof(*sources));
	*peer = (struct image_peer){
		.first_hop = (uint32_t)(b->hops.n - n_hops),
		.n_hops = (uint32_t)n_hops,
		.first_source = (uint32_t)(b->prefixes.n - n_sources),
		.n_sources = (uint32_t)n_sources,
		.rule = rule,
		.connections = IMAGE_CONNECTIONS_DEFAULT,
		.flags = n_hops == 0 ? IMAGE_PEER_DISCOVERED : 0,
		.identity = IMAGE_IDENTITY_DOMAIN,
		.verification = IMAGE_VERIFICATION_ALWAYS,
	};
	return (int64_t)b->peers.n - 1;
}

int64_t builder_add_peer(struct builder *b, const struct endpoint hops[], size_t n_hops,
	const struct ip_prefix sources[], size_t n_sources, image_rule_id rule)
{
	return n_hops > 0 ? add_peer(b, hops, n_hops, sources, n_sources, rule) : -EINVAL;
}

int64_t builder_add_discovered(
	struct builder *b, const struct ip_prefix sources[], size_t n_sources, image_rule_id rule)
{
	return add_peer(b, NULL, 0, sources, n_sources, rule);
}

int builder_name_hop(struct builder *b, enum hop_kind kind, const struct domain *name,
	uint16_t port, enum transport transport, struct endpoint *hop)
{
	struct view text = view_of(name->text, name->len);
	struct image_hop_row row = {.kind = (uint32_t)kind}, *added;
	int error;

	*hop = (struct endpoint){
		.ip = hop_key(&b->hop_keys, kind, text),
		.port = port,
		.transport = (uint8_t)transport,
	};
	if (!endpoint_is_hop(hop))
		return -EINVAL;
	error = builder_add_text(b, text, &row.name);
	if (error != 0)
		return error;
	added = buffer_add(&b->hop_names, 1, sizeof(*added));
	if (added == NULL)
		return -ENOMEM;
	memcpy(row.key, hop->ip.bytes, sizeof(row.key));
	*added = row;
	return 0;
}

static struct image_peer *peer_at(struct builder *b, uint32_t peer)
{
	return peer < b->peers.n ? (struct image_peer *)b->peers.items + peer : NULL;
}

int builder_set_connections(struct builder *b, uint32_t peer, unsigned connections)
{
	if (peer_at(b, peer) == NULL || connections == 0 || connections > IMAGE_CONNECTIONS_MAX)
		return -EINVAL;
	peer_at(b, peer)->connections = (uint8_t)connections;
	return 0;
}

int builder_set_verification(struct builder *b, uint32_t peer, enum image_verification verification)
{
	if (peer_at(b, peer) == NULL || (unsigned)verification >= IMAGE_VERIFICATION_N)
		return -EINVAL;
	peer_at(b, peer)->verification = (uint8_t)verification;
	return 0;
}

int builder_set_certificate(struct builder *b, uint32_t peer, uint32_t certificate)
{
	if (peer_at(b, peer) == NULL)
		return -EINVAL;
	peer_at(b, peer)->certificate = certificate;
	return 0;
}

// Rows for the peer; NULL with *error.
static struct image_identity_row *add_identities(
	struct builder *b, uint32_t peer, enum image_identity identity, size_t n, int *error)
{
	struct image_peer *row = peer_at(b, peer);
	struct image_identity_row *rows = NULL;

	*error = -EINVAL;
	if (row == NULL || n == 0 || n > IMAGE_IDENTITIES_MAX)
		return NULL;
	*error = -ENOSPC;
	if (b->identities.n + n > UINT32_MAX)
		return NULL;
	*error = -ENOMEM;
	rows = buffer_add(&b->identities, n, sizeof(*rows));
	if (rows == NULL)
		return NULL;
	row->identity = (uint8_t)identity;
	row->first_identity = (uint32_t)(b->identities.n - n);
	row->n_identities = (uint32_t)n;
	return rows;
}

int builder_set_hosts(struct builder *b, uint32_t peer, const struct domain hosts[], size_t n)
{
	int error;
	struct image_identity_row *rows = add_identities(b, peer, IMAGE_IDENTITY_HOST, n, &error);

	if (rows == NULL)
		return error;
	error = 0;
	for (size_t i = 0; i < n && error == 0; i++)
		error = builder_add_text(b, view_of(hosts[i].text, hosts[i].len), &rows[i].host);
	return error;
}

int builder_set_fingerprints(struct builder *b, uint32_t peer,
	const uint8_t fingerprints[][IMAGE_FINGERPRINT_BYTES], size_t n)
{
	int error;
	struct image_identity_row *rows =
		add_identities(b, peer, IMAGE_IDENTITY_FINGERPRINT, n, &error);

	if (rows == NULL)
		return error;
	for (size_t i = 0; i < n; i++)
		memcpy(rows[i].fingerprint, fingerprints[i], IMAGE_FINGERPRINT_BYTES);
	return 0;
}
