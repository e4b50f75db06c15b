// SPDX-License-Identifier: BSD-3-Clause
// A request of the relay's own: an OPTIONS (RFC 3261 §11) to the other end of a connection, which
// any SIP element answers, be it with a refusal.

#include "dataplane/relay/job.h"

#include <stdio.h>

size_t relay_write_probe(const struct relay *r, uint16_t listener, const struct endpoint *to,
	uint64_t number, uint8_t *out, size_t room)
{
	const struct listener *from = &r->self.list[listener];
	int len = (int)from->sent_by.len;
	const char *self = (const char *)from->sent_by.at;
	char peer[ENDPOINT_TEXT_BYTES];
	int n;

	endpoint_format(to, peer);
	// No hop behind the peer is asked.
	n = snprintf((char *)out, room,
		"OPTIONS sip:%s;transport=%s SIP/2.0\r\n"
		"%.*sprobe%016llx\r\n"
		"Max-Forwards: 0\r\n"
		"From: <sip:%.*s>;tag=%016llx\r\n"
		"To: <sip:%s>\r\n"
		"Call-ID: %016llx@%.*s\r\n"
		"CSeq: 1 OPTIONS\r\n"
		"Content-Length: 0\r\n\r\n",
		peer, transport_name((enum transport)from->local.transport), (int)from->via.len,
		(const char *)from->via.at, (unsigned long long)number, len, self,
		(unsigned long long)number, peer, (unsigned long long)number, len, self);
	return n > 0 && (size_t)n < room ? (size_t)n : 0;
}
