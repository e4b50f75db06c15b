// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/lib/policy/fixture.h"

#include "tests/unit/test.h"

#include <sys/mman.h>
#include <unistd.h>

static uint32_t add_peer(struct builder *b, const char *hop, const char *source)
{
	struct endpoint e;
	struct ip_prefix prefix;
	int64_t peer;

	assert_int_equal(endpoint_parse(view_string(hop), 5060, TRANSPORT_UDP, &e), 0);
	assert_int_equal(ip_prefix_parse(view_string(source), &prefix), 0);
	peer = builder_add_peer(b, &e, 1, &prefix, 1, IMAGE_RULE_NONE);
	assert_true(peer >= 0);
	return (uint32_t)peer;
}

static uint32_t add_hosted(struct builder *b)
{
	struct domain hosts[2];
	struct endpoint hop;
	int64_t peer;

	assert_int_equal(domain_canonical(VIEW("proxy.example"), &hosts[0]), 0);
	assert_int_equal(domain_canonical(VIEW("proxy2.example"), &hosts[1]), 0);
	assert_int_equal(builder_name_hop(b, HOP_HOST, &hosts[0], 5061, TRANSPORT_TLS, &hop), 0);
	peer = builder_add_peer(b, &hop, 1, NULL, 0, IMAGE_RULE_NONE);
	assert_true(peer >= 0);
	assert_int_equal(builder_set_hosts(b, (uint32_t)peer, hosts, 2), 0);
	return (uint32_t)peer;
}

static uint32_t add_printed(struct builder *b)
{
	uint8_t prints[2][IMAGE_FINGERPRINT_BYTES];
	struct endpoint hop;
	int64_t peer;

	assert_int_equal(endpoint_parse(VIEW("192.0.2.3"), 5061, TRANSPORT_TLS, &hop), 0);
	peer = builder_add_peer(b, &hop, 1, NULL, 0, IMAGE_RULE_NONE);
	assert_true(peer >= 0);
	memset(prints[0], FIXTURE_PRINT, sizeof(prints[0]));
	memset(prints[1], FIXTURE_PRINT_2, sizeof(prints[1]));
	assert_int_equal(builder_set_fingerprints(b, (uint32_t)peer,
				 (const uint8_t(*)[IMAGE_FINGERPRINT_BYTES])prints, 2),
		0);
	assert_int_equal(builder_set_verification(b, (uint32_t)peer, IMAGE_VERIFICATION_NEVER), 0);
	return (uint32_t)peer;
}

static uint32_t add_discovered(struct builder *b)
{
	int64_t peer = builder_add_discovered(b, NULL, 0, IMAGE_RULE_NONE);

	assert_true(peer >= 0);
	assert_int_equal(builder_set_verification(b, (uint32_t)peer, IMAGE_VERIFICATION_SOURCE), 0);
	return (uint32_t)peer;
}

void fixture_init(struct fixture *f, uint32_t flags)
{
	struct builder_settings settings = {
		.flags = flags, .relay_key = {7, 7, 7}, .stamp = VIEW("X-Stamp")};

	memset(f, 0, sizeof(*f));
	f->builder = builder_new(&settings);
	assert_non_null(f->builder);
	assert_int_equal(builder_add_source(f->builder, VIEW("test")), 0);
	f->local = add_peer(f->builder, "10.0.0.1", "10.0.0.0/8");
	f->partner = add_peer(f->builder, "192.0.2.1", "192.0.2.0/24");
	f->hosted = add_hosted(f->builder);
	f->printed = add_printed(f->builder);
	f->discovered = add_discovered(f->builder);
	assert_int_equal(builder_set_certificate(f->builder, f->local, 7), 0);
}

void fixture_fini(struct fixture *f)
{
	hs_free_database((hs_database_t *)(uintptr_t)f->policy.database);
	image_close((struct image *)(uintptr_t)f->policy.image);
	if (f->bytes != NULL)
		munmap(f->bytes, f->n_bytes);
	builder_free(f->builder);
}

static uint32_t peer_of(const struct fixture *f, enum image_list list)
{
	if (list == IMAGE_BLOCK)
		return IMAGE_PEER_NONE;
	return list == IMAGE_LOCAL ? f->local : f->partner;
}

void fixture_add_name(struct fixture *f, const char *name, enum image_list list, uint32_t line)
{
	fixture_add_name_of(f, name, list, peer_of(f, list), line);
}

void fixture_add_name_of(
	struct fixture *f, const char *name, enum image_list list, uint32_t peer, uint32_t line)
{
	struct domain domain;
	enum image_list other_list;
	image_rule_id other;

	assert_int_equal(domain_canonical(view_string(name), &domain), 0);
	assert_int_equal(builder_add_name(f->builder, &domain, list, peer, IMAGE_RULE(0, line),
				 &other_list, &other),
		0);
}

void fixture_add_wildcard(
	struct fixture *f, const char *wildcard, enum image_list list, uint32_t line)
{
	char error[PATTERN_ERROR_BYTES];

	assert_int_equal(builder_add_wildcard(f->builder, view_string(wildcard), list,
				 peer_of(f, list), IMAGE_RULE(0, line), error),
		0);
}

void fixture_add_regex(struct fixture *f, const char *regex, enum image_list list, uint32_t line)
{
	char error[PATTERN_ERROR_BYTES];

	assert_int_equal(builder_add_regex(f->builder, view_string(regex), list, peer_of(f, list),
				 IMAGE_RULE(0, line), error),
		0);
}

void fixture_open(struct fixture *f, uint64_t generation)
{
	struct image_info info;
	struct patterns_error error;
	hs_database_t *database;
	const char *why = NULL;
	int fd = builder_finish(f->builder, generation, &info);

	assert_true(fd >= 0);
	f->n_bytes = (size_t)lseek(fd, 0, SEEK_END);
	f->bytes = mmap(NULL, f->n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(f->bytes, MAP_FAILED);
	close(fd);
	f->policy.image = image_open(f->bytes, f->n_bytes, &why);
	assert_null(why);
	assert_int_equal(patterns_compile(f->policy.image, &database, &error), 0);
	f->policy.database = database;
}
