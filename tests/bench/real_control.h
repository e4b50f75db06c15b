// SPDX-License-Identifier: BSD-3-Clause
// The product's control as a process of its own, attached to the one worker of a relay_world by the
// product's own attachment and rings: it publishes a document, makes the handshakes, hands sessions
// over. It runs on the first core, like whoever plays the peers.
//
// Thread: main.

#pragma once

#include "dataplane/attach/attach.h"
#include "tests/bench/relay_world.h"

struct real_control {
	struct relay_world *world;
	struct attachment *attachment;
	pid_t pid;
	char folder[64];
	uint64_t next_poll; // TSC
};

// In its folder: ca/ca.pem and ca.key, a CA that it trusts; its certificate, by that CA, proves
// domain. Attached when this returns, and the document published; the worker stands still
// meanwhile, and is turned from here. options: of control's command line, NULL-terminated. Exits
// with a text where it cannot.
void real_control_open(struct real_control *c, struct relay_world *w, const char *domain,
	const char *document, const char *const options[]);
void real_control_close(struct real_control *c);

// The dataplane's main thread's part: heartbeats, publications. Call it all the time.
void real_control_poll(struct real_control *c);
// Of all its threads, so far.
double real_control_cpu_s(const struct real_control *c);
