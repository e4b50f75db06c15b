// SPDX-License-Identifier: BSD-3-Clause
// The index over one SIP message (RFC 3261 §7, §25.1): where everything is, nothing copied.
//
// Two steps. sip_message_parse() finds the start line, every header field (long or compact,
// folded or not, known or not) and the body; it refuses only what has no structure. The typed
// accessors of value.h and uri.h then read a field when somebody needs it, and refuse a malformed
// one then: a relay forwards what it need not understand.
//
// Pure functions; any thread; no allocation. All spans point into the parsed bytes, which must
// outlive the index and stay unchanged.

#pragma once

#include "lib/base/reason.h"
#include "lib/base/view.h"

// Bound on the start line and header fields together, so that spans fit 16 bits.
#define SIP_HEAD_BYTES_MAX 65535
#define SIP_HEADERS_MAX    200
// Of so many bytes the index keeps what the typed accessors would otherwise look for again.
#define SIP_MARKED_BYTES 4096

enum sip_header_id {
	SIP_H_OTHER,
#define SIP_HEADER(id, name, compact, list) SIP_H_##id,
#include "lib/sip/header.def"
#undef SIP_HEADER
	SIP_H_N,
};

enum sip_method {
	SIP_M_OTHER,
#define SIP_METHOD(name, dialog) SIP_M_##name,
#include "lib/sip/method.def"
#undef SIP_METHOD
	SIP_M_N,
};

// Offsets count from the first byte of the message.
struct sip_span {
	uint16_t at;
	uint16_t len;
};

struct sip_header {
	struct sip_span name;  // as written, without the white space before the colon
	struct sip_span value; // without white space around it; folds stay inside as bytes
	uint16_t end;          // offset of the byte after this field's last CRLF
	uint8_t id;            // enum sip_header_id
	uint8_t next; // index of the next field with this id, 0 for none (0 is never a next)
};

struct sip_message {
	struct view bytes;     // from the start line to the end of the body
	struct view body;      // cut to Content-Length where there is one
	struct sip_span start; // the start line without its CRLF
	bool is_request;
	uint8_t method;  // enum sip_method; of a response, unset: ask its CSeq
	uint16_t status; // of a response, 100 to 699
	struct sip_span method_text, request_uri; // of a request
	struct sip_span reason_phrase;            // of a response
	uint16_t headers_end;                     // offset of the empty line's CRLF
	uint8_t n_headers;
	bool has_length;         // a Content-Length was read
	uint32_t content_length; // then, its value
	uint8_t first[SIP_H_N];  // 1 + index of the first field with the id, 0 for none
	uint8_t last[SIP_H_N];   // likewise of the last
	// One bit a byte of the head, for lex.h.
	uint64_t specials[SIP_MARKED_BYTES / 64];
	struct sip_header headers[SIP_HEADERS_MAX];
};

// Where a message's bytes end.
enum sip_framing {
	SIP_DATAGRAM, // with the datagram; a longer Content-Length is an error (RFC 3261 §18.3)
	SIP_STREAM,   // by Content-Length, which is then mandatory (RFC 3261 §20.14)
	SIP_HEAD,     // behind the head, or what there is of the body: the rest of it is elsewhere
};

// Indexes the message at the start of bytes, after any leading CRLFs (RFC 3261 §7.5).
//
// Returns REASON_none and a whole index, or why there is none. After REASON_sip_not_sip nothing
// in *m may be used. After any other reason the start line and the fields found before the fault
// are valid, so that the request can be answered; body may then be empty.
// Bounded: one pass over the head, SIP_HEADERS_MAX fields.
enum reason sip_message_parse(struct view bytes, enum sip_framing framing, struct sip_message *m);

static inline struct view sip_view(const struct sip_message *m, struct sip_span s)
{
	return view_of(m->bytes.at + s.at, s.len);
}

// The first field with that id, and the next one after a given field; NULL for none.
static inline const struct sip_header *sip_header_first(
	const struct sip_message *m, enum sip_header_id id)
{
	return m->first[id] != 0 ? &m->headers[m->first[id] - 1] : NULL;
}

static inline const struct sip_header *sip_header_next(
	const struct sip_message *m, const struct sip_header *h)
{
	return h->next != 0 ? &m->headers[h->next] : NULL;
}

enum sip_method sip_method_find(struct view name); // case-sensitive (RFC 3261 §7.1)
bool sip_method_makes_dialog(enum sip_method method);
enum sip_header_id sip_header_find(struct view name); // long or compact, case-insensitive
bool sip_header_is_list(enum sip_header_id id);
