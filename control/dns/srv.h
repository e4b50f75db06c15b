// SPDX-License-Identifier: BSD-3-Clause
// SRV records (RFC 2782): read out of answers, and put in the order in which they are to be tried.
// Pure; any thread.

#pragma once

#include "lib/base/view.h"

// A name of DNS as text, without the trailing dot, with its NUL.
#define DNS_NAME_BYTES 256

struct srv {
	uint16_t priority, weight, port;
	// Canonical as far as DNS goes: lower case. Empty: "." , the service is decidedly not
	// there.
	char target[DNS_NAME_BYTES];
};

// rdata: of one record, uncompressed, as libunbound gives it. 0, or -EBADMSG, also for a target
// with bytes that no host name has.
int srv_parse(struct view rdata, struct srv *out);

// In the order to try them: by priority, and within one by weight, at random (RFC 2782, "Weight").
// draw: a random number, a fresh one each call.
void srv_order(struct srv list[], size_t n, uint32_t (*draw)(void *arg), void *arg);
