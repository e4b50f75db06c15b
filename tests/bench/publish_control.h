// SPDX-License-Identifier: BSD-3-Clause
// The part of control in a publication, in a process of its own as in the product: what it maps and
// unmaps is no business of the worker's page tables.

#pragma once

#include <stdint.h>
#include <sys/types.h>

#define PUBLISH_NAMES 1000000 // of the shared data, and made-up ones

struct publish_control {
	pid_t pid;
	int socket;
};

// Before EAL, whose memory a fork would copy. Exits with a text where it cannot.
void publish_control_start(struct publish_control *c);
void publish_control_stop(struct publish_control *c);

// Compiles the document with that many patterns, none of which a former one had. The image's
// descriptor is the caller's. Exits with a text where that fails.
int publish_control_compile(
	struct publish_control *c, uint64_t generation, uint32_t n_patterns, uint64_t *n_bytes);
