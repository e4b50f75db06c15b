// SPDX-License-Identifier: BSD-3-Clause
// Identity card: who the peer of an authenticated connection is, as control has proved it. Made by
// control at the end of a handshake, kept by the worker beside its sessions (one card for all
// sessions of one identity), given back to a control that has restarted, and what the decision
// judges a sender by (FEATURES T2; RFC 5922).
//
// Plain data of bounded size that travels in one ring message; its receiver calls card_check().

#pragma once

#include "lib/base/view.h"

#define CARD_BYTES             1000
#define CARD_FINGERPRINT_BYTES 32
#define CARD_NAMES_MAX         32
#define CARD_TEXT_BYTES        788

// How a domain was proved.
enum card_proof {
	CARD_PROOF_NONE,
	CARD_SAN_URI,  // subjectAltName URI, sip:domain (RFC 5922 §7.1)
	CARD_SAN_DNS,  // subjectAltName dNSName
	CARD_CN,       // common name, of a certificate without either
	CARD_DIALBACK, // XMPP server dialback (XEP-0220)
	CARD_PROOF_N,
};

// What its chain permits the certificate for (extended key usage, FEATURES T6): known for every
// one, so that who would fail under a stricter policy is known before there is one.
enum card_usage {
	CARD_USAGE_SERVER = 1, // serverAuth
	CARD_USAGE_CLIENT = 2, // clientAuth
};
#define CARD_USAGES_ALL (CARD_USAGE_SERVER | CARD_USAGE_CLIENT)

// A run of text[], which no NUL ends.
struct card_text {
	uint16_t offset, len;
};

struct card {
	// SHA-256 of the certificate; zero where there is none.
	uint8_t fingerprint[CARD_FINGERPRINT_BYTES];
	uint8_t n_names;
	uint8_t n_left_out;  // names that found no place; 255: or more
	uint16_t text_bytes; // used of text; the rest is zero
	// 1: its chain ends in a root that the document trusts; 0: known by its fingerprint only.
	uint8_t trusted;
	uint8_t usages; // bits of enum card_usage
	uint8_t zero[2];
	// The texts lie in text[] in this order, then the names, one behind the other.
	struct card_text subject, issuer; // RFC 4514 in printable ASCII, cut where they are long
	struct card_text serial;          // lower case hex
	// Proved names, canonical: lower case A-labels, no trailing dot (lib/policy/domain.h).
	struct card_text names[CARD_NAMES_MAX];
	uint8_t proofs[CARD_NAMES_MAX]; // enum card_proof of each name
	uint8_t text[CARD_TEXT_BYTES];
};

_Static_assert(sizeof(struct card) == CARD_BYTES, "no padding: cards are compared whole");

// Of the texts, when a card is made. A serial number has at most 20 bytes (RFC 5280 §4.1.2.2).
#define CARD_SUBJECT_BYTES_MAX 128
#define CARD_ISSUER_BYTES_MAX  128
#define CARD_SERIAL_BYTES_MAX  40

// An empty card of a certificate: fingerprint, CARD_FINGERPRINT_BYTES of it, or NULL without one.
// Of the texts what is no printable ASCII becomes `?`, and what is too long is cut.
void card_init(struct card *c, const uint8_t *fingerprint, struct view subject, struct view issuer,
	struct view serial);
// Adds a domain in any spelling. A name that is already there keeps its former proof. 0; -EINVAL,
// it is no domain, the proof is none, or one of a certificate that the card does not have; -ENOSPC,
// the card is full: one more is left out.
int card_add_name(struct card *c, struct view name, enum card_proof proof);

// NULL, or which rule the bytes break (static text).
const char *card_check(const struct card *c);
struct view card_view(const struct card *c, struct card_text text);
// Whether host, canonical, is one of the proved names: the whole name, no wildcards and no
// sub-domains (RFC 5922 §7.2).
bool card_names(const struct card *c, struct view host);
// Whether the name of that index is a domain that its owner may speak for: dNSNames and common
// names are hosts only where a SAN URI says which domains there are (RFC 5922 §7.1).
bool card_name_is_domain(const struct card *c, unsigned index);
// card_names(), of those that are domains.
bool card_proves(const struct card *c, struct view domain);
