// SPDX-License-Identifier: BSD-3-Clause

#include "control/policy/builder.h"
#include "lib/policy/image_format.h"
#include "lib/policy/names.h"
#include "lib/policy/patterns.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct builder_settings settings = {
	.flags = IMAGE_FEDERATION_ON | IMAGE_SIP_ON,
	.body_bytes_max = 5000 * 1024,
	.relay_key = {1, 2, 3},
};

struct fixture {
	struct builder *b;
	uint32_t local, partner;
};

static struct domain domain(const char *text)
{
	struct domain d;

	assert_int_equal(domain_canonical(view_string(text), &d), 0);
	return d;
}

static uint32_t add_peer(struct builder *b, const char *hop, const char *source)
{
	struct endpoint e;
	struct ip_prefix prefix;
	int64_t peer;

	assert_int_equal(endpoint_parse(view_string(hop), 5060, TRANSPORT_UDP, &e), 0);
	assert_int_equal(ip_prefix_parse(view_string(source), &prefix), 0);
	peer = builder_add_peer(b, &e, 1, &prefix, 1, IMAGE_RULE(0, 7));
	assert_true(peer >= 0);
	return (uint32_t)peer;
}

static int set_up(void **state)
{
	static struct fixture f;

	f.b = builder_new(&settings);
	assert_non_null(f.b);
	assert_int_equal(builder_add_source(f.b, VIEW("document")), 0);
	assert_int_equal(builder_add_source(f.b, VIEW("lists/bad.txt")), 1);
	f.local = add_peer(f.b, "10.0.0.1:5060", "10.0.0.0/8");
	f.partner = add_peer(f.b, "[2001:db8::1]:5061", "2001:db8::/32");
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	builder_free(f->b);
	return 0;
}

static int add_name(
	struct builder *b, const char *text, enum image_list list, uint32_t peer, uint32_t line)
{
	struct domain d = domain(text);
	enum image_list other_list;
	image_rule_id other;

	return builder_add_name(b, &d, list, peer, IMAGE_RULE(1, line), &other_list, &other);
}

// The image, mapped; unmapped with its length in info by the caller.
static struct image *finish_and_open(
	struct builder *b, uint64_t generation, const void **bytes, size_t *n_bytes)
{
	struct image_info info;
	const char *error = NULL;
	struct image *image;
	int fd = builder_finish(b, generation, &info);

