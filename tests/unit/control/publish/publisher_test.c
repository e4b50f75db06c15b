// SPDX-License-Identifier: BSD-3-Clause
// What becomes of a publication, with and without a dataplane, over restarts of both.

#include "tests/unit/control/control_world.h"

static void a_publication_is_proved_by_every_worker(void **state)
{
	json_t *status, *worker;

	(void)state;
	attach();
	expect_outcome(publish(TEST_DOCUMENT, PUBLISH), true, "done", 1);
	assert_int_equal(c.dataplane.n_published, 1);
	expect_status(true, 1, 1, true);
	status = ask("{\"command\":\"status\"}");
	worker =
		json_array_get(json_object_get(json_object_get(status, "dataplane"), "workers"), 0);
	assert_int_equal(number_of(worker, "generation"), 1);
	assert_int_equal(number_of(worker, "core"), 3);
	assert_true(json_is_true(json_object_get(worker, "up_to_date")));
	json_decref(status);
}

static void a_worker_that_proves_nothing_is_told(void **state)
{
	(void)state;
	attach();
	c.dataplane.silent_worker = true;
	expect_outcome(publish(TEST_DOCUMENT, "{\"command\":\"publish\",\"timeout_ms\":50}"), false,
		"not_proved", 1);
	// Who does not wait for it is answered before.
	expect_outcome(publish(TEST_DOCUMENT, "{\"command\":\"publish\",\"wait\":false}"), true,
		"done", 2);
}

static void without_a_dataplane_a_publication_is_stored_and_applied_at_attach(void **state)
{
	(void)state;
	expect_outcome(publish(TEST_DOCUMENT, PUBLISH), true, "stored", 1);
	expect_status(false, 0, 1, false);
	attach();
	turn_until_published(1);
	expect_status(true, 1, 1, true);
}

static void what_the_dataplane_refuses_changes_nothing(void **state)
{
	json_t *reply;

	(void)state;
	attach();
	expect_outcome(publish(TEST_DOCUMENT, PUBLISH), true, "done", 1);
	c.dataplane.refuse = "because of the test";
	reply = publish(TEST_DOCUMENT "  - {domain: fabrikam-two.example}\n", PUBLISH);
	assert_non_null(strstr(text_of(reply, "error"), "because of the test"));
	expect_outcome(reply, false, "refused", 2);
	expect_status(true, 1, 1, true);
	// The next one gets a number of its own.
	expect_outcome(publish(TEST_DOCUMENT, PUBLISH), true, "done", 3);
}

static void a_stored_publication_that_is_refused_later_gives_way_to_the_former(void **state)
{
	(void)state;
	expect_outcome(publish(TEST_DOCUMENT, PUBLISH), true, "stored", 1);
	expect_outcome(
		publish(TEST_DOCUMENT "  - {domain: b.example}\n", PUBLISH), true, "stored", 2);
	fake_open(&c.dataplane, c.socket);
	c.dataplane.refuse = "because of the test";
	c.has_dataplane = true;
	turn_until_published(2);
	expect_status(true, 1, 1, true);
}

static void a_dry_run_publishes_nothing(void **state)
{
	(void)state;
	attach();
	expect_outcome(publish(TEST_DOCUMENT, "{\"command\":\"publish\",\"dry_run\":true}"), true,
		"done", 0);
	assert_int_equal(c.dataplane.n_published, 0);
	expect_status(true, 0, 0, false);
}

static void a_restarted_control_finds_its_generation_and_publishes_nothing(void **state)
{
	uint64_t deadline = uv_hrtime() + DEADLINE_NS;

	(void)state;
	attach();
	expect_outcome(publish(TEST_DOCUMENT, PUBLISH), true, "done", 1);
	stop();
	fake_detach(&c.dataplane);
	start();
	while (!publisher_in_force(c.publisher)) {
		turn();
		assert_true(uv_hrtime() < deadline);
	}
	expect_status(true, 1, 1, true);
	assert_int_equal(c.dataplane.n_published, 1);
}

static void a_restarted_dataplane_gets_the_policy_again(void **state)
{
	(void)state;
	attach();
	expect_outcome(publish(TEST_DOCUMENT, PUBLISH), true, "done", 1);
	fake_close(&c.dataplane);
	fake_open(&c.dataplane, c.socket);
	turn_until_published(1);
	expect_status(true, 1, 1, true);
}

