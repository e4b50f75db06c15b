// SPDX-License-Identifier: BSD-3-Clause
// A small policy for tests, built by the product's own builder: one local peer, one partner, and
// the names and patterns that a test adds. Asserts instead of returning errors.

#pragma once

#include "control/policy/builder.h"
#include "lib/policy/decide.h"

struct fixture {
	struct builder *builder;
	// Peers: requests from 10.0.0.0/8 and from 192.0.2.0/24.
	uint32_t local, partner;
	// Peers reached over TLS, without sources: proved by the hosts proxy.example and
	// proxy2.example, behind the first of which it is; by the fingerprints FIXTURE_PRINT and
	// FIXTURE_PRINT_2, at 192.0.2.3; by domain, found by DNS, which is believed what it says
	// of its users.
	uint32_t hosted, printed, discovered;
	void *bytes; // of the image
	size_t n_bytes;
	struct policy policy;
};

// Every byte of a fingerprint.
#define FIXTURE_PRINT   0x11
#define FIXTURE_PRINT_2 0x22

// flags: enum image_flag.
void fixture_init(struct fixture *f, uint32_t flags);
void fixture_fini(struct fixture *f);

// The rule is line of source 0, "test".
void fixture_add_name(struct fixture *f, const char *name, enum image_list list, uint32_t line);
void fixture_add_name_of(
	struct fixture *f, const char *name, enum image_list list, uint32_t peer, uint32_t line);
void fixture_add_wildcard(
	struct fixture *f, const char *wildcard, enum image_list list, uint32_t line);
void fixture_add_regex(struct fixture *f, const char *regex, enum image_list list, uint32_t line);

// Finishes, opens and compiles: f->policy is ready then. Once.
void fixture_open(struct fixture *f, uint64_t generation);
