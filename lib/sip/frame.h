// SPDX-License-Identifier: BSD-3-Clause
// Where the next message of a stream ends: behind its head by as much as Content-Length says, which
// is mandatory there (RFC 3261 §18.3, §20.14). Bytes come in pieces as they like; each is looked at
// once, however slowly a head arrives.
//
// Whole messages need none of it: sip_message_parse() in SIP_STREAM finds their end by itself, and
// the same one. This is for what it refuses: a part of a message, or one that is malformed but
// whose end is known, so that the stream goes on behind it.
//
// Pure; any thread; nothing of the bytes is kept.

#pragma once

#include "lib/sip/message.h"

// A message under way. All zero: none has begun.
struct sip_frame {
	uint32_t n_bytes;    // of the head, taken so far; with its empty line, once it has ended
	uint32_t body_bytes; // by Content-Length; 0 until there is one
	bool ended : 1;      // the head has
	// Not for the caller.
	bool has_length : 1, bad_length : 1;
	uint8_t state, resumed; // where in the head; where a fold leads back to
	uint8_t n_matched;      // letters of the name
	uint32_t number;        // of the Content-Length being read
};

// Line ends in front of a message: ignored (RFC 3261 §7.5), or a keepalive (RFC 5626 §3.5.1). How
// many bytes of bytes are whole CRLFs. *n_pings grows by the double ones; *half, kept by the
// caller, says that one CRLF of a double one has come, and is cleared by what is no CRLF.
size_t sip_frame_skip_blank(struct view bytes, bool *half, unsigned *n_pings);

// Takes bytes that follow those taken already; stops behind the empty line. REASON_none: the head
// has ended, or more is needed. Otherwise the end of the message cannot be known, and
// so the stream is lost:
//   sip_header_too_large     the head does not end within SIP_HEAD_BYTES_MAX
//   sip_malformed            a CR or LF stands alone, where two readers see different lines
//   sip_missing_header       there is no Content-Length
//   sip_bad_content_length   it is no number, or two of them differ
enum reason sip_frame_feed(struct sip_frame *f, struct view bytes);
