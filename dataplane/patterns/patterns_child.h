// SPDX-License-Identifier: BSD-3-Clause
// The process that compiles Hyperscan databases for the dataplane: forked before EAL starts, with
// no network, no files, limits and seccomp. It gets pattern text and hands a database back; a crash
// or a time-out refuses a publication and nothing more, since it forks a compiler for each.
//
// The child itself cannot be replaced: whoever forks it later would give it packet memory and keys.
// Without it publications that need no compiling are still taken.

#pragma once

#include "lib/policy/patterns.h"

#define PATTERNS_CHILD_ERROR_BYTES 200

struct patterns_child;

// Forks it. Call before EAL, threads and secrets. NULL with errno.
struct patterns_child *patterns_child_start(void);
void patterns_child_stop(struct patterns_child *c);

// Hands it the pattern set of an image (its text is copied out; the image's own bytes, which hold
// keys, are not shared). 0; -EBUSY while another is under way; or -errno with a text in error.
int patterns_child_submit(struct patterns_child *c, const struct image *image,
	char error[PATTERNS_CHILD_ERROR_BYTES]);
// The database is the caller's. 1; 0 while it compiles (poll patterns_child_fd() for POLLIN); or
// -errno with a text in error. Never blocks.
int patterns_child_collect(
	struct patterns_child *c, hs_database_t **database, char error[PATTERNS_CHILD_ERROR_BYTES]);
int patterns_child_fd(const struct patterns_child *c);
// Gives up what is under way.
void patterns_child_cancel(struct patterns_child *c);

// Submit and collect in one. timeout_ms bounds the whole call. 0, or -errno with a text in error.
int patterns_child_compile(struct patterns_child *c, const struct image *image, int timeout_ms,
	hs_database_t **database, char error[PATTERNS_CHILD_ERROR_BYTES]);
