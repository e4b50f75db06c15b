// SPDX-License-Identifier: BSD-3-Clause

#include "tests/bench/traffic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A bijection on 32 bits (the finaliser of MurmurHash3): neighbours in, strangers out.
static uint32_t scatter(uint32_t x)
{
	x ^= x >> 16;
	x *= 0x85ebca6b;
	x ^= x >> 13;
	x *= 0xc2b2ae35;
	return x ^ x >> 16;
}

size_t traffic_domain(uint32_t number, char name[TRAFFIC_NAME_BYTES])
{
	static const char *const words[] = {"alpine", "coho", "fourth", "graphic", "humongous",
		"lucerne", "margie", "proseware", "tailspin", "trey", "wingtip", "wide-world"};
	static const char *const tlds[] = {"example", "net.example", "co.example", "test"};
	uint32_t x = scatter(number);

	return (size_t)snprintf(name, TRAFFIC_NAME_BYTES, "%s-%06u.%s",
		words[x % (sizeof(words) / sizeof(words[0]))], number,
		tlds[x / 64 % (sizeof(tlds) / sizeof(tlds[0]))]);
}

void traffic_message(uint32_t index, const char *sent_by, uint8_t out[TRAFFIC_MESSAGE_BYTES])
{
	static const char body[] =
		"The ships hung in the sky in much the same way that bricks do "
		"not, and nobody on the bridge said a word about it for a while.";
	char domain[TRAFFIC_NAME_BYTES], text[TRAFFIC_MESSAGE_BYTES + 1];
	uint32_t x = scatter(index ^ 0x5bd1e995);
	size_t n_head, n_body;

	traffic_domain(scatter(index) % TRAFFIC_DOMAINS, domain);
	// The length of the body has three digits in every message, so the head's is known after
	// one dry run.
	for (n_body = 100;;) {
		int n = snprintf(text, sizeof(text),
			"MESSAGE sip:user%05u@" TRAFFIC_LOCAL_DOMAIN " SIP/2.0\r\n"
			"Via: SIP/2.0/UDP %s;branch=z9hG4bK%08x%08x;rport\r\n"
			"Max-Forwards: 70\r\n"
			"From: <sip:agent%03u@%s>;tag=%08x\r\n"
			"To: <sip:user%05u@" TRAFFIC_LOCAL_DOMAIN ">\r\n"
			"Call-ID: %08x%08x@%s\r\n"
			"CSeq: %u MESSAGE\r\n"
			"Content-Type: text/plain\r\n"
			"Content-Length: %zu\r\n"
			"\r\n",
			x % 100000, sent_by, index, x, x % 1000, domain, ~x, x % 100000, x, index,
			domain, x % 900 + 100, n_body);

		n_head = (size_t)n;
		if (n_head + n_body == TRAFFIC_MESSAGE_BYTES)
			break;
		if (n_head + 100 > TRAFFIC_MESSAGE_BYTES)
			abort();
		n_body = TRAFFIC_MESSAGE_BYTES - n_head;
	}
	memcpy(out, text, n_head);
	for (size_t i = 0; i < n_body; i++)
		out[n_head + i] = (uint8_t)body[(x + i) % (sizeof(body) - 1)];
}
