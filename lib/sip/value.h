// SPDX-License-Identifier: BSD-3-Clause
// Typed values of the header fields that a relay reads (RFC 3261 §20).
// Pure; any thread; views into the message. Every function returns 0, or -EINVAL where the field
// is malformed; -ENOENT where it is absent.

#pragma once

#include "lib/sip/message.h"
#include "lib/sip/uri.h"

// Walks the values of a list field over commas and over repeated fields alike, in order; quoted
// strings and angle brackets protect commas.
struct sip_values {
	const struct sip_message *m;
	const struct sip_header *h;
	uint32_t at; // where the next value starts in the field
};

struct sip_value {
	const struct sip_header *h; // the field it stands in
	struct sip_span span;       // without white space around it
};

static inline struct sip_values sip_values_of(const struct sip_message *m, enum sip_header_id id)
{
	const struct sip_header *h = sip_header_first(m, id);

	return (struct sip_values){.m = m, .h = h, .at = h != NULL ? h->value.at : 0};
}

// 1 and the next value; 0 at the end; -EINVAL on an empty value or a broken quote.
int sip_values_next(struct sip_values *it, struct sip_value *out);

struct sip_via {
	struct view text; // the whole value
	struct view transport_text;
	struct view host;     // sent-by without port, brackets kept
	struct view sent_by;  // host and port as written
	struct view params;   // from the first ';', or empty
	struct view branch;   // empty when absent
	struct view received; // empty when absent
	uint16_t port;        // 0 when absent
	uint8_t transport;    // enum transport; TRANSPORT_NONE for one that is not ours
	bool has_rport;       // RFC 3581; with or without a value
	struct view rport;    // its value, empty when it has none
};

int sip_via_parse(struct view value, struct sip_via *out);
// As sip_values_next(), of Via: the value parsed in the same pass, and where it stands.
int sip_vias_next(struct sip_values *it, struct sip_via *out, struct sip_value *where);
// The topmost Via value and where it stands.
int sip_top_via(const struct sip_message *m, struct sip_via *out, struct sip_value *where);

// From, To, Contact, Route, Record-Route: name-addr or addr-spec with parameters. Without angle
// brackets, parameters belong to the field, not the URI, and the URI may hold no comma, question
// mark or semicolon (RFC 3261 §20).
struct sip_address {
	struct view display; // as written, empty when absent
	struct view uri_text;
	struct sip_uri uri;
	struct view params; // of the field, from the first ';'
	struct view tag;    // empty when absent
};

int sip_address_parse(struct view value, struct sip_address *out);
// As sip_values_next(), of Contact, Route, Record-Route: the value parsed in the same pass, and
// where it stands.
int sip_addresses_next(struct sip_values *it, struct sip_address *out, struct sip_value *where);
int sip_from(const struct sip_message *m, struct sip_address *out);
int sip_to(const struct sip_message *m, struct sip_address *out);

// The Request-URI, by the same rules as sip_uri_parse().
int sip_request_uri(const struct sip_message *m, struct sip_uri *out);

struct sip_cseq {
	uint32_t number; // < 2^31
	struct view method_text;
	uint8_t method; // enum sip_method
};

int sip_cseq(const struct sip_message *m, struct sip_cseq *out);
int sip_call_id(const struct sip_message *m, struct view *out);
int sip_max_forwards(const struct sip_message *m, unsigned *out); // 0 to 255
int sip_content_length(const struct sip_message *m, uint32_t *out);
int sip_content_type(const struct sip_message *m, struct view *type, struct view *subtype);
int sip_event(const struct sip_message *m, struct view *package);
