// SPDX-License-Identifier: BSD-3-Clause

#include "control/policy/document_parse.h"
#include "lib/policy/domain.h"

void document_add_host(struct parse *p, const struct schema_event *e, struct errors *errors)
{
	struct document_peer *peer = document_last_peer(p);
	struct domain host;
	char **place;

	if (domain_canonical(e->text, &host) < 0) {
		errors_add(errors, e->line,
			"\"%.100s\" is not the name of a host; one such as edge.contoso.example is "
			"expected",
			(const char *)e->text.at);
		return;
	}
	place = PUSH(p, peer->hosts, peer->n_hosts);
	if (place != NULL)
		*place = document_copy_text(p, view_of(host.text, host.len));
}

static unsigned hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

// Pairs of hexadecimal digits; between two pairs there may be a colon, as OpenSSL writes it.
static bool parse_fingerprint(struct view text, uint8_t out[IMAGE_FINGERPRINT_BYTES])
{
	uint8_t any = 0;
	size_t at = 0;

	for (unsigned i = 0; i < IMAGE_FINGERPRINT_BYTES; i++) {
		if (i > 0 && at < text.len && text.at[at] == ':')
			at++;
		if (at + 2 > text.len || hex_value(text.at[at]) > 15 ||
			hex_value(text.at[at + 1]) > 15)
			return false;
		out[i] = (uint8_t)(hex_value(text.at[at]) << 4 | hex_value(text.at[at + 1]));
		any |= out[i];
		at += 2;
	}
	return at == text.len && any != 0;
}

void document_add_fingerprint(struct parse *p, const struct schema_event *e, struct errors *errors)
{
	struct document_peer *peer = document_last_peer(p);
	uint8_t print[IMAGE_FINGERPRINT_BYTES], (*place)[IMAGE_FINGERPRINT_BYTES];

	if (!parse_fingerprint(e->text, print)) {
		errors_add(errors, e->line, "\"%.100s\" is not a fingerprint; %s is expected",
			(const char *)e->text.at, e->key->what);
		return;
	}
	place = PUSH(p, peer->fingerprints, peer->n_fingerprints);
	if (place != NULL)
		memcpy(*place, print, sizeof(print));
}

static bool has_named_hop(const struct document_peer *peer)
{
	for (size_t i = 0; i < peer->n_hops; i++) {
		if (peer->hops[i].host != NULL)
			return true;
	}
	return false;
}

// A server that is reached by its name proves that name.
static void take_hosts_of_hops(struct parse *p, struct document_peer *peer)
{
	for (size_t i = 0; i < peer->n_hops; i++) {
		char **place;

		if (peer->hops[i].host == NULL)
			continue;
		place = PUSH(p, peer->hosts, peer->n_hosts);
		if (place == NULL)
			return;
		*place = document_copy_text(p, view_string(peer->hops[i].host));
	}
}

// What is meant where nothing is said.
static enum image_identity usual_identity(const struct document_peer *peer)
{
	if (peer->n_hosts > 0)
		return IMAGE_IDENTITY_HOST;
	if (peer->n_fingerprints > 0)
		return IMAGE_IDENTITY_FINGERPRINT;
	return has_named_hop(peer) ? IMAGE_IDENTITY_HOST : IMAGE_IDENTITY_DOMAIN;
}

void document_end_identity(struct parse *p, struct errors *errors)
{
	struct document_peer *peer = document_last_peer(p);
	unsigned line = p->identity_line != 0 ? p->identity_line : peer->line;

	if (p->identity_line == 0)
		peer->identity = usual_identity(peer);
	if (peer->n_hosts > 0 && peer->identity != IMAGE_IDENTITY_HOST)
		errors_add(errors, line, "hosts are of no use here; expected identity: host");
	else if (peer->n_fingerprints > 0 && peer->identity != IMAGE_IDENTITY_FINGERPRINT)
		errors_add(errors, line,
			"fingerprints are of no use here; expected identity: fingerprint, and no "
			"hosts");
	else if (peer->identity == IMAGE_IDENTITY_FINGERPRINT && peer->n_fingerprints == 0)
		errors_add(errors, line, "fingerprints is missing; expected that of a certificate");
	else if (peer->identity == IMAGE_IDENTITY_HOST && peer->n_hosts == 0 &&
		!has_named_hop(peer))
		errors_add(errors, line,
			"hosts is missing, and no next hop is a name; expected the name of a host");
	if (peer->identity == IMAGE_IDENTITY_HOST && peer->n_hosts == 0)
		take_hosts_of_hops(p, peer);
}
