// SPDX-License-Identifier: BSD-3-Clause
// Sees to it that the dataplane judges by the newest revision that stands: takes publications from
// descriptors to the proof by every worker, and offers the stored revision again to a dataplane
// that has another one (FEATURES O2, DESIGN §7). Loop's thread; reading, compiling and storing run
// on libuv's work threads.
//
// One publication at a time. What happens, in order:
//   compile   document and lists are read, compiled and stored as pending (store.h step 1)
//   offer     the dataplane checks the image; refused: nothing has changed, the revision is refused
//   record    the revision becomes the current one
//   prove     each worker says over its own ring that it judges by it
// With no dataplane attached, offer and what follows happen when one attaches.

#pragma once

#include "control/link/dataplane.h"
#include "control/policy/intake.h"
#include "control/store/store.h"

#define PUBLISH_TEXT_BYTES 320

struct publisher;

enum publish_until {
	PUBLISH_CHECKED, // compile only; nothing is stored
	PUBLISH_TAKEN,   // the dataplane took it
	PUBLISH_PROVED,  // every worker judges by it
};

struct publication {
	int fds[INTAKE_FDS_MAX]; // as struct intake has them; closed by the publisher
	size_t n_fds;
	char name[256]; // what its publisher calls the document
	char comment[512];
	uid_t uid;
	enum publish_until until;
	unsigned timeout_ms; // for the proof
};

enum publish_outcome {
	PUBLISH_DONE,       // as far as was asked
	PUBLISH_STORED,     // no dataplane: applied when one attaches
	PUBLISH_FAULTY,     // errors has what is wrong with the document
	PUBLISH_REFUSED,    // by the dataplane: text says why
	PUBLISH_NOT_PROVED, // taken, but not every worker said so in time
	PUBLISH_IMPOSSIBLE, // the store or memory failed: text says what
};

struct publish_result {
	enum publish_outcome outcome;
	uint64_t generation;
	struct image_info info;
	uint64_t n_bytes;     // of the image
	struct errors errors; // of the document
	char text[PUBLISH_TEXT_BYTES];
	// Time spent: reading and compiling; storing; in the dataplane, of which checking and
	// compiling patterns; from its answer to the last worker's proof.
	uint64_t compile_ns, store_ns, offer_ns, check_ns, patterns_ns, proof_ns;
};

typedef void publish_done_fn(void *arg, const struct publish_result *result);

// Loads the newest revision that stands and starts attaching to the dataplane. The store stays the
// caller's. NULL with errno.
struct publisher *publisher_new(uv_loop_t *loop, struct store *store, const char *dataplane_socket);
// Answers a publication under way, closes its handles; the caller then runs the loop until it is
// empty, for work on other threads ends there, and only then calls publisher_free().
void publisher_stop(struct publisher *p);
void publisher_free(struct publisher *p);

// Who has a say in publications, and wants to know of them.
struct publisher_hooks {
	// Whether a document that compiles can be served here. On a work thread. 0; -EINVAL when
	// errors has been added to; or another -errno.
	int (*check)(void *arg, struct view document, struct errors *errors);
	// That revision has become the current one. The loop's thread.
	void (*current)(void *arg, uint64_t number);
};
// Once, after publisher_new(); hears of the current revision at once, if there is one.
void publisher_set_hooks(struct publisher *p, const struct publisher_hooks *hooks, void *arg);

// done is called exactly once, later. -EBUSY while another is under way: the descriptors stay the
// caller's then. 0, -EBUSY or -ENOMEM.
int publisher_start(
	struct publisher *p, const struct publication *what, publish_done_fn *done, void *arg);

struct dataplane *publisher_dataplane(struct publisher *p);
// Of the revision that the dataplane judges by, or shall judge by; NULL before the first.
struct replica *publisher_replica(struct publisher *p);
// What the dataplane attached now judges by; 0 for nothing, or no dataplane.
uint64_t publisher_generation(const struct publisher *p);
// Whether the dataplane attached now has taken that revision.
bool publisher_in_force(const struct publisher *p);
// Why the newest revision cannot be offered (its image is damaged), or why the dataplane refused
// it; empty when all is well.
const char *publisher_trouble(const struct publisher *p);
