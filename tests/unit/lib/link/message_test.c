// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/test.h"

#include "lib/link/message.h"

#define EPOCH 7

static struct link_message pong(void)
{
	return (struct link_message){
		.type = LINK_PONG,
		.epoch = EPOCH,
		.pong = {.token = 1, .generation = 2},
	};
}

static void a_message_of_the_right_type_direction_and_epoch_passes(void **state)
{
	struct link_message m = pong();

	(void)state;
	assert_null(link_message_check(&m, LINK_TO_CONTROL, EPOCH));
	m.type = LINK_APPLIED;
	assert_null(link_message_check(&m, LINK_TO_CONTROL, EPOCH));
	m = (struct link_message){.type = LINK_PING, .epoch = EPOCH, .ping = {.token = 9}};
	assert_null(link_message_check(&m, LINK_TO_WORKER, EPOCH));
}

static void a_message_in_the_wrong_direction_is_refused(void **state)
{
	struct link_message m = pong();

	(void)state;
	assert_string_equal(link_message_check(&m, LINK_TO_WORKER, EPOCH), "wrong direction");
}

static void every_type_outside_the_list_is_refused(void **state)
{
	(void)state;
	for (unsigned type = 0; type <= UINT16_MAX; type++) {
		struct link_message m = {.type = (uint16_t)type, .epoch = EPOCH};
		bool known = type != LINK_NONE && type < LINK_N;
		const char *error = link_message_check(&m, LINK_TO_CONTROL, EPOCH);

		if (!known)
			assert_string_equal(error, "unknown type");
	}
}

static void a_message_of_another_epoch_is_refused(void **state)
{
	struct link_message m = pong();

	(void)state;
	m.epoch = EPOCH - 1;
	assert_string_equal(
		link_message_check(&m, LINK_TO_CONTROL, EPOCH), "another attachment's epoch");
}

static void any_bit_outside_the_fields_is_refused(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 8 * LINK_MESSAGE_BYTES; bit++) {
		struct link_message m = pong();
		uint8_t bytes[LINK_MESSAGE_BYTES];
		bool in_payload = bit >= 64 && bit < 64 + 128;

		memcpy(bytes, &m, sizeof(m));
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		memcpy(&m, bytes, sizeof(m));
		// PONG and APPLIED differ in bits of the type and have the same form.
		if (m.type == LINK_APPLIED)
			continue;
		assert_int_equal(
			link_message_check(&m, LINK_TO_CONTROL, EPOCH) == NULL, in_payload);
	}
}

static struct link_target target(void)
{
	struct link_target t = {.listener = 3, .slot = 1};

	assert_int_equal(endpoint_parse(VIEW("198.51.100.7"), 5060, TRANSPORT_TCP, &t.remote), 0);
	return t;
}

static struct link_message target_message(enum link_type type)
{
	struct link_message m = {.type = (uint16_t)type, .epoch = EPOCH};

	m.target_wanted.target = target();
	if (type == LINK_TARGET_REFUSED)
		m.target_refused.retry_ms = 1000;
	return m;
}

static const char *check_target_message(const struct link_message *m)
{
	bool to_worker = m->type == LINK_TARGET_OPEN || m->type == LINK_TARGET_REFUSED;

	return link_message_check(m, to_worker ? LINK_TO_WORKER : LINK_TO_CONTROL, EPOCH);
}

static void every_message_of_a_target_passes_its_own_way_only(void **state)
{
	(void)state;
	for (unsigned type = LINK_TARGET_WANTED; type <= LINK_TARGET_REFUSED; type++) {
		struct link_message m = target_message(type);
		bool to_worker = type == LINK_TARGET_OPEN || type == LINK_TARGET_REFUSED;

		assert_null(check_target_message(&m));
		assert_string_equal(
			link_message_check(&m, to_worker ? LINK_TO_CONTROL : LINK_TO_WORKER, EPOCH),
			"wrong direction");
	}
}

static void a_target_that_cannot_be_is_refused_in_every_message(void **state)
{
	(void)state;
	for (unsigned type = LINK_TARGET_WANTED; type <= LINK_TARGET_REFUSED; type++) {
		struct link_message m[9];

		for (unsigned i = 0; i < 9; i++)
			m[i] = target_message(type);
		m[0].target_wanted.target.remote.ip.family = 5;
		m[1].target_wanted.target.remote.ip.bytes[4] = 1;
		m[2].target_wanted.target.remote.port = 0;
		m[3].target_wanted.target.remote.transport = TRANSPORT_UDP;
		m[4].target_wanted.target.remote.transport = TRANSPORT_TLS;
		m[5].target_wanted.target.remote.zero = 1;
		m[6].target_wanted.target.listener = LINK_TARGET_LISTENERS;
		m[7].target_wanted.target.slot = LINK_TARGET_SLOTS;
		m[8].target_wanted.target.zero[4] = 1;
		for (unsigned i = 0; i < 9; i++)
			assert_non_null(check_target_message(&m[i]));
	}
}

static void a_back_off_is_bounded(void **state)
{
	struct link_message m = target_message(LINK_TARGET_REFUSED);

	(void)state;
	m.target_refused.retry_ms = 0;
	assert_string_equal(check_target_message(&m), "a target's back-off out of range");
	m.target_refused.retry_ms = LINK_TARGET_RETRY_MS_MAX;
	assert_null(check_target_message(&m));
	m.target_refused.retry_ms++;
	assert_string_equal(check_target_message(&m), "a target's back-off out of range");
	m.target_refused.retry_ms = 1;
	m.target_refused.zero = 1;
	assert_non_null(check_target_message(&m));
}

static void a_state_and_its_reason_are_known_ones(void **state)
{
	struct link_message m = target_message(LINK_TARGET_STATE);

	(void)state;
	m.target_state.reason = REASON_N - 1;
	m.target_state.state = LINK_TARGET_STATE_N - 1;
	assert_null(check_target_message(&m));
	m.target_state.reason = REASON_N;
	assert_string_equal(check_target_message(&m), "unknown reason of a target's state");
	m.target_state.reason = REASON_none;
	m.target_state.state = LINK_TARGET_STATE_N;
	assert_string_equal(check_target_message(&m), "unknown state of a target");
	m.target_state.state = LINK_TARGET_UP;
	m.target_state.zero = 1;
	assert_non_null(check_target_message(&m));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_of_the_right_type_direction_and_epoch_passes),
		cmocka_unit_test(a_message_in_the_wrong_direction_is_refused),
		cmocka_unit_test(every_type_outside_the_list_is_refused),
		cmocka_unit_test(a_message_of_another_epoch_is_refused),
		cmocka_unit_test(any_bit_outside_the_fields_is_refused),
		cmocka_unit_test(every_message_of_a_target_passes_its_own_way_only),
		cmocka_unit_test(a_target_that_cannot_be_is_refused_in_every_message),
		cmocka_unit_test(a_back_off_is_bounded),
		cmocka_unit_test(a_state_and_its_reason_are_known_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
