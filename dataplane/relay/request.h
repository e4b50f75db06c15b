// SPDX-License-Identifier: BSD-3-Clause
// A request as the relay reads it: its fields as values, each parsed once, checked in the order of
// RFC 3261 §16.3, and its route set after §16.4. Pure; nothing copied.

#pragma once

#include "dataplane/relay/marks.h"
#include "dataplane/relay/self.h"
#include "lib/sip/value.h"

// Which Route values stay.
struct request_routes {
	bool any;               // at least one stays
	struct sip_value front; // the first that stays
	struct sip_value back;  // the last that stays, when the last one was taken; else h is NULL
};

struct request {
	const struct sip_message *m;
	// Read for every request, as far as it has them; a refusal needs them.
	bool has_via, has_to;
	struct sip_via via; // the topmost
	struct sip_value via_at;
	struct sip_address from, to;
	struct view call_id;
	struct sip_cseq cseq;
	// Set by request_check().
	struct sip_uri uri;    // the Request-URI as received
	unsigned max_forwards; // as received
	bool has_max_forwards;
	// Set by request_route().
	struct request_routes routes;
	struct sip_address route;     // the first that stays; valid with routes.any
	struct view new_uri;          // replaces the Request-URI, empty when it stays (§16.4)
	struct sip_uri taken;         // new_uri parsed
	const struct sip_uri *target; // what the next hop is chosen by
};

// Reads what a refusal and an ACK's recognition need. REASON_none, or the first fault; what could
// be read is set in either case.
enum reason request_identify(struct request *rq, const struct sip_message *m);

// §16.3 steps 1 to 3 and 5, after request_identify() found no fault.
enum reason request_check(struct request *rq);

// §16.4: takes our own Route values away and undoes a strict router's rewriting.
enum reason request_route(struct request *rq, const struct self *self);
