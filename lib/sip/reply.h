// SPDX-License-Identifier: BSD-3-Clause
// A response that the relay makes itself (RFC 3261 §8.2.6).
// Pure; any thread; no allocation.

#pragma once

#include "lib/sip/edit.h"
#include "lib/sip/message.h"

struct sip_reply {
	const struct sip_message *request; // its index may be partial, see sip_message_parse()
	unsigned status;
	// received and rport for the first Via field; offsets in the request. NULL for none.
	const struct sip_edits *via_edits;
	unsigned n_vias_cut; // Via fields left out, from the first one on
	struct view to_tag;  // for a To that is known to have none; empty: To stays as it is
	struct view fields;  // further header fields, each with its CRLF
};

// "Forbidden" for 403, …; "Unknown" for a status outside status.def.
struct view sip_status_phrase(unsigned status);

// Writes the response: status line; every Via but those cut, the first From, To, Call-ID and CSeq,
// as far as the request has them; the further fields; Content-Length: 0. Its length, or 0 when it
// does not fit.
size_t sip_reply_write(const struct sip_reply *reply, uint8_t *out, size_t room);
