// SPDX-License-Identifier: BSD-3-Clause
// One search for a name's places: the questions that it takes, and what their answers come to.
// Private to this folder. The loop's thread.

#pragma once

#include "control/dns/finder.h"

#define SEARCH_TARGETS_MAX  16
#define SEARCH_SERVICES_MAX 2
// Of one host and family.
#define SEARCH_ADDRESSES_MAX 4

struct search;

// A question of a search: who is asked for, so that its answer finds its place.
struct search_question {
	struct search *search;
	uint8_t target;
	uint8_t family; // enum ip_family
};

struct search_target {
	struct srv srv;
	struct ip_addr addresses[2][SEARCH_ADDRESSES_MAX]; // IPv6, IPv4
	uint8_t n_addresses[2];
	struct search_question questions[2];
};

struct search {
	const struct finder_config *config;
	uint32_t (*draw)(void *arg);
	void (*done)(struct search *s); // the answer is in the fields below
	void *arg;                      // of both
	const char *name;
	uint16_t port;
	// Still to be asked for, in order.
	const char *services[SEARCH_SERVICES_MAX];
	unsigned n_services, service;
	unsigned n_pending; // questions
	bool declined;      // a service that is not offered
	bool failed, bogus; // an answer was
	struct search_target targets[SEARCH_TARGETS_MAX];
	size_t n_targets;

	enum finder_outcome outcome;
	bool secure;
	uint32_t ttl_s;
	const char *found_service;
	struct finder_place places[FINDER_PLACES_MAX];
	size_t n_places;
};

// Begins it: done is called later, once. name: lives until then. 0; or -errno, and done is not
// called.
int search_begin(struct search *s, enum hop_kind kind);
