// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/test.h"

#include "dataplane/worker/generation.h"
#include "lib/link/sealed.h"
#include "tests/unit/dataplane/sample_image.h"

#include <errno.h>
#include <unistd.h>

static const char *const spam[] = {"^spam", NULL};
static const int nodes[GENERATION_WORKERS_MAX + 1];

struct fixture {
	uint8_t *bytes;
	size_t n_bytes;
	hs_database_t *database;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct sample_image sample = {.generation = 11, .regexes = spam};
	struct patterns_error error;
	struct image_info info;
	const char *why;
	struct image *image;
	int fd = sample_image_fd(&sample, &f->n_bytes, &info);

	f->bytes = sample_image_bytes(fd, f->n_bytes);
	close(fd);
	image = image_open(f->bytes, f->n_bytes, &why);
	if (image == NULL || patterns_compile(image, &f->database, &error) < 0)
		return -1;
	image_close(image);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	hs_free_database(f->database);
	free(f->bytes);
	free(f);
	return 0;
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

static void it_stands_on_copies_of_what_it_was_made_of(void **state)
{
	struct fixture *f = *state;
	const char *error;
	struct generation *g = generation_new(f->bytes, f->n_bytes, f->database, nodes, 3, &error);

	assert_non_null(g);
	memset(f->bytes, 0xff, f->n_bytes);
	hs_free_database(f->database);
	f->database = NULL;
	assert_int_equal(g->number, 11);
	assert_int_equal(g->info.n_patterns, 1);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(allows(g->decider[i], "partner.example"));
		assert_false(allows(g->decider[i], "spam.partner.example"));
		// One node: one copy.
		assert_ptr_equal(g->policy[i], g->policy[0]);
	}
	assert_ptr_not_equal(g->decider[0], g->decider[1]);
	generation_free(g);
}

static void what_is_no_image_gives_its_reason_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	const char *error = NULL;

	f->bytes[f->n_bytes - 1] ^= 1;
	assert_null(generation_new(f->bytes, f->n_bytes, f->database, nodes, 1, &error));
	assert_int_equal(errno, EBADMSG);
	assert_non_null(error);
	error = NULL;
	assert_null(generation_new(f->bytes, 0, f->database, nodes, 1, &error));
	assert_non_null(error);
}

static void a_memfd_shorter_than_announced_is_an_error(void **state)
{
	struct fixture *f = *state;
	int fd = sealed_create("test", f->bytes, f->n_bytes);
	const char *error;

	assert_null(generation_read(fd, f->n_bytes + 1, nodes, 1, &error));
	assert_string_equal(error, "the image cannot be read");
	close(fd);
}

static void none_and_too_many_workers_are_refused(void **state)
{
	struct fixture *f = *state;
	const unsigned wrong[] = {0, GENERATION_WORKERS_MAX + 1};
	const char *error;

	for (unsigned i = 0; i < 2; i++) {
		assert_null(
			generation_new(f->bytes, f->n_bytes, f->database, nodes, wrong[i], &error));
		assert_int_equal(errno, EINVAL);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(it_stands_on_copies_of_what_it_was_made_of),
		CASE(what_is_no_image_gives_its_reason_and_nothing_else),
		CASE(a_memfd_shorter_than_announced_is_an_error),
		CASE(none_and_too_many_workers_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
