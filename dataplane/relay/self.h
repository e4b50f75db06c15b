// SPDX-License-Identifier: BSD-3-Clause
// The relay's own addresses: what it calls itself, what it recognises as itself, and by which of
// them a message leaves. Built once; read by one thread.

#pragma once

#include "dataplane/relay/relay.h"
#include "lib/sip/uri.h"

// Of a sent-by as configured: a host name of RFC 1035's length, a colon, a port.
#define SELF_SENT_BY_BYTES_MAX 262

#define SELF_NO_LISTENER UINT16_MAX

struct listener {
	struct endpoint local;
	uint8_t side;
	uint32_t datagram_bytes_max; // payload, of UDP
	// sent_by, and what is made of it once; views into self.text
	struct view sent_by;
	struct view via;          // "Via: SIP/2.0/UDP sent-by;branch=z9hG4bK"
	struct view record_route; // "Record-Route: <sip:sent-by;lr>" and CRLF
	struct sip_uri own;       // sent_by as a URI
};

struct self {
	unsigned n;
	struct listener list[RELAY_LISTENERS_MAX];
	// First listener of a side, family and transport; SELF_NO_LISTENER where there is none.
	uint16_t first[SIDE_N][2][TRANSPORT_TLS + 1];
	uint8_t text[RELAY_LISTENERS_MAX * 3 * (SELF_SENT_BY_BYTES_MAX + 64)];
};

// 0, or -EINVAL for a listener without address, port, known transport, side or valid sent-by.
int self_init(struct self *s, const struct relay_listener list[], unsigned n);

// Whether the URI's host and port are this relay: a listener's address, or its sent-by.
bool self_is(const struct self *s, const struct sip_uri *uri);
// Likewise of a sent-by in Via. port: 0 for none.
bool self_is_sent_by(const struct self *s, struct view host, uint16_t port);

// The listener by which messages leave towards a next hop: the first that fits, whichever they came
// by, or a CANCEL by another one than its INVITE would be of another transaction. SELF_NO_LISTENER
// for none. A name fits either family.
unsigned self_egress(const struct self *s, unsigned side, const struct endpoint *hop);