	assert_true(fd >= 0);
	*n_bytes = (size_t)lseek(fd, 0, SEEK_END);
	*bytes = mmap(NULL, *n_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(*bytes, MAP_FAILED);
	close(fd);
	image = image_open(*bytes, *n_bytes, &error);
	assert_null(error);
	assert_non_null(image);
	assert_int_equal(image_info(image)->generation, info.generation);
	assert_int_equal(image_info(image)->n_names, info.n_names);
	assert_int_equal(image_info(image)->pattern_digest, info.pattern_digest);
	assert_memory_equal(image_info(image)->digest, info.digest, sizeof(info.digest));
	return image;
}

static void drop(struct image *image, const void *bytes, size_t n_bytes)
{
	image_close(image);
	munmap((void *)(uintptr_t)bytes, n_bytes);
}

static const struct name_record *find(const struct image *image, const char *text)
{
	const struct names *names = image_names(image);
	struct domain d = domain(text);

	return names_find(names, d.text, d.len, names_hash(names->seed, &d));
}

static void an_image_holds_what_was_added(void **state)
{
	struct fixture *f = *state;
	char error[PATTERN_ERROR_BYTES];
	const void *bytes;
	size_t n_bytes;
	struct image *image;
	const struct image_peer *peer;
	struct image_pattern pattern;

	assert_int_equal(add_name(f->b, "contoso.com", IMAGE_LOCAL, f->local, 3), 0);
	assert_int_equal(add_name(f->b, "fabrikam.com", IMAGE_ALLOW, f->partner, 4), 0);
	assert_int_equal(add_name(f->b, "evil.example", IMAGE_BLOCK, IMAGE_PEER_NONE, 5), 0);
	assert_int_equal(builder_add_wildcard(f->b, VIEW("*.spam-*.example"), IMAGE_BLOCK,
				 IMAGE_PEER_NONE, IMAGE_RULE(0, 9), error),
		0);
	assert_int_equal(builder_set_connections(f->b, f->partner, 3), 0);
	image = finish_and_open(f->b, 42, &bytes, &n_bytes);

	assert_int_equal(image_info(image)->generation, 42);
	assert_int_equal(image_info(image)->n_names, 3);
	assert_int_equal(image_info(image)->n_patterns, 1);
	assert_int_equal(image_info(image)->n_peers, 2);
	assert_int_equal(image_info(image)->flags, settings.flags);
	assert_int_equal(image_info(image)->body_bytes_max, settings.body_bytes_max);

	assert_int_equal(find(image, "contoso.com")->list, IMAGE_LOCAL);
	assert_int_equal(find(image, "fabrikam.com")->peer, f->partner);
	assert_int_equal(find(image, "evil.example")->rule, IMAGE_RULE(1, 5));
	assert_null(find(image, "other.example"));
	assert_null(find(image, "sub.contoso.com"));

	peer = image_peer_at(image, f->partner);
	assert_int_equal(peer->n_hops, 1);
	assert_int_equal(image_hops(image, peer)->port, 5061);
	assert_int_equal(image_sources(image, peer)->bits, 32);
	assert_int_equal(image_rule_line(peer->rule), 7);
	assert_int_equal(peer->connections, 3);
	assert_int_equal(image_peer_at(image, f->local)->connections, IMAGE_CONNECTIONS_DEFAULT);
	assert_null(image_peer_at(image, 2));

	pattern = image_pattern_at(image, 0);
	assert_string_equal((const char *)pattern.expression.at, "\\.spam-.*\\.example\\z");
	assert_int_equal(pattern.list, IMAGE_BLOCK);

	assert_true(view_equal(image_rule_source(image, IMAGE_RULE(1, 5)), VIEW("lists/bad.txt")));
	assert_true(view_equal(image_rule_source(image, IMAGE_RULE_NONE), VIEW("?")));
	drop(image, bytes, n_bytes);
}

static void a_name_added_twice_tells_where_the_first_is(void **state)
{
	struct fixture *f = *state;
	struct domain d = domain("Contoso.COM");
	enum image_list other_list = IMAGE_BLOCK;
	image_rule_id other = 0;

	assert_int_equal(add_name(f->b, "contoso.com", IMAGE_ALLOW, f->partner, 33), 0);
	assert_int_equal(builder_add_name(f->b, &d, IMAGE_BLOCK, IMAGE_PEER_NONE, IMAGE_RULE(1, 44),
				 &other_list, &other),
		-EEXIST);
	assert_int_equal(other_list, IMAGE_ALLOW);
	assert_int_equal(other, IMAGE_RULE(1, 33));
}

static void what_the_check_would_refuse_is_not_added(void **state)
{
	struct fixture *f = *state;
	struct endpoint hop;
	struct ip_prefix source;

	assert_int_equal(add_name(f->b, "a.example", IMAGE_BLOCK, f->local, 1), -EINVAL);
	assert_int_equal(add_name(f->b, "a.example", IMAGE_LOCAL, IMAGE_PEER_NONE, 1), -EINVAL);
	assert_int_equal(add_name(f->b, "a.example", IMAGE_ALLOW, 2, 1), -EINVAL);
	assert_int_equal(endpoint_parse(VIEW("10.0.0.1:5060"), 5060, TRANSPORT_UDP, &hop), 0);
	assert_int_equal(ip_prefix_parse(VIEW("10.0.0.0/8"), &source), 0);
	assert_int_equal(builder_add_peer(f->b, &hop, 0, NULL, 0, IMAGE_RULE_NONE), -EINVAL);
	assert_int_equal(builder_add_peer(f->b, &hop, 1, NULL, 0, IMAGE_RULE(2, 1)), -EINVAL);
	hop.port = 0;
	assert_int_equal(builder_add_peer(f->b, &hop, 1, NULL, 0, IMAGE_RULE_NONE), -EINVAL);
	hop.port = 5060;
	source.ip.bytes[3] = 1;
	assert_int_equal(builder_add_peer(f->b, &hop, 1, &source, 1, IMAGE_RULE_NONE), -EINVAL);
	assert_int_equal(builder_set_connections(f->b, 2, 1), -EINVAL);
	assert_int_equal(builder_set_connections(f->b, f->local, 0), -EINVAL);
	assert_int_equal(
		builder_set_connections(f->b, f->local, IMAGE_CONNECTIONS_MAX + 1), -EINVAL);
	assert_int_equal(builder_add_source(f->b, VIEW("")), -EINVAL);
	assert_int_equal(builder_add_source(f->b, view_of("a\0b", 3)), -EINVAL);
}

static void a_256th_source_of_rules_is_refused(void **state)
{
	struct fixture *f = *state;

	for (int i = 2; i < IMAGE_SOURCES_MAX; i++)
		assert_int_equal(builder_add_source(f->b, VIEW("list")), i);
	assert_int_equal(builder_add_source(f->b, VIEW("list")), -ENOSPC);
}

static void a_bad_pattern_is_refused_with_a_text(void **state)
{
	static const char *const rows[] = {
		"", "(", "[a", "(?=a)b", "b\xc3\xbc", "a*", "\\1(a)", "a|"};
	struct fixture *f = *state;
	char error[PATTERN_ERROR_BYTES], long_one[PATTERN_BYTES_MAX + 1];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		error[0] = '\0';
		assert_int_equal(builder_add_regex(f->b, view_string(rows[i]), IMAGE_BLOCK,
					 IMAGE_PEER_NONE, IMAGE_RULE(0, 1), error),
			-EINVAL);
		assert_int_not_equal(strlen(error), 0);
	}
	memset(long_one, 'a', sizeof(long_one));
	assert_int_equal(builder_add_regex(f->b, view_of(long_one, sizeof(long_one)), IMAGE_BLOCK,
				 IMAGE_PEER_NONE, IMAGE_RULE(0, 1), error),
		-EINVAL);
	assert_int_equal(builder_add_wildcard(f->b, view_of(long_one, sizeof(long_one)),
				 IMAGE_BLOCK, IMAGE_PEER_NONE, IMAGE_RULE(0, 1), error),
		-EINVAL);
	assert_int_equal(builder_add_wildcard(f->b, view_of(long_one, PATTERN_BYTES_MAX),
				 IMAGE_BLOCK, IMAGE_PEER_NONE, IMAGE_RULE(0, 1), error),
		0);
}

