// SPDX-License-Identifier: BSD-3-Clause
// Revisions of the federation document, in SQLite. Rows are never removed: they are the history.
// Calls may come from any thread; one may write while another reads.

#pragma once

#include "lib/policy/image.h"

#include <sys/types.h>

#define REVISIONS_ERROR_BYTES 256

struct revisions;

// A revision "stands" unless it is refused.
enum revision_state {
	REVISION_PENDING, // stored; no dataplane has answered yet
	REVISION_APPLIED, // taken by a dataplane
	REVISION_REFUSED,
};

struct revision {
	uint64_t number;
	int64_t time; // seconds, UTC
	uid_t uid;
	enum revision_state state;
	uint8_t digest[IMAGE_DIGEST_BYTES];
	uint32_t n_names, n_patterns, n_peers;
	char *name;     // the document's, as its publisher called it
	char *comment;  // may be empty
	char *error;    // of a refused one; empty otherwise
	char *document; // NULL unless asked for
};

void revision_fini(struct revision *r);

// Opens or makes the database. A damaged one is refused: nothing is thrown away to mend it. NULL
// with the reason in error.
struct revisions *revisions_open(const char *path, char error[REVISIONS_ERROR_BYTES]);
void revisions_close(struct revisions *r);

// The highest number ever given, 0 for none.
int revisions_last_number(struct revisions *r, uint64_t *number);

// Inserts it as pending. 0 or -errno: -EEXIST where the number is taken.
int revisions_add(struct revisions *r, const struct revision *revision);
// error: of a refused one, else "". 0 or -errno: -ENOENT for no such number.
int revisions_set_state(
	struct revisions *r, uint64_t number, enum revision_state state, const char *error);

// The one with this number. 0 or -errno: -ENOENT.
int revisions_find(struct revisions *r, uint64_t number, struct revision *out);
// The newest that stands, of those below a number. 0 or -errno: -ENOENT.
int revisions_find_standing(struct revisions *r, uint64_t below, struct revision *out);
// The n newest, newest first, without documents. How many, or -errno.
int revisions_list(struct revisions *r, struct revision out[], size_t n);
// Numbers of those that stand behind the n_kept newest that do, newest first. How many, or -errno.
int revisions_list_old(struct revisions *r, unsigned n_kept, uint64_t numbers[], size_t n);
