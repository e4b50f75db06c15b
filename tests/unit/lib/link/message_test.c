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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_of_the_right_type_direction_and_epoch_passes),
		cmocka_unit_test(a_message_in_the_wrong_direction_is_refused),
		cmocka_unit_test(every_type_outside_the_list_is_refused),
		cmocka_unit_test(a_message_of_another_epoch_is_refused),
		cmocka_unit_test(any_bit_outside_the_fields_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
