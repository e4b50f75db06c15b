// SPDX-License-Identifier: BSD-3-Clause

#include "control/api/request.h"

#include "lib/sip/uri.h"

#include <stdio.h>

#define END_BYTES_MAX 2048

static const char *side_name(unsigned side)
{
	return side == SIDE_INSIDE ? "inside" : "outside";
}

// The domain of a SIP URI, of user@domain, or the text itself.
static struct view domain_of(const char *text)
{
	struct view v = view_string(text);
	struct sip_uri uri;
	const uint8_t *at;

	if (sip_uri_parse(v, &uri) == 0 && uri.scheme != SIP_SCHEME_OTHER)
		return uri.host;
	at = v.len > 0 ? memrchr(v.at, '@', v.len) : NULL;
	return at != NULL ? view_of(at + 1, v.len - (size_t)(at + 1 - v.at)) : v;
}

// How one end was found in the policy.
static json_t *match_json(const struct image *image, struct view name, const struct match *m)
{
	static const char *const kinds[] = {
		[MATCH_EXACT] = "exact",
		[MATCH_PATTERN] = "pattern",
		[MATCH_SUFFIX] = "suffix",
		[MATCH_NONE] = "none",
	};
	struct domain domain;
	json_t *json = json_object();

	if (domain_canonical(name, &domain) == 0)
		json_object_set_new(
			json, "domain", json_stringn((const char *)domain.text, domain.len));
	else
		json_object_set_new(json, "domain", json_null());
	json_object_set_new(json, "match",
		json_string(m->kind <= MATCH_NONE ? kinds[m->kind] : kinds[MATCH_NONE]));
	if (m->kind < MATCH_NONE) {
		json_object_set_new(json, "list", json_string(list_name(m->list)));
		json_object_set_new(json, "rule", rule_json(image, m->rule));
	}
	return json;
}

// As the document has it.
static json_t *hop_json(const struct image *image, const struct endpoint *hop)
{
	char text[ENDPOINT_TEXT_BYTES];
	enum hop_kind kind;
	struct view name;

	if (image_hop_name(image, &hop->ip, &kind, &name))
		return json_sprintf("%s:%.*s:%u", transport_name(hop->transport), (int)name.len,
			(const char *)name.at, hop->port);
	endpoint_format(hop, text);
	return json_sprintf("%s:%s", transport_name(hop->transport), text);
}

// to: that a message goes to, for a peer that DNS finds.
static json_t *hops_json(const struct image *image, uint32_t peer_index, struct view to)
{
	const struct image_peer *peer = image_peer_at(image, peer_index);
	json_t *hops = json_array();
	struct domain domain;

	for (uint32_t i = 0; peer != NULL && i < peer->n_hops; i++)
		json_array_append_new(hops, hop_json(image, &image_hops(image, peer)[i]));
	if (peer != NULL && (peer->flags & IMAGE_PEER_DISCOVERED) != 0 &&
		domain_canonical(to, &domain) == 0)
		json_array_append_new(hops,
			json_sprintf("tls: servers of %.*s by DNS", (int)domain.len,
				(const char *)domain.text));
	return hops;
}

static json_t *verdict_json(
	const struct image *image, const struct policy_query *q, const struct verdict *v)
{
	json_t *json = json_pack("{s:b, s:s, s:s, s:i, s:i, s:o, s:I, s:s, s:o, s:o}", "allowed",
		v->allowed, "reason", reason_name(v->reason), "text", reason_text(v->reason),
		"sip_status", (int)reason_sip_status(v->reason), "diagnostic",
		(int)reason_diagnostic(v->reason), "rule", rule_json(image, v->rule), "generation",
		(json_int_t)v->generation, "side", side_name(q->side), "from",
		match_json(image, q->from, &v->from), "to", match_json(image, q->to, &v->to));

	if (v->allowed) {
		json_object_set_new(json, "egress", json_string(side_name(v->egress)));
		json_object_set_new(json, "next_hops", hops_json(image, v->peer, q->to));
	}
	return json;
}

