// SPDX-License-Identifier: BSD-3-Clause

#include "control/policy/document_parse.h"

#include "lib/policy/domain.h"

#include <stdlib.h>

#define SIP_PORT  5060
#define SIPS_PORT 5061

void document_begin_peer(struct parse *p, bool local, unsigned line)
{
	struct document *d = p->document;
	struct document_peer *peer = PUSH(p, d->peers, d->n_peers);

	if (peer != NULL) {
		peer->local = local;
		peer->line = line;
		peer->connections = IMAGE_CONNECTIONS_DEFAULT;
	}
	p->hops_line = p->identity_line = p->verification_line = p->discover_line = 0;
}

void document_free_peer(struct document_peer *peer)
{
	for (size_t i = 0; i < peer->n_hops; i++)
		free(peer->hops[i].host);
	document_free_texts(peer->hosts, peer->n_hosts);
	free(peer->name);
	free(peer->hops);
	free(peer->sources);
	free(peer->fingerprints);
	free(peer->certificate);
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

// NAME or NAME:PORT. Of a name that looks like an address nobody can tell what is meant by it.
static bool parse_named(struct view text, struct endpoint *to, struct domain *host)
{
	const uint8_t *colon = memchr(text.at, ':', text.len);
	unsigned port = colon != NULL ? 0 : SIPS_PORT;

	if (colon != NULL) {
		size_t n = (size_t)(text.at + text.len - colon - 1);

		for (size_t i = 1; i <= n && n <= 5 && colon[i] >= '0' && colon[i] <= '9'; i++)
			port = port * 10 + (colon[i] - '0');
		for (size_t i = 1; i <= n; i++) {
			if (n > 5 || colon[i] < '0' || colon[i] > '9')
				return false;
		}
		text.len = (size_t)(colon - text.at);
	}
	*to = (struct endpoint){
		.ip = {.family = IP_NAMED}, .port = (uint16_t)port, .transport = TRANSPORT_TLS};
	return port > 0 && port <= UINT16_MAX && domain_canonical(text, host) == 0;
}

// TRANSPORT:ADDRESS:PORT, or a name in the place of the address. host: set for a name.
static bool parse_hop(struct view text, struct endpoint *to, struct domain *host)
{
	static const enum transport transports[] = {TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORT_TLS};
	struct view place;

	host->len = 0;
	for (size_t i = 0; i < sizeof(transports) / sizeof(transports[0]); i++) {
		bool tls = transports[i] == TRANSPORT_TLS;
		struct view name = view_string(transport_name(transports[i]));

		if (text.len <= name.len + 1 || text.at[name.len] != ':' ||
			!view_equal(view_of(text.at, name.len), name))
			continue;
		place = view_of(text.at + name.len + 1, text.len - name.len - 1);
		if (!lacks_brackets(place) &&
			endpoint_parse(place, tls ? SIPS_PORT : SIP_PORT, transports[i], to) == 0)
			return to->port != 0;
		return tls && parse_named(place, to, host);
	}
	return false;
}

static bool same_hop(
	const struct document_hop *a, const struct endpoint *to, const struct domain *host)
{
	if (!endpoint_equal(&a->to, to))
		return false;
	return a->host == NULL || view_equal(view_string(a->host), view_of(host->text, host->len));
}

void document_add_hop(struct parse *p, const struct schema_event *e, struct errors *errors)
{
	struct document_peer *peer = document_last_peer(p);
	struct document_hop *place;
	struct endpoint to;
	struct domain host;

	p->hops_line = e->line;
	if (!parse_hop(e->text, &to, &host)) {
		errors_add(errors, e->line, "\"%.80s\" is not a next hop; %s is expected",
			(const char *)e->text.at, e->key->what);
		return;
	}
	if (routes_nowhere(&to.ip)) {
		errors_add(errors, e->line,
			"\"%s\" cannot be a next hop; the unicast address of a server is expected",
			(const char *)e->text.at);
		return;
	}
	for (size_t i = 0; i < peer->n_hops; i++) {
		if (same_hop(&peer->hops[i], &to, &host)) {
			errors_add(errors, e->line,
				"%.80s stands on line %u already; once is enough",
				(const char *)e->text.at, p->hop_line[i]);
			return;
		}
	}
	place = PUSH(p, peer->hops, peer->n_hops);
	if (place == NULL)
		return;
	place->to = to;
	if (host.len > 0)
		place->host = document_copy_text(p, view_of(host.text, host.len));
	if (to.transport == TRANSPORT_TLS && peer->tls_line == 0)
		peer->tls_line = e->line;
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

// What a server sends from is what it is reached at, unless the document says otherwise, or it
// proves itself.
static void default_sources(struct parse *p, struct document_peer *peer)
{
	if (peer->n_sources > 0)
		return;
	for (size_t i = 0; i < peer->n_hops; i++) {
		struct ip_prefix *place;

		if (peer->hops[i].to.transport == TRANSPORT_TLS)
			continue;
		place = PUSH(p, peer->sources, peer->n_sources);
		if (place == NULL)
			return;
		place->ip = peer->hops[i].to.ip;
		place->bits = place->ip.family == IP_V4 ? 32 : 128;
	}
}

void document_end_peer(struct parse *p, struct errors *errors)
{
	struct document_peer *peer = document_last_peer(p);

	if (peer->discovered && p->hops_line != 0)
		errors_add(errors, p->discover_line,
			"discover: what has next_hops (line %u) is not looked for; one of the two "
			"is "
			"expected",
			p->hops_line);
	else if (!peer->discovered && p->hops_line == 0)
		errors_add(errors, peer->line,
			"partners: next_hops is missing; expected a list, or discover: true for "
			"servers that DNS names");
	if (peer->discovered)
		peer->tls_line = p->discover_line;
	// FEATURES P5.
	if (p->verification_line == 0)
		peer->verification =
			peer->discovered ? IMAGE_VERIFICATION_SOURCE : IMAGE_VERIFICATION_ALWAYS;
	default_sources(p, peer);
	document_end_identity(p, errors);
}
