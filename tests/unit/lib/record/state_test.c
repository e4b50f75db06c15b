// SPDX-License-Identifier: BSD-3-Clause

#include "lib/record/state.h"

#include "lib/record/alert.h"
#include "tests/unit/test.h"

// The whole matrix, as RFC 8446 §6.1 has it.
static const enum record_state expected[RECORD_STATE_N][RECORD_EVENT_N] = {
	// CLOSE, PEER_CLOSE, FAIL
	[RECORD_STATE_OPEN] = {RECORD_STATE_CLOSE_SENT, RECORD_STATE_PEER_CLOSED,
		RECORD_STATE_FAILED},
	[RECORD_STATE_PEER_CLOSED] = {RECORD_STATE_CLOSED, RECORD_STATE_N, RECORD_STATE_FAILED},
	[RECORD_STATE_CLOSE_SENT] = {RECORD_STATE_N, RECORD_STATE_CLOSED, RECORD_STATE_FAILED},
	[RECORD_STATE_CLOSED] = {RECORD_STATE_N, RECORD_STATE_N, RECORD_STATE_N},
	[RECORD_STATE_FAILED] = {RECORD_STATE_N, RECORD_STATE_N, RECORD_STATE_N},
};

static void a_session_closes_as_the_rfc_says(void **state)
{
	(void)state;
	for (unsigned s = 0; s < RECORD_STATE_N; s++) {
		for (unsigned e = 0; e < RECORD_EVENT_N; e++)
			assert_int_equal(record_state_after(
						 (enum record_state)s, (enum record_state_event)e),
				expected[s][e]);
	}
}

static void nothing_follows_what_is_outside_the_table(void **state)
{
	(void)state;
	assert_int_equal(record_state_after(RECORD_STATE_N, RECORD_EVENT_CLOSE), RECORD_STATE_N);
	assert_int_equal(record_state_after(RECORD_STATE_OPEN, RECORD_EVENT_N), RECORD_STATE_N);
	assert_string_equal(record_state_name(RECORD_STATE_N), "unknown");
	assert_string_equal(record_state_name(RECORD_STATE_CLOSE_SENT), "CLOSE_SENT");
}

static void alerts_have_the_names_of_the_rfc(void **state)
{
	(void)state;
	assert_string_equal(record_alert_name(0), "close_notify");
	assert_string_equal(record_alert_name(48), "unknown_ca");
	assert_string_equal(record_alert_name(116), "certificate_required");
	assert_string_equal(record_alert_name(200), "unknown");
	assert_string_equal(record_alert_name(RECORD_ALERT_NONE), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_closes_as_the_rfc_says),
		cmocka_unit_test(nothing_follows_what_is_outside_the_table),
		cmocka_unit_test(alerts_have_the_names_of_the_rfc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
