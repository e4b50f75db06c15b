// SPDX-License-Identifier: BSD-3-Clause

#include "control/policy/document_parse.h"

#define SIP_PORT 5060

void document_begin_peer(struct parse *p, bool local, unsigned line)
{
	struct document *d = p->document;
	struct document_peer *peer = PUSH(p, d->peers, d->n_peers);

	if (peer != NULL) {
		peer->local = local;
		peer->line = line;
		peer->connections = IMAGE_CONNECTIONS_DEFAULT;
	}
}

static bool routes_nowhere(const struct ip_addr *ip)
{
	static const struct ip_addr v4_any = {.family = IP_V4}, v6_any = {.family = IP_V6};

	return ip_equal(ip, &v4_any) || ip_equal(ip, &v6_any) ||
		(ip->family == IP_V4 && ip->bytes[0] >= 224) ||
		(ip->family == IP_V6 && ip->bytes[0] == 0xff);
}

// Of an IPv6 address without brackets nobody can tell where it ends and the port begins.
static bool lacks_brackets(struct view address)
{
	const uint8_t *colon = memchr(address.at, ':', address.len);

	return address.at[0] != '[' && colon != NULL &&
		memchr(colon + 1, ':', (size_t)(address.at + address.len - colon - 1)) != NULL;
}

// TRANSPORT:ADDRESS:PORT.
static bool parse_hop(struct view text, struct endpoint *hop)
{
	static const enum transport transports[] = {TRANSPORT_UDP, TRANSPORT_TCP};
	struct view address;

	for (size_t i = 0; i < sizeof(transports) / sizeof(transports[0]); i++) {
		struct view name = view_string(transport_name(transports[i]));

		if (text.len <= name.len + 1 || text.at[name.len] != ':' ||
			!view_equal(view_of(text.at, name.len), name))
			continue;
		address = view_of(text.at + name.len + 1, text.len - name.len - 1);
		return !lacks_brackets(address) &&
			endpoint_parse(address, SIP_PORT, transports[i], hop) == 0 &&
			hop->port != 0;
	}
	return false;
}

void document_add_hop(struct parse *p, const struct schema_event *e, struct errors *errors)
{
	struct document_peer *peer = document_last_peer(p);
	struct endpoint hop, *place;

	if (!parse_hop(e->text, &hop)) {
		errors_add(errors, e->line, "\"%s\" is not a next hop; %s is expected",
			(const char *)e->text.at, e->key->what);
		return;
	}
	if (routes_nowhere(&hop.ip)) {
		errors_add(errors, e->line,
			"\"%s\" cannot be a next hop; the unicast address of a server is expected",
			(const char *)e->text.at);
		return;
	}
	for (size_t i = 0; i < peer->n_hops; i++) {
		if (endpoint_equal(&peer->hops[i], &hop)) {
			errors_add(errors, e->line, "%s stands on line %u already; once is enough",
				(const char *)e->text.at, p->hop_line[i]);
			return;
		}
	}
	place = PUSH(p, peer->hops, peer->n_hops);
	if (place == NULL)
		return;
	*place = hop;
	p->hop_line[peer->n_hops - 1] = e->line;
}

void document_add_source(struct parse *p, const struct schema_event *e, struct errors *errors)
{
	struct document_peer *peer = document_last_peer(p);
	struct ip_prefix source, *place;

	if (ip_prefix_parse(e->text, &source) < 0) {
		errors_add(errors, e->line,
			"\"%s\" is not a source; %s is expected, with no bits set beyond the "
			"prefix",
			(const char *)e->text.at, e->key->what);
		return;
	}
	place = PUSH(p, peer->sources, peer->n_sources);
	if (place != NULL)
		*place = source;
}

// What a server sends from is what it is reached at, unless the document says otherwise.
void document_end_peer(struct parse *p)
{
	struct document_peer *peer = document_last_peer(p);

	if (peer->n_sources > 0)
		return;
	for (size_t i = 0; i < peer->n_hops; i++) {
		struct ip_prefix *place = PUSH(p, peer->sources, peer->n_sources);

		if (place == NULL)
			return;
		place->ip = peer->hops[i].ip;
		place->bits = place->ip.family == IP_V4 ? 32 : 128;
	}
}
