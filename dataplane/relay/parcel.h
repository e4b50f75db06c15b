// SPDX-License-Identifier: BSD-3-Clause
// A message under way between the relay and what carries it: written whole, in one piece, with the
// place that it goes to; of one too long for that its head alone, and its body apart (bodies.h). It
// lies in packet memory; whoever holds it passes it on or gives it back.

#pragma once

#include "dataplane/relay/bodies.h"
#include "lib/base/reason.h"

enum parcel_kind {
	PARCEL_REQUEST, // a new one: refused where a queue is half full
	PARCEL_DIALOG,  // within a dialog: refused where it is three quarters full
	PARCEL_KEEP,    // ACK, BYE, CANCEL and responses: never shed (FEATURES R5)
};

// A domain_hash by which nothing is remembered.
#define PARCEL_PROVE_ALWAYS UINT32_MAX

struct parcel {
	struct parcel *next; // of the queue it waits in
	uint8_t *bytes;
	struct body *body; // what follows; whole once the parcel leaves its streams. NULL: nothing
	uint32_t len, room;
	uint32_t certificate;        // of ours that is shown to a hop over TLS; 0: the default one
	struct endpoint destination; // its transport says how it goes
	uint16_t listener;           // leaves by
	uint16_t worker;             // a response's: owner of conn
	uint64_t conn;               // the one that the request came by, 0: none, or gone
	uint64_t branch;             // hash in our Via of a request, or of the request answered
	uint64_t due;                // of what waits or is to be sent again: ns
	uint32_t pair_hash;          // of From and To, so that their order is kept
	uint32_t domain_hash;        // of that domain, which the hop must prove; 0: it need not
	uint32_t weight;             // of its memory: so many of the smallest parcels
	uint8_t origin;              // worker whose memory it is
	uint16_t status;             // of a response
	uint8_t kind;                // enum parcel_kind
	uint8_t method;              // enum sip_method
	uint8_t n_slots;             // connections that its target may have: 1 to 4, 0: as many
	uint8_t n_domain;            // bytes behind the message: the domain that it is for, or 0
	bool names_hop;              // that domain finds its hop (HOP_DOMAIN)
	bool is_response;
	bool again; // over UDP for a sender on a stream, which will not repeat it: we do (timers A,
		    // E)
};

// How much of a queue its kind may fill.
static inline uint32_t parcel_bound(const struct parcel *p, uint32_t hard)
{
	return p->kind == PARCEL_KEEP      ? hard
		: p->kind == PARCEL_DIALOG ? hard - hard / 4
					   : hard / 2;
}

// What the relay needs of the worker that it runs in; each takes arg first. Also how tests stand
// in for one.
struct relay_host {
	void *arg;
	// Room for a message of n_bytes, its weight and origin set; NULL when packet memory is
	// empty or n_bytes too large.
	struct parcel *(*get)(void *arg, size_t n_bytes);
	void (*put)(void *arg, struct parcel *p);
	// Sends a copy, or the parcel itself when `keep` is false, which is then gone.
	void (*send_datagram)(void *arg, struct parcel *p, bool keep);
	// Gives the parcel to another worker's streams_take(). False, and it stays the caller's,
	// when the ring is full.
	bool (*hand_over)(void *arg, unsigned worker, struct parcel *p);
	// A connection whose return traffic comes to this worker: tcp_open() with a source port.
	int (*open)(void *arg, uint16_t listener, const struct endpoint *remote, uint64_t *conn);
};

// Gives it back, and what it has beside packet memory.
static inline void parcel_put(const struct relay_host *host, struct parcel *p)
{
	if (__builtin_expect(p->body != NULL, 0)) {
		body_put(p->body);
		p->body = NULL;
	}
	host->put(host->arg, p);
}
