// SPDX-License-Identifier: BSD-3-Clause
// The process that compiles Hyperscan databases for the dataplane: forked before EAL starts, with
// no network, no files, limits and seccomp. It gets pattern text and hands a database back; a crash
// or a timeout of it refuses a publication and nothing more.

#pragma once

#include "lib/policy/patterns.h"

struct patterns_child;

// Forks it. Call before EAL, threads and secrets. NULL with errno.
struct patterns_child *patterns_child_start(void);
void patterns_child_stop(struct patterns_child *c);

// Compiles the pattern set of an image (its own bytes are not shared with the child: text is
// copied out to it). The database is the caller's. timeout_ms bounds the whole call; a child that
// does not answer is killed and started anew by the next call (if privileges still allow a fork).
// 0, or -errno with a text in error.
int patterns_child_compile(struct patterns_child *c, const struct image *image, int timeout_ms,
	hs_database_t **database, char error[200]);
