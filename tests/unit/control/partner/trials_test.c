// SPDX-License-Identifier: BSD-3-Clause
// fedctl test partner, between the API and a worker that the test plays.

#include "tests/unit/control/control_world.h"

#define DOCUMENT                                                       \
	"federation: {enabled: true, sip: true}\n"                     \
	"local_domains:\n"                                             \
	"  - {domain: contoso.example, servers: [\"udp:10.0.0.2\"]}\n" \
	"partners:\n"                                                  \
	"  - {name: p, next_hops: [\"tcp:192.0.2.2\", "                \
	"\"tcp:192.0.2.3\"], sources: [192.0.2.0/24]}\n"               \
	"  - {name: q, next_hops: [\"udp:192.0.2.4\"]}\n"              \
	"allow:\n"                                                     \
	"  - {domain: fabrikam.example, partner: p}\n"                 \
	"  - {domain: datagram.example, partner: q}\n"

static unsigned n_tried;
static bool second_fails;

// The worker's part: asks for what it is to try, and says how it went.
static void hear(struct fake_dataplane *f, const struct link_message *m)
{
	struct link_message a;

	if (m->type == LINK_TARGET_TRY) {
		n_tried++;
		link_message_init(&a, LINK_TARGET_WANTED);
		a.target_wanted.target = m->target_wanted.target;
	} else if (m->type == LINK_TARGET_OPEN) {
		bool fails = second_fails && m->target_open.address.ip.bytes[3] == 3;

		link_message_init(&a, LINK_TARGET_STATE);
		a.target_state.target = m->target_open.target;
		a.target_state.state = fails ? LINK_TARGET_FAILED : LINK_TARGET_UP;
		a.target_state.reason = fails ? REASON_tcp_refused : REASON_none;
	} else if (m->type == LINK_SESSIONS_WANTED) {
		link_message_init(&a, LINK_SESSIONS_END);
	} else {
		return;
	}
	fake_say(f, &a);
}

static int setup(void **state)
{
	n_tried = 0;
	second_fails = false;
	return set_up(state);
}

static void publish_it(void)
{
	attach_with(TRANSPORT_TCP);
	c.dataplane.hear = hear;
	expect_outcome(publish(DOCUMENT, PUBLISH), true, "done", 1);
}

static json_t *test_partner(const char *domain)
{
	char request[200];

	snprintf(request, sizeof(request), "{\"command\":\"test\",\"domain\":\"%s\"}", domain);
	return ask(request);
}

static const char *result_of(const json_t *reply, size_t hop, const char *stage)
{
	const json_t *stages =
		json_object_get(json_array_get(json_object_get(reply, "hops"), hop), "stages");
	const json_t *row;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)stages, i, row) {
		if (strcmp(text_of(row, "stage"), stage) == 0)
			return text_of(row, "result");
	}
	return "";
}

static void every_next_hop_is_tried_and_passes(void **state)
{
	json_t *reply;

	(void)state;
	publish_it();
	reply = test_partner("Fabrikam.example");
	assert_true(json_is_true(json_object_get(reply, "ok")));
	assert_int_equal(json_array_size(json_object_get(reply, "hops")), 2);
	assert_int_equal(n_tried, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(result_of(reply, i, "tcp"), "ok");
		assert_string_equal(result_of(reply, i, "tls"), "skipped");
		assert_string_equal(result_of(reply, i, "options"), "ok");
	}
	json_decref(reply);
}

static void one_that_fails_fails_the_test_and_is_tried_again_without_a_back_off(void **state)
{
	(void)state;
	publish_it();
	second_fails = true;
	for (unsigned i = 0; i < 2; i++) {
		json_t *reply = test_partner("fabrikam.example");

		assert_false(json_is_true(json_object_get(reply, "ok")));
		assert_string_equal(result_of(reply, 0, "tcp"), "ok");
		assert_string_equal(result_of(reply, 1, "tcp"), "failed");
		assert_string_equal(result_of(reply, 1, "options"), "not reached");
		json_decref(reply);
	}
	assert_int_equal(n_tried, 4);
}

static void what_cannot_be_tried_is_refused(void **state)
{
	static const char *const domains[] = {"nobody.example", "192.0.2.1", "datagram.example"};
	static const char unknown[] = "nobody has nobody.example: it is neither ours nor a "
				      "partner's";
	static const char *const errors[] = {
		unknown, "no domain", "no next hop that is reached by a stream"};
	json_t *reply;

	(void)state;
	reply = test_partner("fabrikam.example");
	assert_string_equal(text_of(reply, "error"), "no dataplane is attached");
	json_decref(reply);
	publish_it();
	for (size_t i = 0; i < 3; i++) {
		reply = test_partner(domains[i]);
		assert_string_equal(text_of(reply, "error"), errors[i]);
		json_decref(reply);
	}
	assert_int_equal(n_tried, 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_next_hop_is_tried_and_passes),
		CASE(one_that_fails_fails_the_test_and_is_tried_again_without_a_back_off),
		CASE(what_cannot_be_tried_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
