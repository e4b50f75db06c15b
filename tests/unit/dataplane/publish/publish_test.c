// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/test.h"

#include "lib/link/sealed.h"
#include "tests/unit/dataplane/sample_image.h"
#include "tests/unit/dataplane/small_dataplane.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *const spam[] = {"^spam", NULL};
static const char *const spam_and_bad[] = {"^spam", "^bad", NULL};

static int setup(void **state)
{
	struct small_dataplane *s = calloc(1, sizeof(*s));

	small_open(s);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct small_dataplane *s = *state;

	small_close(s);
	free(s);
	return 0;
}

static int publish(struct small_dataplane *s, const struct sample_image *sample,
	struct attach_published *result)
{
	struct attach_publish request = {.generation = sample->generation};
	struct image_info info;
	size_t n_bytes;
	int rc, fd = sample_image_fd(sample, &n_bytes, &info);

	request.n_bytes = n_bytes;
	rc = publisher_publish(&s->publisher, fd, &request, result);
	close(fd);
	return rc;
}

static bool allows(struct decider *d, const char *to)
{
	struct policy_query q = {
		.from = VIEW("local.example"),
		.to = view_string(to),
		.side = SIDE_INSIDE,
	};
	struct verdict v;

	policy_decide(d, &q, &v, 1);
	return v.allowed;
}

static void a_publication_reaches_every_worker_between_two_of_its_bursts(void **state)
{
	struct small_dataplane *s = *state;
	struct sample_image sample = {.generation = 1, .regexes = spam};
	struct attach_published result;

	assert_int_equal(publish(s, &sample, &result), 0);
	assert_true(result.ok);
	assert_true(result.check_ns > 0 && result.compile_ns > 0);
	for (unsigned i = 0; i < SMALL_WORKERS; i++)
		assert_null(atomic_load(&s->workers[i].applied_generation));
	small_work(s);
	for (unsigned i = 0; i < SMALL_WORKERS; i++) {
		assert_int_equal(atomic_load(&s->workers[i].applied_generation)->number, 1);
		assert_int_equal(s->relays[i].n_changes, 1);
		assert_true(allows(s->relays[i].decider, "partner.example"));
		assert_false(allows(s->relays[i].decider, "spam.example"));
	}
	small_work(s);
	assert_int_equal(s->relays[0].n_changes, 1);
}

static void a_third_generation_waits_until_every_worker_has_left_the_first(void **state)
{
	struct small_dataplane *s = *state;
	struct sample_image sample = {.generation = 1};
	struct attach_published result;

	assert_int_equal(publish(s, &sample, &result), 0);
	small_work(s);
	sample.generation = 2;
	assert_int_equal(publish(s, &sample, &result), 0);
	worker_generation_poll(&s->workers[0]);
	publisher_poll(&s->publisher);
	assert_int_equal(s->publisher.retiring->number, 1);
	sample.generation = 3;
	assert_int_equal(publish(s, &sample, &result), -EAGAIN);
	assert_false(result.ok);
	worker_generation_poll(&s->workers[1]);
	publisher_poll(&s->publisher);
	assert_null(s->publisher.retiring);
	assert_int_equal(publish(s, &sample, &result), 0);
	assert_int_equal(s->publisher.current->number, 3);
}

static void an_unchanged_pattern_set_is_not_compiled_again(void **state)
{
	struct small_dataplane *s = *state;
	struct sample_image sample = {.generation = 1, .regexes = spam};
	struct attach_published result;
	const hs_database_t *first;

	assert_int_equal(publish(s, &sample, &result), 0);
	small_work(s);
	first = s->publisher.database;
	sample.generation = 2;
	sample.blocked = "new.partner.example";
	assert_int_equal(publish(s, &sample, &result), 0);
	small_work(s);
	assert_int_equal(result.compile_ns, 0);
	assert_ptr_equal(s->publisher.database, first);
	assert_false(allows(s->relays[0].decider, "spam.example"));
	assert_false(allows(s->relays[0].decider, "new.partner.example"));
	sample.generation = 3;
	sample.regexes = spam_and_bad;
	assert_int_equal(publish(s, &sample, &result), 0);
	small_work(s);
	assert_true(result.compile_ns > 0);
	assert_false(allows(s->relays[1].decider, "bad.partner.example"));
	sample.generation = 4;
	sample.regexes = NULL;
	assert_int_equal(publish(s, &sample, &result), 0);
	small_work(s);
	assert_null(s->publisher.database);
	assert_true(allows(s->relays[1].decider, "bad.partner.example"));
}

