// SPDX-License-Identifier: BSD-3-Clause
// Who may be connected to, by a clock of the test's.

#include "tests/unit/test.h"

#include "control/target/targets.h"
#include "tests/unit/control/target/hop_image.h"

#define MS        UINT64_C(1000000)
#define SECOND    (1000 * MS)
#define N_MAX     4
#define LISTENERS 3

struct fixture {
	struct targets *targets;
	struct hop_image image;
	uint64_t now;
};

static const char *const hops[] = {"198.51.100.1:5060", "198.51.100.2:5060", "198.51.100.3:5060",
	"198.51.100.4:5060", "198.51.100.5:5060", NULL};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	*state = f;
	hop_image_open(&f->image, 1, hops);
	f->targets = targets_new(N_MAX, 42);
	assert_non_null(f->targets);
	f->now = 5000 * SECOND;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	targets_free(f->targets);
	hop_image_close(&f->image);
	free(f);
	return 0;
}

static struct link_target target(unsigned hop, uint8_t slot)
{
	struct link_target t = {.listener = 1, .slot = slot};

	assert_int_equal(endpoint_parse(view_string(hops[hop]), 0, TRANSPORT_TCP, &t.remote), 0);
	return t;
}

static uint32_t nobodys(void *arg, struct view domain)
{
	(void)arg;
	(void)domain;
	return IMAGE_PEER_NONE;
}

static enum targets_reply hear(struct fixture *f, const struct image *image,
	const struct link_message *m, struct link_message *answer)
{
	const struct targets_policy policy = {.image = image, .peer_of = nobodys};
	struct targets_question question;

	return targets_hear(f->targets, &policy, LISTENERS, 0, m, f->now, answer, &question);
}

// Milliseconds until it may be connected to; 0: now.
static uint32_t want_target(struct fixture *f, const struct link_target *which)
{
	struct link_message m = {.type = LINK_TARGET_WANTED, .n_bytes = LINK_BYTES_TARGET_WANTED},
			    answer;

	m.target_wanted.target = *which;
	assert_null(link_message_check(&m, LINK_TO_CONTROL, 0));
	assert_int_equal(hear(f, f->image.image, &m, &answer), TARGETS_ANSWER);
	assert_null(link_message_check(&answer, LINK_TO_WORKER, 0));
	assert_memory_equal(&answer.target_open.target, which, sizeof(*which));
	return answer.type == LINK_TARGET_OPEN ? 0 : answer.target_refused.retry_ms;
}

static uint32_t want(struct fixture *f, unsigned hop)
{
	struct link_target which = target(hop, 0);

	return want_target(f, &which);
}

static void tell_slot(struct fixture *f, unsigned hop, uint8_t slot, enum link_target_state state,
	enum reason reason)
{
	struct link_message m = {.type = LINK_TARGET_STATE, .n_bytes = LINK_BYTES_TARGET_STATE},
			    answer;

	m.target_state.target = target(hop, slot);
	m.target_state.state = (uint8_t)state;
	m.target_state.reason = (uint16_t)reason;
	m.target_state.lost_bytes = state == LINK_TARGET_ENDED ? 10 : 0;
	assert_null(link_message_check(&m, LINK_TO_CONTROL, 0));
	assert_int_equal(hear(f, f->image.image, &m, &answer), TARGETS_NOTHING);
}

static void tell(struct fixture *f, unsigned hop, enum link_target_state state, enum reason reason)
{
	tell_slot(f, hop, 0, state, reason);
}

struct rows {
	unsigned n;
	struct targets_row row[N_MAX + 1];
};

static void add_row(void *arg, const struct targets_row *row)
{
	struct rows *rows = arg;

	assert_true(rows->n <= N_MAX);
	rows->row[rows->n++] = *row;
}

static struct rows list(const struct fixture *f)
{
	struct rows rows = {0};

	targets_each(f->targets, f->now, add_row, &rows);
	return rows;
}

static void a_hop_of_a_peer_may_be_connected_to_at_once(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(want(f, 0), 0);
	assert_int_equal(list(f).n, 1);
	assert_int_equal(targets_n_unknown(f->targets), 0);
}

static void what_no_peer_has_is_refused_and_counted(void **state)
{
	struct fixture *f = *state;
	struct link_target t = target(0, 0);

	t.remote.port = 5061;
	assert_int_equal(want_target(f, &t), TARGETS_UNKNOWN_MS);
	t = target(0, 0);
	t.remote.ip.bytes[3] = 99;
	assert_int_equal(want_target(f, &t), TARGETS_UNKNOWN_MS);
	t = target(0, 0);
	t.listener = LISTENERS;
	assert_int_equal(want_target(f, &t), TARGETS_UNKNOWN_MS);
	assert_int_equal(targets_n_unknown(f->targets), 3);
	assert_int_equal(list(f).n, 0);
}