static void a_damaged_image_leaves_the_last_good_one_in_force(void **state)
{
	char path[128];
	uint64_t deadline = uv_hrtime() + DEADLINE_NS;
	json_t *status;
	int fd;

	(void)state;
	attach();
	expect_outcome(publish(TEST_DOCUMENT, PUBLISH), true, "done", 1);
	expect_outcome(
		publish(TEST_DOCUMENT "  - {domain: b.example}\n", PUBLISH), true, "done", 2);
	stop();
	fake_detach(&c.dataplane);
	snprintf(path, sizeof(path), "%s/images/2.image", c.state);
	fd = open(path, O_WRONLY);
	assert_int_equal(write(fd, "damage", 6), 6);
	close(fd);
	start();
	// The dataplane judges by revision 2 and keeps it; revision 1 is what is left here.
	while (publisher_generation(c.publisher) == 0) {
		turn();
		assert_true(uv_hrtime() < deadline);
	}
	for (int i = 0; i < 100; i++)
		turn();
	assert_int_equal(c.dataplane.n_published, 2);
	assert_int_equal(c.dataplane.generation, 2);
	status = ask("{\"command\":\"status\"}");
	assert_non_null(strstr(text_of(status, "trouble"), "revision 2 has a damaged image"));
	json_decref(status);
	// A dataplane that has nothing gets the last good one.
	fake_close(&c.dataplane);
	fake_open(&c.dataplane, c.socket);
	turn_until_published(1);
	assert_int_equal(c.dataplane.generation, 1);
}

static void turn_until_in_force(void)
{
	turn_until_published(0);
}

static void start_with_a_new_store(void)
{
	stop();
	test_remove_files(AT_FDCWD, c.state);
	start();
}

static void a_stored_revision_whose_number_the_dataplane_knows_gets_another(void **state)
{
	json_t *reply, *rows;

	(void)state;
	attach();
	expect_outcome(publish(TEST_DOCUMENT, PUBLISH), true, "done", 1);
	fake_detach(&c.dataplane);
	close(c.dataplane.listener);
	start_with_a_new_store();
	expect_outcome(publish(TEST_DOCUMENT "  - {domain: b.example}\n",
			       "{\"command\":\"publish\",\"comment\":\"anew\"}"),
		true, "stored", 1);
	fake_listen(&c.dataplane, c.socket);
	turn_until_in_force();
	expect_status(true, 2, 2, true);
	reply = ask("{\"command\":\"revisions\"}");
	rows = json_object_get(reply, "revisions");
	assert_int_equal(json_array_size(rows), 2);
	assert_string_equal(text_of(json_array_get(rows, 0), "comment"), "anew");
	assert_string_equal(text_of(json_array_get(rows, 1), "state"), "refused");
	assert_non_null(strstr(text_of(json_array_get(rows, 1), "error"), "revision 2 now"));
	json_decref(reply);
}

static void another_number_that_is_refused_too_is_not_tried_again(void **state)
{
	(void)state;
	attach();
	expect_outcome(publish(TEST_DOCUMENT, PUBLISH), true, "done", 1);
	fake_detach(&c.dataplane);
	close(c.dataplane.listener);
	start_with_a_new_store();
	expect_outcome(
		publish(TEST_DOCUMENT "  - {domain: b.example}\n", PUBLISH), true, "stored", 1);
	fake_listen(&c.dataplane, c.socket);
	c.dataplane.refuse = "because of the test";
	for (uint64_t deadline = uv_hrtime() + DEADLINE_NS; c.dataplane.n_published < 2;) {
		turn();
		assert_true(uv_hrtime() < deadline);
	}
	for (int i = 0; i < 100; i++)
		turn();
	assert_int_equal(c.dataplane.n_published, 2);
	// Who publishes anew is served.
	expect_outcome(
		publish(TEST_DOCUMENT "  - {domain: b.example}\n", PUBLISH), true, "done", 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_publication_is_proved_by_every_worker),
		TEST(a_worker_that_proves_nothing_is_told),
		TEST(without_a_dataplane_a_publication_is_stored_and_applied_at_attach),
		TEST(what_the_dataplane_refuses_changes_nothing),
		TEST(a_stored_publication_that_is_refused_later_gives_way_to_the_former),
		TEST(a_dry_run_publishes_nothing),
		TEST(a_restarted_control_finds_its_generation_and_publishes_nothing),
		TEST(a_restarted_dataplane_gets_the_policy_again),
		TEST(a_damaged_image_leaves_the_last_good_one_in_force),
		TEST(a_stored_revision_whose_number_the_dataplane_knows_gets_another),
		TEST(another_number_that_is_refused_too_is_not_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
