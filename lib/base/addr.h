// SPDX-License-Identifier: BSD-3-Clause
// IP addresses, transport endpoints and prefixes, in one form for both families.
// Plain data: they travel in ring messages and lie in the policy image as they are.

#pragma once

#include "lib/base/view.h"

enum ip_family {
	IP_NONE = 0,
	IP_V4 = 4,
	IP_V6 = 6,
	// No address: the key of a name (lib/policy/hop.h), whose address control finds. Only of
	// next hops.
	IP_NAMED = 254,
};

struct ip_addr {
	uint8_t bytes[16]; // network order; IPv4 in the first four, the others zero
	uint8_t family;    // enum ip_family
	uint8_t zero[3];
};

enum transport {
	TRANSPORT_NONE = 0,
	TRANSPORT_UDP,
	TRANSPORT_TCP,
	TRANSPORT_TLS,
};

// "udp", "tcp" or "tls"; "?" for another value.
const char *transport_name(enum transport t);
// Whether it is carried by TCP connections.
static inline bool transport_is_stream(enum transport t)
{
	return t == TRANSPORT_TCP || t == TRANSPORT_TLS;
}

struct endpoint {
	struct ip_addr ip;
	uint16_t port;     // host order
	uint8_t transport; // enum transport
	uint8_t zero;
};

struct ip_prefix {
	struct ip_addr ip; // host bits zero
	uint8_t bits;
	uint8_t zero[3];
};

// Longest text: an IPv6 address in brackets, a colon, a port, NUL. That of a key is shorter.
#define ENDPOINT_TEXT_BYTES 56
#define IP_TEXT_BYTES       46

// Whether bytes from elsewhere are one: a known family, and zero where its form wants it. A key is
// none.
bool ip_is_valid(const struct ip_addr *ip);
// That, with a port and a transport.
bool endpoint_is_valid(const struct endpoint *e);
// That, or a name's key that is reached over a stream: port 0 where DNS says the port too.
bool endpoint_is_hop(const struct endpoint *e);

bool ip_equal(const struct ip_addr *a, const struct ip_addr *b);
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);
bool ip_prefix_covers(const struct ip_prefix *prefix, const struct ip_addr *ip);

// Text without brackets, port or zone: dotted quad, or RFC 4291 §2.2 in any of its forms.
// 0, or -EINVAL.
int ip_parse(struct view text, struct ip_addr *out);
// ADDRESS or ADDRESS/BITS. Host bits set in a prefix are -EINVAL.
int ip_prefix_parse(struct view text, struct ip_prefix *out);
// ADDRESS, ADDRESS:PORT, [V6] or [V6]:PORT; without a port the given one. 0, or -EINVAL.
int endpoint_parse(
	struct view text, uint16_t default_port, enum transport transport, struct endpoint *out);

// Writes NUL-terminated text (RFC 5952 for IPv6, in brackets for an endpoint; "name-" and half of
// the key in hexadecimal digits for a key); returns its length.
size_t ip_format(const struct ip_addr *ip, char text[IP_TEXT_BYTES]);
size_t endpoint_format(const struct endpoint *e, char text[ENDPOINT_TEXT_BYTES]);
