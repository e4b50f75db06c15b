// SPDX-License-Identifier: BSD-3-Clause

#include "lib/policy/image_check.h"

static const char *check_identities(const struct image *image, const struct image_peer *peer)
{
	bool is_host = peer->identity == IMAGE_IDENTITY_HOST;

	if (peer->identity == IMAGE_IDENTITY_DOMAIN)
		return peer->n_identities == 0 && peer->first_identity == 0
			? NULL
			: "a peer with hosts or fingerprints that it does not use";
	if (peer->n_identities == 0 || peer->n_identities > IMAGE_IDENTITIES_MAX ||
		peer->first_identity > image->n_identities ||
		peer->n_identities > image->n_identities - peer->first_identity)
		return "a peer with wrong hosts or fingerprints";
	for (uint32_t i = 0; i < peer->n_identities; i++) {
		const struct image_identity_row *row = &image->identities[peer->first_identity + i];

		if ((row->host.len != 0) != is_host)
			return "a peer with hosts for fingerprints, or fingerprints for hosts";
	}
	return NULL;
}

static const char *check_peer(const struct image *image, const struct image_peer *peer)
{
	bool is_discovered = (peer->flags & IMAGE_PEER_DISCOVERED) != 0;

	if ((peer->n_hops == 0) != is_discovered || peer->first_hop > image->n_hops ||
		peer->n_hops > image->n_hops - peer->first_hop)
		return "a peer with wrong next hops";
	if (peer->first_source > image->n_prefixes ||
		peer->n_sources > image->n_prefixes - peer->first_source)
		return "a peer with wrong sources";
	if (!image_rule_fits(image, peer->rule))
		return "a peer with a wrong rule";
	if (peer->connections == 0 || peer->connections > IMAGE_CONNECTIONS_MAX)
		return "a peer with a wrong number of connections";
	if ((peer->flags & ~IMAGE_PEER_DISCOVERED) != 0 || peer->identity >= IMAGE_IDENTITY_N ||
		peer->verification >= IMAGE_VERIFICATION_N)
		return "a peer of an unknown kind";
	return check_identities(image, peer);
}

static const char *check_peers(const struct image *image)
{
	for (uint32_t i = 0; i < image->info.n_peers; i++) {
		const char *error = check_peer(image, &image->peers[i]);

		if (error != NULL)
			return error;
	}
	return NULL;
}

bool image_prefix_is_valid(const struct ip_prefix *prefix)
{
	unsigned whole = prefix->bits / 8;

	if (!ip_is_valid(&prefix->ip) || !image_all_zero(prefix->zero, sizeof(prefix->zero)))
		return false;
	if (prefix->bits > (prefix->ip.family == IP_V4 ? 32 : 128))
		return false;
	if (prefix->bits % 8 != 0) {
		if ((prefix->ip.bytes[whole] & (0xff >> prefix->bits % 8)) != 0)
			return false;
		whole++;
	}
	return image_all_zero(prefix->ip.bytes + whole, sizeof(prefix->ip.bytes) - whole);
}

static const char *check_prefixes(const struct image *image)
{
	for (uint32_t i = 0; i < image->n_prefixes; i++) {
		if (!image_prefix_is_valid(&image->prefixes[i]))
			return "a malformed source address";
	}
	return NULL;
}

static bool is_canonical(const struct image *image, const struct image_text *text)
{
	struct domain name;

	return image_text_fits(image, text, DOMAIN_BYTES_MAX) &&
		domain_canonical(view_of(image->text + text->offset, text->len), &name) == 0 &&
		name.len == text->len &&
		memcmp(name.text, image->text + text->offset, name.len) == 0;
}

static const char *check_identity_rows(const struct image *image)
{
	for (uint32_t i = 0; i < image->n_identities; i++) {
		const struct image_identity_row *row = &image->identities[i];
		bool has_print = !image_all_zero(row->fingerprint, sizeof(row->fingerprint));

		if (row->host.len == 0 ? row->host.offset != 0 || !has_print
				       : has_print || !is_canonical(image, &row->host))
			return "neither the name of a host nor a fingerprint";
	}
	return NULL;
}

// In the order of their keys, so that they are found; and each key of its own name, so that no
// name stands for another one's.
static const char *check_hop_names(const struct image *image)
{
	for (uint32_t i = 0; i < image->n_hop_names; i++) {
		const struct image_hop_row *row = &image->hop_names[i];
		struct ip_addr key;

		if (i > 0 && memcmp(row[-1].key, row->key, sizeof(row->key)) >= 0)
			return "names of next hops out of order";
		if (row->kind >= HOP_KIND_N || !is_canonical(image, &row->name))
			return "a malformed name of a next hop";
		key = hop_key(&image->hop_keys, (enum hop_kind)row->kind,
			view_of(image->text + row->name.offset, row->name.len));
		if (memcmp(key.bytes, row->key, sizeof(row->key)) != 0)
			return "a next hop's name with another one's key";
	}
	return NULL;
}

static const char *check_hops(const struct image *image)
{
	for (uint32_t i = 0; i < image->n_hops; i++) {
		const struct endpoint *hop = &image->hops[i];
		enum hop_kind kind;
		struct view name;

		if (!endpoint_is_hop(hop))
			return "a malformed next hop";
		if (hop->ip.family == IP_NAMED && !image_hop_name(image, &hop->ip, &kind, &name))
			return "a named next hop without its name";
	}
	return NULL;
}

const char *image_check_peers(const struct image *image)
{
	static const char *(*const checks[])(const struct image *) = {
		check_prefixes,
		check_identity_rows,
		check_hop_names,
		check_hops,
		check_peers,
	};

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		const char *error = checks[i](image);

		if (error != NULL)
			return error;
	}
	return NULL;
}