// Where a message from this domain comes in if nobody says otherwise: from inside when it is ours.
static uint8_t usual_side(struct replica *replica, struct view from)
{
	const struct policy_query q = {.from = from, .to = from, .side = SIDE_INSIDE};
	struct verdict v;

	replica_decide(replica, &q, &v);
	return v.from.kind < MATCH_NONE && v.from.list == IMAGE_LOCAL ? SIDE_INSIDE : SIDE_OUTSIDE;
}

static bool get_side(struct request *r, struct replica *replica, struct policy_query *q)
{
	const char *side;

	if (!request_get_text(r, "side", 16, &side))
		return false;
	if (side == NULL)
		q->side = usual_side(replica, q->from);
	else if (strcmp(side, "inside") == 0)
		q->side = SIDE_INSIDE;
	else if (strcmp(side, "outside") == 0)
		q->side = SIDE_OUTSIDE;
	else {
		request_refuse(r, "side: inside or outside is expected");
		return false;
	}
	return true;
}

static bool get_source(struct request *r, struct policy_query *q)
{
	const char *source;

	if (!request_get_text(r, "source", IP_TEXT_BYTES, &source))
		return false;
	if (source == NULL || ip_parse(view_string(source), &q->source) == 0)
		return true;
	request_refuse(r, "source: an IP address is expected");
	return false;
}

static unsigned hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	return c >= 'a' && c <= 'f'    ? (unsigned)(c - 'a' + 10)
		: c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
				       : 16;
}

// As `fedctl cert show` writes it, with colons or without.
static bool read_fingerprint(const char *text, uint8_t out[CARD_FINGERPRINT_BYTES])
{
	for (unsigned i = 0; i < CARD_FINGERPRINT_BYTES; i++) {
		text += i > 0 && *text == ':';
		if (hex_value(text[0]) > 15 || hex_value(text[1]) > 15)
			return false;
		out[i] = (uint8_t)(hex_value(text[0]) << 4 | hex_value(text[1]));
		text += 2;
	}
	return *text == '\0';
}

// Who the other end of the connection is to have proved to be: a name, by a certificate that
// nobody knows, or a certificate without names.
static bool get_card(struct request *r, struct policy_query *q, struct card *card)
{
	uint8_t print[CARD_FINGERPRINT_BYTES];
	const char *as;

	if (!request_get_text(r, "as", END_BYTES_MAX, &as))
		return false;
	if (as == NULL)
		return true;
	q->card = card;
	if (read_fingerprint(as, print)) {
		card_init(card, print, VIEW_NONE, VIEW_NONE, VIEW_NONE);
		return true;
	}
	memset(print, 0xff, sizeof(print));
	card_init(card, print, VIEW_NONE, VIEW_NONE, VIEW_NONE);
	card->trusted = 1;
	if (card_add_name(card, view_string(as), CARD_SAN_URI) == 0)
		return true;
	request_refuse(
		r, "as: a name that was proved, or the SHA-256 of a certificate, is expected");
	return false;
}

void explain_command(struct request *r)
{
	struct replica *replica = publisher_replica(r->control->publisher);
	struct policy_query q = {.side = SIDE_OUTSIDE};
	const char *from, *to, *method;
	struct card card;
	struct verdict v;
	json_t *reply;

	if (!request_get_text(r, "from", END_BYTES_MAX, &from) ||
		!request_get_text(r, "to", END_BYTES_MAX, &to) ||
		!request_get_text(r, "method", 64, &method))
		return;
	if (from == NULL || to == NULL) {
		request_refuse(r, "from and to are expected");
		return;
	}
	if (replica == NULL) {
		request_refuse(r,
			"nothing has been published yet: every message is refused with "
			"no_policy");
		return;
	}
	q.from = domain_of(from);
	q.to = domain_of(to);
	if (!get_side(r, replica, &q) || !get_source(r, &q) || !get_card(r, &q, &card))
		return;
	replica_decide(replica, &q, &v);
	reply = verdict_json(replica_image(replica), &q, &v);
	json_object_set_new(
		reply, "in_force", json_boolean(publisher_in_force(r->control->publisher)));
	if (method != NULL)
		json_object_set_new(reply, "method", json_string(method));
	request_reply(r, reply);
}