static void the_same_calls_give_the_same_bytes(void **state)
{
	const void *bytes[2];
	size_t n_bytes[2];
	struct image *images[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct fixture *f;

		assert_int_equal(set_up(state), 0);
		f = *state;
		for (unsigned n = 0; n < 5000; n++) {
			char text[32];

			snprintf(text, sizeof(text), "host%u.example", n * 7919);
			assert_int_equal(add_name(f->b, text, IMAGE_BLOCK, IMAGE_PEER_NONE, n), 0);
		}
		images[i] = finish_and_open(f->b, 7, &bytes[i], &n_bytes[i]);
		assert_int_equal(tear_down(state), 0);
	}
	assert_int_equal(n_bytes[0], n_bytes[1]);
	assert_memory_equal(bytes[0], bytes[1], n_bytes[0]);
	for (unsigned i = 0; i < 2; i++)
		drop(images[i], bytes[i], n_bytes[i]);
}

static void the_digest_tells_contents_apart_and_not_generations(void **state)
{
	struct fixture *f = *state;
	uint8_t digests[3][IMAGE_DIGEST_BYTES];

	for (unsigned i = 0; i < 3; i++) {
		const void *bytes;
		size_t n_bytes;
		struct image *image;

		if (i == 2)
			assert_int_equal(
				add_name(f->b, "new.example", IMAGE_BLOCK, IMAGE_PEER_NONE, 1), 0);
		image = finish_and_open(f->b, 100 + i, &bytes, &n_bytes);
		memcpy(digests[i], image_info(image)->digest, IMAGE_DIGEST_BYTES);
		drop(image, bytes, n_bytes);
	}
	assert_memory_equal(digests[0], digests[1], IMAGE_DIGEST_BYTES);
	assert_memory_not_equal(digests[1], digests[2], IMAGE_DIGEST_BYTES);
}

