// SPDX-License-Identifier: BSD-3-Clause
// A small world around the relay, for its tests and its fuzz target: a real policy image, two
// relays as two workers with the same key, and listeners on both sides in both families.

#pragma once

#include "dataplane/relay/relay.h"
#include "lib/policy/decide.h"

// domain             list    hops                           sources
// local.example      local   10.0.0.10                      10.0.0.0/24
// local6.example     local   [fd00::10]                     fd00::/64
// partner.example    allow   198.51.100.10                  198.51.100.0/24
// partner6.example   allow   [2001:db8::10]                 2001:db8::/64
// many.example       allow   198.51.100.21 to .24           198.51.100.0/24
// example.com, example.net, example.org and company.com, which occur in RFC 4475 and RFC 5118:
//                    local   10.0.0.20                      10.0.0.0/24
// tcp.example        allow   198.51.100.30 over TCP only    198.51.100.0/24
// found.example      allow   whom DNS finds                 none; its stamp is needed
// named.example      allow   sip.named.example over TLS     none; never verified
// blocked.example    block   by "lists/bad.txt", line 12
enum world_listener {
	WORLD_INSIDE,   // 10.0.0.1:5060, sent-by the same
	WORLD_OUTSIDE,  // 192.0.2.1:5060, sent-by relay.example.net
	WORLD_INSIDE6,  // [fd00::1]:5060
	WORLD_OUTSIDE6, // [2001:db8:1::1]:5060
	// Over TLS, and what comes by them with the world's card:
	WORLD_INSIDE_TLS,   // 10.0.0.1:5081, sent-by the same
	WORLD_OUTSIDE_TLS,  // 192.0.2.1:5081, sent-by relay.example.net:5081
	WORLD_INSIDE_AGAIN, // 10.0.0.3:5060, sent-by the same
	WORLD_N_LISTENERS,
};

#define WORLD_N_RELAYS    2
#define WORLD_CERTIFICATE 77 // of ours, shown for local.example
#define WORLD_BODY_BYTES  2000

struct world {
	void *bytes;
	size_t n_bytes;
	struct image *image;
	struct policy policy;
	struct decider *decider[WORLD_N_RELAYS];
	struct relay *relay[WORLD_N_RELAYS];
	uint64_t counters[WORLD_N_RELAYS][REASON_N];
	const struct card *card; // NULL at first
	uint8_t *sent;           // of the last world_send(): an allocation of the room given
};

extern const struct relay_listener world_listeners[WORLD_N_LISTENERS];

struct world *world_new(void);
// The same with stamps, in a field of this name.
struct world *world_new_stamped(struct view stamp);
void world_free(struct world *w);

// One message through relay_burst() of one relay. out.bytes holds until the next call. The payload
// is copied into an allocation of its own size, and the room is exactly what the relay asks for, so
// that ASan sees every byte too far.
struct relay_out world_send(struct world *w, unsigned relay, enum world_listener listener,
	const char *source, struct view payload);

// What was sent, NUL-terminated, with what is keyed in it replaced by its name: the branch by
// BRANCH, the way back by WAY, the loop digest by LOOP, a To tag of ours by TAG.
const char *world_masked(const struct relay_out *out);

// Sum of all counters of all relays.
uint64_t world_counted(const struct world *w);
