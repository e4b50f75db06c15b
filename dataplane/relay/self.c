// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/relay/self.h"
#include "dataplane/relay/marks.h"

#include <errno.h>

static const struct {
	struct view via, uri_param;
} transports[] = {
	[TRANSPORT_NONE] = {{NULL, 0}, {NULL, 0}},
	[TRANSPORT_UDP] = {{(const uint8_t *)"UDP", 3}, {NULL, 0}},
	[TRANSPORT_TCP] = {{(const uint8_t *)"TCP", 3}, {(const uint8_t *)";transport=tcp", 14}},
	[TRANSPORT_TLS] = {{(const uint8_t *)"TLS", 3}, {(const uint8_t *)";transport=tls", 14}},
};

// A datagram's payload at most: IPv4's total length less its header and UDP's.
#define UDP_PAYLOAD_MAX 65507

static uint16_t default_port(unsigned transport)
{
	return transport == TRANSPORT_TLS ? 5061 : 5060; // RFC 3261 §19.1.2
}

static unsigned family_index(const struct ip_addr *ip)
{
	return ip->family == IP_V6;
}

// "sip:SENT-BY" is written and parsed, then the lines that carry it.
static int name_listener(struct listener *l, struct view sent_by, struct text *t)
{
	const uint8_t *mark = t->at;

	if (sent_by.len == 0 || sent_by.len > SELF_SENT_BY_BYTES_MAX)
		return -EINVAL;
	text_add(t, VIEW("sip:"));
	text_add(t, sent_by);
	l->sent_by = view_of(mark + 4, sent_by.len);
	if (sip_uri_parse(text_since(t, mark), &l->own) < 0 || l->own.host.len == 0 ||
		l->own.user.len > 0 || l->own.params.len > 0 || l->own.headers.len > 0)
		return -EINVAL;
	if (l->own.port == 0)
		l->own.port = default_port(l->local.transport);

	mark = t->at;
	text_add(t, VIEW("Via: SIP/2.0/"));
	text_add(t, transports[l->local.transport].via);
	text_add(t, VIEW(" "));
	text_add(t, sent_by);
	text_add(t, VIEW(";branch=" MARKS_BRANCH_COOKIE));
	l->via = text_since(t, mark);

	mark = t->at;
	text_add(t, VIEW("Record-Route: <sip:"));
	text_add(t, sent_by);
	text_add(t, transports[l->local.transport].uri_param);
	text_add(t, VIEW(";lr>\r\n"));
	l->record_route = text_since(t, mark);
	return t->overflow ? -EINVAL : 0;
}

static int add_listener(struct self *s, const struct relay_listener *from, struct text *t)
{
	struct listener *new = &s->list[s->n];
	uint16_t *first;

	if (from->local.port == 0 || from->side >= SIDE_N ||
		from->local.transport == TRANSPORT_NONE || from->local.transport > TRANSPORT_TLS ||
		(from->local.ip.family != IP_V4 && from->local.ip.family != IP_V6))
		return -EINVAL;
	new->local = from->local;
	new->side = from->side;
	new->datagram_bytes_max =
		from->datagram_bytes_max != 0 ? from->datagram_bytes_max : UDP_PAYLOAD_MAX;
	if (name_listener(new, from->sent_by, t) < 0)
		return -EINVAL;
	first = &s->first[new->side][family_index(&new->local.ip)][new->local.transport];
	if (*first == SELF_NO_LISTENER)
		*first = (uint16_t)s->n;
	s->n++;
	return 0;
}

int self_init(struct self *s, const struct relay_listener list[], unsigned n)
{
	struct text t = text_over(s->text, sizeof(s->text));

	s->n = 0;
	memset(s->first, 0xff, sizeof(s->first));
	if (n == 0 || n > RELAY_LISTENERS_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < n; i++) {
		if (add_listener(s, &list[i], &t) < 0)
			return -EINVAL;
	}
	return 0;
}

// A listener is meant by its address or, where that is another, by its sent-by.
static bool is_own(const struct listener *l, const struct sip_uri *uri, uint16_t port)
{
	if (uri->ip.family == IP_NONE)
		return l->own.port == port && view_equal_nocase(l->own.host, uri->host);
	return (l->local.port == port && ip_equal(&l->local.ip, &uri->ip)) ||
		(l->own.port == port && ip_equal(&l->own.ip, &uri->ip));
}

bool self_is(const struct self *s, const struct sip_uri *uri)
{
	bool tls = uri->scheme == SIP_SCHEME_SIPS || uri->transport == TRANSPORT_TLS;
	uint16_t port =
		uri->port != 0 ? uri->port : default_port(tls ? TRANSPORT_TLS : TRANSPORT_UDP);

	for (unsigned i = 0; i < s->n; i++) {
		if (is_own(&s->list[i], uri, port))
			return true;
	}
	return false;
}

bool self_is_sent_by(const struct self *s, struct view host, uint16_t port)
{
	for (unsigned i = 0; i < s->n; i++) {
		const struct listener *own = &s->list[i];

		if (own->own.port == (port != 0 ? port : default_port(own->local.transport)) &&
			view_equal_nocase(own->own.host, host))
			return true;
	}
	return false;
}

unsigned self_egress(const struct self *s, unsigned side, const struct endpoint *hop)
{
	if (hop->ip.family == IP_NAMED && s->first[side][0][hop->transport] == SELF_NO_LISTENER)
		return s->first[side][1][hop->transport];
	return s->first[side][family_index(&hop->ip)][hop->transport];
}
