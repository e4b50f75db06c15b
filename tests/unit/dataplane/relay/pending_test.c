// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/test.h"

#include "dataplane/relay/pending.h"
#include "lib/sip/message.h"

#define N 1024

static struct pending p;

static int set_up(void **state)
{
	(void)state;
	return pending_init(&p, N);
}

static int tear_down(void **state)
{
	(void)state;
	pending_fini(&p);
	return 0;
}

static void a_request_is_there_once_and_gone_once(void **state)
{
	uint64_t tag = pending_tag(1, 2, SIP_M_INVITE);

	(void)state;
	assert_false(pending_del(&p, tag));
	assert_true(pending_add(&p, tag));
	assert_false(pending_add(&p, tag));
	assert_true(pending_del(&p, tag));
	assert_false(pending_del(&p, tag));
}

static void connection_branch_and_method_tell_requests_apart(void **state)
{
	(void)state;
	assert_true(pending_add(&p, pending_tag(1, 2, SIP_M_INVITE)));
	assert_true(pending_add(&p, pending_tag(1, 2, SIP_M_CANCEL)));
	assert_true(pending_add(&p, pending_tag(1, 3, SIP_M_INVITE)));
	assert_true(pending_add(&p, pending_tag(2, 2, SIP_M_INVITE)));
	assert_true(pending_del(&p, pending_tag(1, 2, SIP_M_INVITE)));
	assert_true(pending_del(&p, pending_tag(1, 2, SIP_M_CANCEL)));
}

static void a_quarter_of_its_tags_finds_nearly_always_a_place(void **state)
{
	unsigned n_lost = 0;

	(void)state;
	for (uint64_t i = 0; i < N / 4; i++)
		assert_true(pending_add(&p, pending_tag(7, i, SIP_M_MESSAGE)));
	for (uint64_t i = 0; i < N / 4; i++)
		n_lost += !pending_del(&p, pending_tag(7, i, SIP_M_MESSAGE));
	assert_in_range(n_lost, 0, N / 4 / 50);
}

// Any number of requests: what is there is what came last.
static void the_table_never_grows_and_new_tags_are_in_it(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < (uint64_t)100 * N; i++) {
		assert_true(pending_add(&p, pending_tag(7, i, SIP_M_MESSAGE)));
		assert_false(pending_add(&p, pending_tag(7, i, SIP_M_MESSAGE)));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_request_is_there_once_and_gone_once),
		TEST(connection_branch_and_method_tell_requests_apart),
		TEST(a_quarter_of_its_tags_finds_nearly_always_a_place),
		TEST(the_table_never_grows_and_new_tags_are_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
