// SPDX-License-Identifier: BSD-3-Clause
// fedctl: the command line to control. One file a noun; fedctl.c has the table of verbs.

#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

// What a script may rely on.
enum fedctl_exit {
	FEDCTL_OK = 0,
	FEDCTL_FAILED = 1,      // refused, or failed
	FEDCTL_USAGE = 2,       // not a command line that fedctl understands
	FEDCTL_UNREACHABLE = 3, // control does not run, or does not answer
};

struct fedctl {
	const char *program; // argv[0], to find fedrelay-dataplane beside it
	const char *socket;
	bool json; // print what control says, as JSON, and nothing else
};

// Each: arguments after the verb, argv[0] is the verb. An enum fedctl_exit.
int cert_run(const struct fedctl *f, int argc, char *argv[]);
int check_run(const struct fedctl *f, int argc, char *argv[]);
int core_map_run(const struct fedctl *f, int argc, char *argv[]);
int counters_run(const struct fedctl *f, int argc, char *argv[]);
int dns_run(const struct fedctl *f, int argc, char *argv[]);
int document_run(const struct fedctl *f, int argc, char *argv[]);
int explain_run(const struct fedctl *f, int argc, char *argv[]);
int hits_run(const struct fedctl *f, int argc, char *argv[]);
int ports_run(const struct fedctl *f, int argc, char *argv[]);
int publish_run(const struct fedctl *f, int argc, char *argv[]);
int revisions_run(const struct fedctl *f, int argc, char *argv[]);
int status_run(const struct fedctl *f, int argc, char *argv[]);
int sessions_run(const struct fedctl *f, int argc, char *argv[]);
int targets_run(const struct fedctl *f, int argc, char *argv[]);
int test_run(const struct fedctl *f, int argc, char *argv[]);

// Says that the command line is wrong, and how to see what is right. FEDCTL_USAGE.
__attribute__((format(printf, 1, 2))) int usage_error(const char *format, ...);

// A number's digits and nothing else, from 1 to max. False: *out is as it was.
bool parse_count(const char *text, unsigned long max, unsigned long *out);

// The only argument that a verb takes is --top, from 1 to max; without it *top stays as it is.
// FEDCTL_OK, or FEDCTL_USAGE, said.
int parse_top(int argc, char *argv[], unsigned long max, unsigned long *top);

// help.c: every key of a federation document, and what it expects.
void help_document(void);
