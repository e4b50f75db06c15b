// SPDX-License-Identifier: BSD-3-Clause
// The SIP relay of one worker: datagrams in, verdicts, datagrams out (FEATURES R1, RFC 3261 §16,
// stateless as in §16.11). No DPDK here: a burst of payloads comes in, and each gives at most one
// payload, written where the caller said. That is also how the tests drive it.
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
	uint8_t side;        // enum side
	struct view sent_by; // what our Via and Record-Route name: this relay, never a pool
};

struct relay_in {
	struct view payload;
	struct endpoint source;
	uint16_t listener;
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
	enum reason reason; // how the datagram in ended; already counted
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

// n ≤ RELAY_BURST. Payloads stay the caller's and unchanged.
void relay_burst(struct relay *r, const struct relay_in in[], struct relay_out out[], unsigned n);
