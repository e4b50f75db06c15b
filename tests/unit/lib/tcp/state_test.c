// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/state.h"
#include "tests/unit/test.h"

// RFC 9293 figure 5, one line an arrow.
static const struct {
	enum tcp_state from;
	enum tcp_state_event event;
	enum tcp_state to;
} arrows[] = {
	{TCP_STATE_CLOSED, TCP_EVENT_OPEN, TCP_STATE_SYN_SENT},
	{TCP_STATE_CLOSED, TCP_EVENT_ACCEPT, TCP_STATE_SYN_RECEIVED},
	{TCP_STATE_CLOSED, TCP_EVENT_COOKIE_ACKED, TCP_STATE_ESTABLISHED},
	{TCP_STATE_SYN_SENT, TCP_EVENT_PEER_SYN, TCP_STATE_SYN_RECEIVED},
	{TCP_STATE_SYN_SENT, TCP_EVENT_PEER_SYN_ACK, TCP_STATE_ESTABLISHED},
	{TCP_STATE_SYN_RECEIVED, TCP_EVENT_SYN_ACKED, TCP_STATE_ESTABLISHED},
	{TCP_STATE_ESTABLISHED, TCP_EVENT_CLOSE, TCP_STATE_FIN_WAIT_1},
	{TCP_STATE_ESTABLISHED, TCP_EVENT_PEER_FIN, TCP_STATE_CLOSE_WAIT},
	{TCP_STATE_FIN_WAIT_1, TCP_EVENT_FIN_ACKED, TCP_STATE_FIN_WAIT_2},
	{TCP_STATE_FIN_WAIT_1, TCP_EVENT_PEER_FIN, TCP_STATE_CLOSING},
	{TCP_STATE_FIN_WAIT_2, TCP_EVENT_PEER_FIN, TCP_STATE_TIME_WAIT},
	{TCP_STATE_CLOSE_WAIT, TCP_EVENT_CLOSE, TCP_STATE_LAST_ACK},
	{TCP_STATE_CLOSING, TCP_EVENT_FIN_ACKED, TCP_STATE_TIME_WAIT},
	{TCP_STATE_LAST_ACK, TCP_EVENT_FIN_ACKED, TCP_STATE_CLOSED},
};

static enum tcp_state expected(enum tcp_state from, enum tcp_state_event event)
{
	if (event == TCP_EVENT_END)
		return from == TCP_STATE_CLOSED ? TCP_STATE_N : TCP_STATE_CLOSED;
	for (size_t i = 0; i < sizeof(arrows) / sizeof(arrows[0]); i++) {
		if (arrows[i].from == from && arrows[i].event == event)
			return arrows[i].to;
	}
	return TCP_STATE_N;
}

static void every_state_and_event_is_as_the_figure_says(void **state)
{
	(void)state;
	for (unsigned from = 0; from < TCP_STATE_N; from++) {
		for (unsigned event = 0; event < TCP_EVENT_N; event++)
			assert_int_equal(tcp_state_after(from, event), expected(from, event));
	}
}

static void what_is_no_state_or_event_leads_nowhere(void **state)
{
	(void)state;
	assert_int_equal(tcp_state_after(TCP_STATE_N, TCP_EVENT_END), TCP_STATE_N);
	assert_int_equal(tcp_state_after(TCP_STATE_CLOSED, TCP_EVENT_N), TCP_STATE_N);
	assert_string_equal(tcp_state_name(TCP_STATE_N), "unknown");
	assert_string_equal(tcp_state_name(TCP_STATE_FIN_WAIT_2), "FIN_WAIT_2");
}

static void groups_of_states_are_those_of_the_text(void **state)
{
	(void)state;
	assert_false(tcp_state_is_synchronized(TCP_STATE_CLOSED));
	assert_false(tcp_state_is_synchronized(TCP_STATE_SYN_RECEIVED));
	for (enum tcp_state s = TCP_STATE_ESTABLISHED; s < TCP_STATE_N; s++)
		assert_true(tcp_state_is_synchronized(s));
	assert_true(tcp_state_receives(TCP_STATE_ESTABLISHED));
	assert_true(tcp_state_receives(TCP_STATE_FIN_WAIT_2));
	assert_false(tcp_state_receives(TCP_STATE_CLOSE_WAIT));
	assert_false(tcp_state_receives(TCP_STATE_CLOSING));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_and_event_is_as_the_figure_says),
		cmocka_unit_test(what_is_no_state_or_event_leads_nowhere),
		cmocka_unit_test(groups_of_states_are_those_of_the_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