static void every_name_of_many_is_found_and_no_other(void **state)
{
	enum { N = 100000 };
	struct fixture *f = *state;
	const void *bytes;
	size_t n_bytes;
	struct image *image;
	char text[120];

	for (unsigned n = 0; n < N; n++) {
		// Some take several units.
		snprintf(text, sizeof(text), "h%u.%s.example", n,
			n % 10 == 0 ? "a-label-that-makes-the-name-longer-than-one-unit-holds"
				    : "x");
		assert_int_equal(add_name(f->b, text, IMAGE_BLOCK, IMAGE_PEER_NONE, n), 0);
	}
	image = finish_and_open(f->b, 1, &bytes, &n_bytes);
	for (unsigned n = 0; n < 2 * N; n++) {
		const struct name_record *record;

		snprintf(text, sizeof(text), "h%u.%s.example", n,
			n % 10 == 0 ? "a-label-that-makes-the-name-longer-than-one-unit-holds"
				    : "x");
		record = find(image, text);
		if (n < N)
			assert_int_equal(record->entry, n);
		else
			assert_null(record);
	}
	drop(image, bytes, n_bytes);
}

static void the_memfd_cannot_be_changed(void **state)
{
	struct fixture *f = *state;
	struct image_info info;
	int fd = builder_finish(f->b, 1, &info);

	assert_true(fd >= 0);
	assert_int_equal(
		fcntl(fd, F_GET_SEALS), F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	close(fd);
}

static void patterns_of_an_image_compile_and_match(void **state)
{
	struct fixture *f = *state;
	struct patterns_error why;
	hs_database_t *database;
	char error[PATTERN_ERROR_BYTES];
	const void *bytes;
	size_t n_bytes;
	struct image *image = finish_and_open(f->b, 1, &bytes, &n_bytes);

	assert_int_equal(patterns_compile(image, &database, &why), 0);
	assert_null(database);
	drop(image, bytes, n_bytes);

	assert_int_equal(builder_add_regex(f->b, VIEW("^(a|b)[0-9]+\\.example$"), IMAGE_BLOCK,
				 IMAGE_PEER_NONE, IMAGE_RULE(0, 1), error),
		0);
	image = finish_and_open(f->b, 2, &bytes, &n_bytes);
	assert_int_equal(patterns_compile(image, &database, &why), 0);
	assert_non_null(database);
	hs_free_database(database);
	drop(image, bytes, n_bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_image_holds_what_was_added, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_name_added_twice_tells_where_the_first_is, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_the_check_would_refuse_is_not_added, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_256th_source_of_rules_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_bad_pattern_is_refused_with_a_text, set_up, tear_down),
		cmocka_unit_test(the_same_calls_give_the_same_bytes),
		cmocka_unit_test_setup_teardown(
			the_digest_tells_contents_apart_and_not_generations, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			every_name_of_many_is_found_and_no_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_memfd_cannot_be_changed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			patterns_of_an_image_compile_and_match, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
