// SPDX-License-Identifier: BSD-3-Clause
// SRV records out of bytes, and their order (RFC 2782).

#include "tests/unit/test.h"

#include "control/dns/srv.h"

#include <errno.h>

#define RECORD(bytes) view_of(bytes, sizeof(bytes) - 1)

static uint32_t next_number(void *arg)
{
	uint32_t *state = arg;

	*state = *state * 1664525 + 1013904223;
	return *state;
}

static void a_record_gives_its_four_fields(void **state)
{
	struct srv srv;

	(void)state;
	assert_int_equal(srv_parse(RECORD("\x00\x0a\x00\x3c\x13\xc5\x03Sip\x07"
					  "example\x03"
					  "com\x00"),
				 &srv),
		0);
	assert_int_equal(srv.priority, 10);
	assert_int_equal(srv.weight, 60);
	assert_int_equal(srv.port, 5061);
	assert_string_equal(srv.target, "sip.example.com");
}

static void the_root_as_target_is_empty(void **state)
{
	struct srv srv;

	(void)state;
	assert_int_equal(srv_parse(RECORD("\0\0\0\0\0\0\0"), &srv), 0);
	assert_string_equal(srv.target, "");
}

static void a_record_cut_anywhere_is_refused(void **state)
{
	static const char record[] = "\x00\x0a\x00\x3c\x13\xc5\x03sip\x07"
				     "example\x03"
				     "com\x00";
	struct srv srv;

	(void)state;
	for (size_t n = 0; n + 1 < sizeof(record); n++)
		assert_int_equal(srv_parse(view_of(record, n), &srv), -EBADMSG);
	assert_int_equal(srv_parse(view_of(record, sizeof(record) - 1), &srv), 0);
}

static void bytes_after_the_target_are_refused(void **state)
{
	struct srv srv;

	(void)state;
	assert_int_equal(srv_parse(RECORD("\0\0\0\0\x13\xc5\x01\x61\0\x01"), &srv), -EBADMSG);
}

static void a_target_with_a_byte_of_no_host_name_is_refused(void **state)
{
	struct srv srv;

	(void)state;
	assert_int_equal(srv_parse(RECORD("\0\0\0\0\x13\xc5\x03\x61.b\0"), &srv), -EBADMSG);
	assert_int_equal(srv_parse(RECORD("\0\0\0\0\x13\xc5\x03\x61 b\0"), &srv), -EBADMSG);
	assert_int_equal(srv_parse(RECORD("\0\0\0\0\x13\xc5\xc0\x0c"), &srv), -EBADMSG);
}

static void a_target_of_255_bytes_is_the_longest(void **state)
{
	uint8_t record[6 + 300] = {0};
	size_t n = 6;
	struct srv srv;

	(void)state;
	for (unsigned label = 0; label < 3; label++) {
		record[n++] = 63;
		memset(record + n, 'a', 63);
		n += 63;
	}
	record[n++] = 61;
	memset(record + n, 'b', 61);
	n += 61;
	record[n++] = 0;
	assert_int_equal(n - 6, 255);
	assert_int_equal(srv_parse(view_of(record, n), &srv), 0);
	assert_int_equal(strlen(srv.target), 253);
	// One byte more.
	record[6 + 3 * 64] = 62;
	record[n - 1] = 'b';
	record[n++] = 0;
	assert_int_equal(srv_parse(view_of(record, n), &srv), -EBADMSG);
}

static void lower_priorities_come_first(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (unsigned run = 0; run < 100; run++) {
		struct srv list[] = {{.priority = 20, .weight = 65535}, {.priority = 10},
			{.priority = 0, .weight = 1}, {.priority = 10, .weight = 9}};

		srv_order(list, 4, next_number, &seed);
		assert_int_equal(list[0].priority, 0);
		assert_int_equal(list[1].priority, 10);
		assert_int_equal(list[2].priority, 10);
		assert_int_equal(list[3].priority, 20);
	}
}

// RFC 2782: a server's share of first places is its weight's share of the sum.
static void weights_share_the_first_place(void **state)
{
	unsigned first[3] = {0};
	uint32_t seed = 7;

	(void)state;
	for (unsigned run = 0; run < 10000; run++) {
		struct srv list[] = {{.weight = 60, .port = 0}, {.weight = 30, .port = 1},
			{.weight = 10, .port = 2}};

		srv_order(list, 3, next_number, &seed);
		first[list[0].port]++;
	}
	assert_in_range(first[0], 5600, 6400);
	assert_in_range(first[1], 2650, 3350);
	assert_in_range(first[2], 750, 1250);
}

static void a_weight_of_zero_is_chosen_rarely_but_not_never(void **state)
{
	unsigned n_first = 0;
	uint32_t seed = 3;

	(void)state;
	for (unsigned run = 0; run < 10000; run++) {
		struct srv list[] = {{.weight = 99, .port = 1}, {.weight = 0, .port = 2}};

		srv_order(list, 2, next_number, &seed);
		n_first += list[0].port == 2;
	}
	assert_in_range(n_first, 20, 400);
}

static void nothing_is_lost_by_ordering(void **state)
{
	uint32_t seed = 11;

	(void)state;
	for (unsigned run = 0; run < 200; run++) {
		struct srv list[16];
		uint32_t seen = 0;

		for (unsigned i = 0; i < 16; i++)
			list[i] = (struct srv){.priority = next_number(&seed) >> 30,
				.weight = next_number(&seed) >> 28,
				.port = (uint16_t)i};
		srv_order(list, 16, next_number, &seed);
		for (unsigned i = 0; i < 16; i++)
			seen |= 1u << list[i].port;
		assert_int_equal(seen, 0xffff);
	}
	srv_order(NULL, 0, next_number, &seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_gives_its_four_fields),
		cmocka_unit_test(the_root_as_target_is_empty),
		cmocka_unit_test(a_record_cut_anywhere_is_refused),
		cmocka_unit_test(bytes_after_the_target_are_refused),
		cmocka_unit_test(a_target_with_a_byte_of_no_host_name_is_refused),
		cmocka_unit_test(a_target_of_255_bytes_is_the_longest),
		cmocka_unit_test(lower_priorities_come_first),
		cmocka_unit_test(weights_share_the_first_place),
		cmocka_unit_test(a_weight_of_zero_is_chosen_rarely_but_not_never),
		cmocka_unit_test(nothing_is_lost_by_ordering),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
