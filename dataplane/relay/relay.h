// SPDX-License-Identifier: BSD-3-Clause
// The SIP relay of one worker: messages in, verdicts, messages out (FEATURES R1, RFC 3261 §16,
// stateless as in §16.11). No DPDK here: a burst of messages comes in, of datagrams and of streams,
// and each gives at most one message, written where the caller said. That is also how the tests
// drive it.
//
// Thread: one worker's. No allocation, no system call. Between two bursts the caller may change
// the policy with relay_set_policy().

#pragma once

#include "lib/base/addr.h"
#include "lib/base/reason.h"
#include "lib/base/side.h"
#include "lib/policy/decide.h"

#define RELAY_BURST         32
#define RELAY_LISTENERS_MAX 64
// What a relay may add to a message: its Via, two Record-Routes, received and rport.
#define RELAY_GROWTH_BYTES 1024

struct relay_listener {
	struct endpoint local;
	uint8_t side;                // enum side
	struct view sent_by;         // what our Via and Record-Route name: this relay, never a pool
	uint32_t datagram_bytes_max; // payload that leaves by it; 0: as much as UDP carries
};

struct relay_in {
	struct view payload; // a datagram's, or of a stream from the message's first byte on
	struct endpoint source;
	uint64_t conn;           // that it came by: comes back with its responses; 0: a datagram
	const struct card *card; // who the other end of conn has proved to be; NULL: not known
	uint64_t card_serial;    // as in struct policy_query
	uint16_t listener;       // of TLS, outside: a request without card is refused
	uint16_t fault; // enum reason; of a stream: what it is refused for, whatever it says
	bool is_read;   // by relay_read(), as this number of the burst
	// Likewise, by relay_read_head(): its body follows, and the caller carries that behind what
	// is written to out.
	bool is_head;
};

struct relay_out {
	// in: where to write. At least payload.len + RELAY_GROWTH_BYTES, or a refusal is all that
	// can be written.
	uint8_t *bytes;
	size_t room;
	// out
	size_t len;        // 0: nothing to send
	uint16_t listener; // leaves from its address and port
	struct endpoint destination;
	enum reason reason; // how the message in ended; already counted
	uint64_t conn;      // of a response: goes by this connection of worker; 0: of none
	bool again; // a request over UDP of a sender on a stream: to be repeated (RFC 3261 §17.1)
	// Of what is not just a datagram, one without conn and again; for struct parcel.
	bool is_response;
	uint8_t kind;    // enum parcel_kind
	uint8_t method;  // enum sip_method; of a response, of its CSeq
	uint8_t n_slots; // of struct parcel
	uint16_t status; // of a response
	uint16_t worker;
	uint32_t pair_hash; // of From and To, of a request
	uint64_t branch;    // hash in our Via of a request, or of the one that a response answers
	// Of what leaves by TLS: the certificate of ours that is shown, 0 for the default one; the
	// domain that it is for, until the next burst: canonical where it finds the next hop
	// (HOP_DOMAIN), else with its hash, which is not 0: the next hop must prove it.
	uint32_t certificate;
	struct view domain;
	bool names_hop;
	uint32_t domain_hash;
	// Of a request that leaves: domain that it was accepted from, in the payload, and the hash
	// of its name, which no spelling and no generation changes.
	struct view sender;
	uint32_t sender_hash;
};

struct relay;

// listeners: copied, views must outlive the relay. counters: REASON_N of them, the caller's.
// worker: number carried in the way back. NULL with errno EINVAL or ENOMEM.
struct relay *relay_new(const struct relay_listener listeners[], unsigned n_listeners,
	uint16_t worker, uint64_t counters[REASON_N]);
void relay_free(struct relay *r);

// decider: NULL for none, then every request is refused with REASON_no_policy. Responses to
// requests of the former policy pass as long as the key stays. The caller keeps it until the next
// call.
void relay_set_policy(struct relay *r, struct decider *decider, const struct image *image);

// Reads the message of a stream at the start of bytes, as number i < RELAY_BURST of the next burst.
// REASON_none, and how long it is in *n_bytes. Or why there is none (sip_message_parse()): where
// that is because not all of it is there, nothing has happened, and where the caller knows that it
// is, the burst refuses it.
enum reason relay_read(struct relay *r, unsigned i, struct view bytes, size_t *n_bytes);
// Likewise of one whose head alone is at hand: the burst says what is wrong with it. How long a
// body it says that it has.
uint32_t relay_read_head(struct relay *r, unsigned i, struct view head);

// n ≤ RELAY_BURST. Payloads stay the caller's and unchanged.
void relay_burst(struct relay *r, const struct relay_in in[], struct relay_out out[], unsigned n);

// A request that this relay wrote, to leave by listener, and that nobody will get: writes the
// response that its sender gets (reason_sip_status(), Retry-After with 503) to out, as if the next
// hop had given it. out->len is 0 where there is none: of an ACK, or where it does not fit.
void relay_undeliverable(struct relay *r, uint16_t listener, struct view request,
	enum reason reason, struct relay_out *out);

// Writes an OPTIONS to the other end of a connection, number making its transaction, to room bytes
// at out; how many, 0: it does not fit.
size_t relay_write_probe(const struct relay *r, uint16_t listener, const struct endpoint *to,
	uint64_t number, uint8_t *out, size_t room);

// What the policy says of a connection that was there before it, on listener, from source: whether
// sender, that it was last accepted for, is refused whoever it sends to. card: as in struct
// relay_in. REASON_none, or why.
enum reason relay_judge_sender(struct relay *r, uint16_t listener, struct view sender,
	const struct ip_addr *source, const struct card *card);
// Whether all domains that a card proves are blocked: nothing can pass its owner's connections, in
// either direction. False for one that proves none.
bool relay_blocks(struct relay *r, const struct card *card);
// Whether a peer of the policy has this next hop; domain: that DNS finds it by, empty for others.
bool relay_has_hop(const struct relay *r, const struct endpoint *to, struct view domain);

// Whether the other end of a connection of ours, whose card that is, has proved as its peer is
// asked to that it may get what is for a domain, in any spelling (identity_proves(); RFC 5922 §7).
// card: NULL proves nothing.
bool relay_proves(const struct relay *r, const struct card *card, struct view domain);

// Where a response goes for which a connection is opened, the one that its request came by being
// gone (RFC 3261 §18.2.2): out has destination, listener and branch of the way back, and gets what
// struct parcel wants of the new way, domain being in response, or valid until the next call. It is
// the same address, where that is a next hop of the requester's peer; or else such a hop that is a
// name, or the requester's domain itself where DNS finds its servers: control says where that is
// (RFC 3263 §5). False: neither.
bool relay_reopen(struct relay *r, struct view response, struct relay_out *out);
