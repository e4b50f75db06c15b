// SPDX-License-Identifier: BSD-3-Clause
// Which next hops the workers may connect to, and when: those that a peer of the published policy
// has, and a dead one not before its back-off is over. Workers ask and are answered at once, or as
// soon as it is known where a name leads; what becomes of the connections they say themselves
// (lib/link/message.def).
//
// Of the places that a name has, the next one is tried when one fails, and only the last failure
// makes it back off.
//
// A failure counts once for all connections of a target that failed together: while it is backing
// off, further ones change nothing. It is forgotten when a connection has stood for a while.
//
// Pure: time and randomness come from the caller. The loop's thread.

#pragma once

#include "lib/link/message.h"
#include "lib/policy/image.h"

// Of the delays between two tries of a dead target, each a random part shorter than the double of
// the one before.
#define TARGETS_BACK_OFF_MS_MIN 1000
#define TARGETS_BACK_OFF_MS_MAX 60000
// A connection that has stood for so long was a success.
#define TARGETS_STABLE_MS 10000
// Until a worker asks again for one that no peer has: a publication may be under way to control.
#define TARGETS_UNKNOWN_MS 1000

struct targets;

// What is published, as far as it is asked here.
struct targets_policy {
	const struct image *image; // NULL: nothing
	// Whose a canonical domain is: IMAGE_PEER_NONE for nobody's.
	uint32_t (*peer_of)(void *arg, struct view domain);
	void *arg;
};

enum targets_reply {
	TARGETS_NOTHING,
	TARGETS_ANSWER, // *answer is to be said to the worker
	TARGETS_FIND,   // *question is to be answered by targets_found(), now or later
};

// Where a named hop is. worker and target are the worker's words, to be given back.
struct targets_question {
	unsigned worker;
	struct link_target target;
	enum hop_kind kind;
	uint16_t port;
	uint8_t name_len;
	uint8_t name[LINK_NAME_BYTES_MAX]; // canonical
};

// n_max: targets remembered at once, 1 to 2^20; the longest unused ones without a connection give
// way. seed: of the jitter. NULL with errno.
struct targets *targets_new(uint32_t n_max, uint64_t seed);
void targets_free(struct targets *t);

// A TARGET_... message of a worker < 64, already checked by link_message_check(). policy: now.
// n_listeners: of the dataplane. A question is put once, however often the worker asks meanwhile.
enum targets_reply targets_hear(struct targets *t, const struct targets_policy *policy,
	unsigned n_listeners, unsigned worker, const struct link_message *m, uint64_t now_ns,
	struct link_message *answer, struct targets_question *question);

// places: of the name, in the order to try them; none: it has none, or nobody could say. Writes
// what is to be said to the worker that asked.
void targets_found(struct targets *t, const struct targets_question *question,
	const struct endpoint places[], size_t n_places, uint64_t now_ns,
	struct link_message *answer);

// Its back-off is over: somebody wants to see how it goes now.
void targets_forgive(struct targets *t, const struct link_target *which);

// Another attachment: its workers will tell of their connections, and ask anew. Back-offs stay.
void targets_forget_connections(struct targets *t);

struct targets_row {
	struct endpoint remote;
	struct view name; // of a named one, until the next call; empty where it was never asked for
	struct endpoint address; // that was last connected to
	uint16_t listener;
	uint32_t certificate; // of ours, by image_certificate_id(); 0: the default one
	unsigned n_up;
	uint64_t up_ms;                       // since the oldest connection came up; 0: none is up
	uint32_t back_off_ms;                 // left; 0: may be connected to
	uint32_t n_failures;                  // one after the other
	enum reason reason;                   // of the last connection that ended or failed
	uint64_t lost_bytes;                  // with connections that ended
	uint64_t n_opened, n_ended, n_failed; // connections
};

// Calls each for every target, the one last asked for first.
void targets_each(const struct targets *t, uint64_t now_ns,
	void (*each)(void *arg, const struct targets_row *row), void *arg);

// What the key of a named hop is of, as far as a worker has asked for it. name: until the next
// call.
bool targets_name(
	const struct targets *t, const struct ip_addr *key, enum hop_kind *kind, struct view *name);

// Asked for, and no peer has it.
uint64_t targets_n_unknown(const struct targets *t);