static void without_a_policy_nothing_may_be_connected_to(void **state)
{
	struct fixture *f = *state;
	struct link_message m = {.type = LINK_TARGET_WANTED, .n_bytes = LINK_BYTES_TARGET_WANTED},
			    answer;

	m.target_wanted.target = target(0, 0);
	assert_int_equal(hear(f, NULL, &m, &answer), TARGETS_ANSWER);
	assert_int_equal(answer.type, LINK_TARGET_REFUSED);
}

static void a_publication_changes_who_may_be_connected_to(void **state)
{
	static const char *const fewer[] = {"198.51.100.2:5060", NULL};
	struct fixture *f = *state;

	assert_int_equal(want(f, 0), 0);
	hop_image_close(&f->image);
	hop_image_open(&f->image, 2, fewer);
	assert_int_equal(want(f, 0), TARGETS_UNKNOWN_MS);
	assert_int_equal(want(f, 1), 0);
}

static void a_failure_is_followed_by_a_back_off_that_doubles_up_to_a_minute(void **state)
{
	struct fixture *f = *state;
	uint32_t before = 0;

	for (unsigned i = 0; i < 12; i++) {
		uint32_t base = i < 6 ? 1250u << i : 60000, left;

		assert_int_equal(want(f, 0), 0);
		tell(f, 0, LINK_TARGET_FAILED, REASON_tcp_refused);
		left = want(f, 0);
		assert_in_range(left, base - base / 4 > 1000 ? base - base / 4 : 1000, base);
		if (i > 0 && i < 6)
			assert_true(left > before);
		before = left;
		f->now += (left - 1) * MS;
		assert_int_equal(want(f, 0), 1);
		f->now += MS;
	}
	assert_int_equal(list(f).row[0].n_failures, 12);
	assert_int_equal(list(f).row[0].reason, REASON_tcp_refused);
}

static void back_offs_of_targets_that_died_together_differ(void **state)
{
	struct fixture *f = *state;
	uint32_t left[N_MAX];

	for (unsigned i = 0; i < N_MAX; i++) {
		for (unsigned k = 0; k < 5; k++) {
			f->now += 100 * SECOND;
			assert_int_equal(want(f, i), 0);
			tell(f, i, LINK_TARGET_FAILED, REASON_tcp_timed_out);
			left[i] = want(f, i);
		}
	}
	for (unsigned i = 1; i < N_MAX; i++)
		assert_int_not_equal(left[i], left[0]);
}

static void connections_that_fail_together_count_as_one_failure(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(want(f, 0), 0);
	for (uint8_t slot = 0; slot < LINK_TARGET_SLOTS; slot++)
		tell_slot(f, 0, slot, LINK_TARGET_FAILED, REASON_tcp_refused);
	assert_int_equal(list(f).row[0].n_failures, 1);
	assert_int_equal(list(f).row[0].n_failed, LINK_TARGET_SLOTS);
	assert_in_range(list(f).row[0].back_off_ms, 1000, 1250);
}

static void one_that_comes_up_ends_the_back_off_for_all(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(want(f, 0), 0);
	tell_slot(f, 0, 1, LINK_TARGET_FAILED, REASON_tcp_refused);
	assert_int_not_equal(want(f, 0), 0);
	tell_slot(f, 0, 0, LINK_TARGET_UP, REASON_none);
	assert_int_equal(want(f, 0), 0);
	assert_int_equal(list(f).row[0].n_up, 1);
}

static void a_success_is_one_that_stood_for_a_while(void **state)
{
	struct fixture *f = *state;

	// Accepted and reset, again and again.
	for (unsigned i = 1; i <= 3; i++) {
		f->now += 100 * SECOND;
		assert_int_equal(want(f, 0), 0);
		tell(f, 0, LINK_TARGET_UP, REASON_none);
		f->now += SECOND;
		tell(f, 0, LINK_TARGET_ENDED, REASON_tcp_reset);
		assert_int_equal(list(f).row[0].n_failures, i);
		assert_int_not_equal(want(f, 0), 0);
	}
	f->now += 100 * SECOND;
	assert_int_equal(want(f, 0), 0);
	tell(f, 0, LINK_TARGET_UP, REASON_none);
	f->now += TARGETS_STABLE_MS * MS;
	tell(f, 0, LINK_TARGET_ENDED, REASON_tcp_reset);
	assert_int_equal(list(f).row[0].n_failures, 0);
	assert_int_equal(want(f, 0), 0);
	assert_int_equal(list(f).row[0].lost_bytes, 40);
}

static void one_that_was_closed_in_good_order_may_be_opened_again_at_once(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(want(f, 0), 0);
	tell(f, 0, LINK_TARGET_UP, REASON_none);
	tell(f, 0, LINK_TARGET_ENDED, REASON_tcp_closed);
	assert_int_equal(want(f, 0), 0);
	assert_int_equal(list(f).row[0].n_ended, 1);
}

