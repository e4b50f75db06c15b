// SPDX-License-Identifier: BSD-3-Clause
// The command line and the result of a program that talks as chat.h has it, whatever stack it uses:
//
//   serve ADDRESS PORT [--count N]     until N have ended, or SIGTERM
//   ask ADDRESS PORT [--kind exchange|after-fin|reset|stall|thin] [--up BYTES] [--down BYTES]
//       [--count N] [--at-once N] [--stall-ms MS] [--message BYTES] [--per-s N] [--seconds N]
//
// In the end one line: right N wrong N bytes N seconds S mbit M [p50_us P p99_us P max_us P].

#pragma once

#include "lib/base/addr.h"
#include "tests/wire/chat.h"

struct ask {
	bool serves;
	struct endpoint server;
	struct chat_request request;
	uint64_t count, at_once, seconds;
	uint64_t started_ns, n_started, n_right, n_wrong, n_bytes;
	struct chat_delays delays; // of the last
	char why[80];              // the first wrong one
};

// argv[0] is the word serve or ask. Exits with 2 after a wrong one.
void ask_parse(struct ask *a, int argc, char **argv);

uint64_t ask_now_ns(void); // CLOCK_MONOTONIC
// Whether another one should be begun now. Counts it as begun.
bool ask_next(struct ask *a, struct chat_request *request);
void ask_note(struct ask *a, const struct chat *c);
// True when all have ended, or their time is over: those that go on then are wrong.
bool ask_is_done(const struct ask *a);
// Prints the line. 0 when nothing was wrong.
int ask_report(const struct ask *a);

// True once SIGTERM or SIGINT has come, from ask_parse() on.
bool ask_ended(void);
