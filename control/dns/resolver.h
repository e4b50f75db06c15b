// SPDX-License-Identifier: BSD-3-Clause
// Questions to DNS, answered on the caller's loop (libunbound, over the host's network): validated
// where a trust anchor is given. The loop's thread.

#pragma once

#include "lib/base/view.h"

#include <stddef.h>
#include <uv.h>

enum dns_type {
	DNS_A = 1,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_TLSA = 52,
};

enum dns_outcome {
	DNS_OK,     // records, at least one
	DNS_NONE,   // the name, or records of the type, are not there
	DNS_BOGUS,  // DNSSEC says that somebody is lying
	DNS_FAILED, // no server answered, or none usefully: may pass
	DNS_OUTCOME_N,
};

struct dns_answer {
	enum dns_outcome outcome;
	bool secure;                // proved by DNSSEC, also that there is nothing
	uint32_t ttl_s;             // of records, and of there being none
	const struct view *records; // rdata of each
	size_t n_records;
};

// What asks: the resolver, or a test's stand-in. done is called exactly once, after ask has
// returned 0, unless what asks is freed before. Otherwise -errno, and never.
typedef void dns_done_fn(void *arg, const struct dns_answer *answer);
struct dns_source {
	void *arg;
	int (*ask)(
		void *arg, const char *name, enum dns_type type, dns_done_fn *done, void *done_arg);
};

struct resolver_config {
	// Of servers to ask, each ADDRESS or ADDRESS@PORT; NULL: those of /etc/resolv.conf.
	const char *const *servers;
	size_t n_servers;
	const char *trust_anchor; // file of the root's keys; NULL: nothing is validated
	// Answers that are fixed, each a record in the form of a zone file.
	const char *const *records;
	size_t n_records;
};

struct resolver;

// NULL with errno.
struct resolver *resolver_new(uv_loop_t *loop, const struct resolver_config *config);
// No answer comes any more. The loop must run once more for its handle to close. NULL is fine.
void resolver_free(struct resolver *r);
struct dns_source resolver_source(struct resolver *r);
