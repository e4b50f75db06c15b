// SPDX-License-Identifier: BSD-3-Clause
// From calls of the builder to a decider, the way that a published policy takes.

#pragma once

#include "control/policy/builder.h"
#include "lib/policy/decide.h"
#include "tests/unit/test.h"

#include <sys/mman.h>
#include <unistd.h>

struct fixture {
	struct image *image;
	hs_database_t *database;
	struct policy policy;
	struct decider *decider;
	void *bytes;
	size_t n_bytes;
};

// Takes the builder's image as the dataplane would; the builder stays the caller's.
static inline void fixture_init(struct fixture *f, struct builder *b, size_t cache_slots)
{
	struct patterns_error patterns_error = {0};
	struct image_info info;
	const char *error = "";
	off_t n_bytes;
	int fd;

	fd = builder_finish(b, 7, &info);
	assert_true(fd >= 0);
	n_bytes = lseek(fd, 0, SEEK_END);
	assert_true(n_bytes > 0);
	f->n_bytes = (size_t)n_bytes;
	f->bytes = mmap(NULL, f->n_bytes, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(f->bytes, MAP_FAILED);
	close(fd);
	f->image = image_open(f->bytes, f->n_bytes, &error);
	if (f->image == NULL)
		fail_msg("image refused: %s", error);
	f->database = NULL;
	if (patterns_compile(f->image, &f->database, &patterns_error) != 0)
		fail_msg("pattern %u: %s", patterns_error.index, patterns_error.text);
	f->policy = (struct policy){f->image, f->database};
	f->decider = decider_new(&f->policy, cache_slots);
	assert_non_null(f->decider);
}

static inline void fixture_fini(struct fixture *f)
{
	decider_free(f->decider);
	hs_free_database(f->database);
	image_close(f->image);
	munmap(f->bytes, f->n_bytes);
}

static inline uint32_t fixture_add_peer(
	struct builder *b, const char *hop, const char *source, image_rule_id rule)
{
	struct endpoint endpoint;
	struct ip_prefix prefix;
	int64_t peer;

	assert_int_equal(endpoint_parse(view_string(hop), 5060, TRANSPORT_UDP, &endpoint), 0);
	assert_int_equal(ip_prefix_parse(view_string(source), &prefix), 0);
	peer = builder_add_peer(b, &endpoint, 1, &prefix, 1, rule);
	assert_true(peer >= 0);
	return (uint32_t)peer;
}

static inline void fixture_add_name(struct builder *b, struct view text, enum image_list list,
	uint32_t peer, image_rule_id rule)
{
	struct domain name;
	enum image_list other_list;
	image_rule_id other;

	if (domain_canonical(text, &name) != 0)
		fail_msg("%.*s is no name", (int)text.len, (const char *)text.at);
	assert_int_equal(builder_add_name(b, &name, list, peer, rule, &other_list, &other), 0);
}
