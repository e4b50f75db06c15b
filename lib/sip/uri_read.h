// SPDX-License-Identifier: BSD-3-Clause
// A URI within a larger value, for the sources of lib/sip only.

#pragma once

#include "lib/sip/lex.h"
#include "lib/sip/uri.h"

enum sip_uri_place {
	SIP_URI_ENCLOSED, // in angle brackets, or on its own
	SIP_URI_BARE,     // an addr-spec: ',', ';' and '?' are not of it (RFC 3261 §20)
};

// Reads a URI from the offset on, where or before which the lexer stands, and leaves the lexer at
// the first byte that is not of the URI. 0, or -EINVAL.
int sip_uri_read(struct lex *lexer, size_t from, enum sip_uri_place place, struct sip_uri *out);