static void the_same_generation_again_changes_nothing(void **state)
{
	struct small_dataplane *s = *state;
	struct sample_image sample = {.generation = 7};
	struct attach_published result;

	assert_int_equal(publish(s, &sample, &result), 0);
	small_work(s);
	assert_int_equal(publish(s, &sample, &result), 0);
	assert_true(result.ok);
	small_work(s);
	assert_int_equal(s->relays[0].n_changes, 1);
	// One number is one content, since workers prove the number.
	sample.blocked = "other.example";
	assert_int_equal(publish(s, &sample, &result), -EBADMSG);
	assert_non_null(strstr(result.error, "number is in use with other content"));
}

// Publishes bytes as control should not; the generation before stays.
static void assert_refused(
	struct small_dataplane *s, int fd, uint64_t generation, uint64_t n_bytes, const char *why)
{
	struct attach_publish request = {.generation = generation, .n_bytes = n_bytes};
	const struct generation *before = s->publisher.current;
	struct attach_published result;

	assert_int_equal(publisher_publish(&s->publisher, fd, &request, &result), -EBADMSG);
	assert_false(result.ok);
	assert_non_null(strstr(result.error, why));
	assert_ptr_equal(s->publisher.current, before);
	close(fd);
}

static void what_is_not_a_sealed_image_of_its_size_is_refused(void **state)
{
	struct small_dataplane *s = *state;
	struct sample_image sample = {.generation = 2};
	struct attach_published result;
	struct image_info info;
	uint8_t *bytes;
	size_t n;
	int fd = sample_image_fd(&sample, &n, &info), unsealed;

	sample.generation = 1;
	assert_int_equal(publish(s, &sample, &result), 0);
	small_work(s);
	bytes = sample_image_bytes(fd, n);
	unsealed = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(write(unsealed, bytes, n), n);
	assert_refused(s, unsealed, 2, n, "not sealed");
	assert_refused(s, dup(0), 2, n, "policy image: not");
	assert_refused(s, dup(fd), 2, n + 1, "not of the announced size");
	assert_refused(s, dup(fd), 3, n, "another generation than announced");
	assert_refused(s, dup(fd), 2, IMAGE_BYTES_MAX + 1, "too large");
	assert_refused(s, sealed_create("test", bytes, n - 1), 2, n - 1, "policy image: ");
	bytes[n / 2] ^= 1;
	assert_refused(s, sealed_create("test", bytes, n), 2, n, "policy image: ");
	free(bytes);
	close(fd);
}

static void patterns_without_a_compiler_refuse_the_publication(void **state)
{
	struct small_dataplane *s = *state;
	struct patterns_child *child = s->publisher.patterns;
	struct sample_image sample = {.generation = 1, .regexes = spam};
	struct attach_published result;

	s->publisher.patterns = NULL;
	assert_int_equal(publish(s, &sample, &result), -EBADMSG);
	assert_string_equal(result.error, "this dataplane has no pattern compiler");
	sample.regexes = NULL;
	assert_int_equal(publish(s, &sample, &result), 0);
	s->publisher.patterns = child;
}

static void one_publication_at_a_time(void **state)
{
	struct small_dataplane *s = *state;
	struct sample_image sample = {.generation = 1, .regexes = spam};
	struct attach_published result;
	struct attach_publish request = {.generation = 1};
	struct image_info info;
	size_t n;
	int fd = sample_image_fd(&sample, &n, &info);

	request.n_bytes = n;
	assert_int_equal(publisher_begin(&s->publisher, fd, &request), 0);
	assert_int_equal(publisher_begin(&s->publisher, fd, &request), -EBUSY);
	assert_false(publisher_result(&s->publisher, &result));
	assert_int_equal(publish(s, &sample, &result), -EBUSY);
	close(fd);
	// Closing in the midst of it leaks nothing: the sanitizers' build says so.
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_publication_reaches_every_worker_between_two_of_its_bursts),
		CASE(a_third_generation_waits_until_every_worker_has_left_the_first),
		CASE(an_unchanged_pattern_set_is_not_compiled_again),
		CASE(the_same_generation_again_changes_nothing),
		CASE(what_is_not_a_sealed_image_of_its_size_is_refused),
		CASE(patterns_without_a_compiler_refuse_the_publication),
		CASE(one_publication_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