static void one_that_a_policy_of_ours_has_ended_is_no_failure_of_the_partner(void **state)
{
	static const enum reason reasons[] = {REASON_egress_withdrawn, REASON_session_blocked,
		REASON_session_revoked, REASON_session_worn};
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		assert_int_equal(want(f, 0), 0);
		tell(f, 0, LINK_TARGET_UP, REASON_none);
		tell(f, 0, LINK_TARGET_ENDED, reasons[i]);
		assert_int_equal(list(f).row[0].n_failures, 0);
	}
	assert_int_equal(want(f, 0), 0);
}

static void after_an_attachment_connections_are_told_anew_and_back_offs_stay(void **state)
{
	struct fixture *f = *state;
	struct link_message m = {.type = LINK_TARGET_STATE, .n_bytes = LINK_BYTES_TARGET_STATE},
			    answer;

	assert_int_equal(want(f, 0), 0);
	tell(f, 0, LINK_TARGET_UP, REASON_none);
	assert_int_equal(want(f, 1), 0);
	tell(f, 1, LINK_TARGET_FAILED, REASON_tcp_refused);
	targets_forget_connections(f->targets);
	assert_int_equal(list(f).row[1].n_up, 0);
	assert_int_not_equal(want(f, 1), 0);
	m.target_state.target = target(0, 0);
	m.target_state.state = LINK_TARGET_UP;
	m.target_state.since_ms = 90000;
	assert_int_equal(hear(f, f->image.image, &m, &answer), TARGETS_NOTHING);
	assert_int_equal(list(f).row[0].n_up, 1);
	assert_int_equal(list(f).row[0].up_ms, 90000);
}

static void a_connection_older_than_the_clock_is_as_old_as_the_clock(void **state)
{
	struct fixture *f = *state;
	struct link_message m = {.type = LINK_TARGET_STATE, .n_bytes = LINK_BYTES_TARGET_STATE},
			    answer;

	m.target_state.target = target(0, 0);
	m.target_state.state = LINK_TARGET_UP;
	m.target_state.since_ms = UINT64_MAX;
	assert_int_equal(hear(f, f->image.image, &m, &answer), TARGETS_NOTHING);
	assert_int_equal(list(f).row[0].up_ms, f->now / MS);
}

static void the_longest_unused_target_without_a_connection_gives_way(void **state)
{
	struct fixture *f = *state;
	struct rows rows;

	for (unsigned i = 0; i < N_MAX; i++)
		assert_int_equal(want(f, i), 0);
	tell(f, 0, LINK_TARGET_UP, REASON_none);
	assert_int_equal(want(f, 2), 0);
	// 1, 3, 0, 2 by their last use.
	assert_int_equal(want(f, 4), 0);
	rows = list(f);
	assert_int_equal(rows.n, N_MAX);
	assert_int_equal(rows.row[0].remote.ip.bytes[3], 5);
	assert_int_equal(rows.row[1].remote.ip.bytes[3], 3);
	assert_int_equal(rows.row[2].remote.ip.bytes[3], 1);
	assert_int_equal(rows.row[3].remote.ip.bytes[3], 4);
}

static void where_all_have_connections_another_target_waits(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < N_MAX; i++) {
		assert_int_equal(want(f, i), 0);
		tell(f, i, LINK_TARGET_UP, REASON_none);
	}
	assert_int_equal(want(f, 4), TARGETS_BACK_OFF_MS_MIN);
	tell(f, 2, LINK_TARGET_ENDED, REASON_tcp_closed);
	assert_int_equal(want(f, 4), 0);
}

static void a_table_of_no_size_or_too_large_a_one_is_none(void **state)
{
	(void)state;
	assert_null(targets_new(0, 1));
	assert_null(targets_new((1u << 20) + 1, 1));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_hop_of_a_peer_may_be_connected_to_at_once),
		CASE(what_no_peer_has_is_refused_and_counted),
		CASE(without_a_policy_nothing_may_be_connected_to),
		CASE(a_publication_changes_who_may_be_connected_to),
		CASE(a_failure_is_followed_by_a_back_off_that_doubles_up_to_a_minute),
		CASE(back_offs_of_targets_that_died_together_differ),
		CASE(connections_that_fail_together_count_as_one_failure),
		CASE(one_that_comes_up_ends_the_back_off_for_all),
		CASE(a_success_is_one_that_stood_for_a_while),
		CASE(one_that_was_closed_in_good_order_may_be_opened_again_at_once),
		CASE(one_that_a_policy_of_ours_has_ended_is_no_failure_of_the_partner),
		CASE(after_an_attachment_connections_are_told_anew_and_back_offs_stay),
		CASE(a_connection_older_than_the_clock_is_as_old_as_the_clock),
		CASE(the_longest_unused_target_without_a_connection_gives_way),
		CASE(where_all_have_connections_another_target_waits),
		cmocka_unit_test(a_table_of_no_size_or_too_large_a_one_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
