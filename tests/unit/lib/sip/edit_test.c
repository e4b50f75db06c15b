// SPDX-License-Identifier: BSD-3-Clause

#include "lib/sip/edit.h"
#include "tests/unit/test.h"

static void expect_text(const struct sip_edits *e, const char *expected)
{
	uint8_t out[256];
	size_t n = sip_edits_write(e, out, sizeof(out));

	assert_int_equal(n, strlen(expected));
	assert_int_equal(n, e->n_bytes);
	assert_memory_equal(out, expected, n);
}

static void no_edits_give_the_source(void **state)
{
	struct sip_edits e;

	(void)state;
	sip_edits_init(&e, VIEW("0123456789"));
	expect_text(&e, "0123456789");
}

static void edits_apply_whatever_the_order_they_were_added_in(void **state)
{
	static const struct {
		size_t at, cut;
		const char *insert;
	} rows[] = {{0, 0, "<"}, {2, 3, ""}, {6, 1, "six"}, {10, 0, ">"}};
	static const unsigned orders[][4] = {
		{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}, {1, 3, 0, 2}, {3, 0, 2, 1}};

	(void)state;
	for (size_t o = 0; o < sizeof(orders) / sizeof(orders[0]); o++) {
		struct sip_edits e;

		sip_edits_init(&e, VIEW("0123456789"));
		for (unsigned i = 0; i < 4; i++) {
			unsigned row = orders[o][i];

			sip_edits_add(
				&e, rows[row].at, rows[row].cut, view_string(rows[row].insert));
		}
		expect_text(&e, "<015six789>");
	}
}

static void inserts_at_one_place_keep_their_order_and_precede_a_cut_there(void **state)
{
	struct sip_edits e;

	(void)state;
	sip_edits_init(&e, VIEW("0123456789"));
	sip_edits_insert(&e, 4, VIEW("a"));
	sip_edits_cut(&e, 4, 2);
	sip_edits_insert(&e, 4, VIEW("b"));
	sip_edits_insert(&e, 6, VIEW("c"));
	expect_text(&e, "0123abc6789");
}

static void adjacent_cuts_are_one_edit(void **state)
{
	struct sip_edits e;
	uint8_t source[SIP_EDITS_MAX * 4];
	size_t at = 0;

	(void)state;
	memset(source, 'x', sizeof(source));
	sip_edits_init(&e, view_of(source, sizeof(source)));
	for (; at < SIP_EDITS_MAX * 2; at++)
		sip_edits_cut(&e, at, 1);
	assert_int_equal(e.n, 1);
	assert_false(e.overflow);
	assert_int_equal(e.n_bytes, sizeof(source) - at);
}

static void overlapping_or_outside_edits_write_nothing(void **state)
{
	static const struct {
		size_t at, cut;
	} rows[] = {{3, 1}, {2, 2}, {5, 0}, {4, 4}, {0, 10}, {11, 0}, {10, 1}, {9, 2},
		{0, SIZE_MAX}, {SIZE_MAX, 1}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t out[64];
		struct sip_edits e;

		sip_edits_init(&e, VIEW("0123456789"));
		sip_edits_cut(&e, 3, 3);
		sip_edits_add(&e, rows[i].at, rows[i].cut, VIEW("!"));
		assert_true(e.overflow);
		assert_int_equal(sip_edits_write(&e, out, sizeof(out)), 0);
	}
}

static void too_many_edits_write_nothing(void **state)
{
	uint8_t source[SIP_EDITS_MAX + 1], out[4 * SIP_EDITS_MAX];
	struct sip_edits e;

	(void)state;
	memset(source, 'x', sizeof(source));
	sip_edits_init(&e, view_of(source, sizeof(source)));
	for (unsigned i = 0; i < SIP_EDITS_MAX; i++)
		sip_edits_insert(&e, i, VIEW("y"));
	assert_int_equal(sip_edits_write(&e, out, sizeof(out)), 2 * SIP_EDITS_MAX + 1);
	sip_edits_insert(&e, 0, VIEW("z"));
	assert_true(e.overflow);
	assert_int_equal(sip_edits_write(&e, out, sizeof(out)), 0);
}

static void what_does_not_fit_is_not_written(void **state)
{
	uint8_t out[16] = "untouched";
	struct sip_edits e;

	(void)state;
	sip_edits_init(&e, VIEW("0123456789"));
	sip_edits_insert(&e, 5, VIEW("abc"));
	assert_int_equal(sip_edits_write(&e, out, 12), 0);
	assert_string_equal((char *)out, "untouched");
	assert_int_equal(sip_edits_write(&e, out, 13), 13);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_edits_give_the_source),
		cmocka_unit_test(edits_apply_whatever_the_order_they_were_added_in),
		cmocka_unit_test(inserts_at_one_place_keep_their_order_and_precede_a_cut_there),
		cmocka_unit_test(adjacent_cuts_are_one_edit),
		cmocka_unit_test(overlapping_or_outside_edits_write_nothing),
		cmocka_unit_test(too_many_edits_write_nothing),
		cmocka_unit_test(what_does_not_fit_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
