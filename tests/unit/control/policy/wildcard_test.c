// SPDX-License-Identifier: BSD-3-Clause

#include "control/policy/wildcard.h"
#include "tests/unit/test.h"

static void a_wildcard_becomes_the_shortest_expression(void **state)
{
	static const struct {
		const char *wildcard, *regex;
	} rows[] = {
		{"*.spam-*.example", "\\.spam-.*\\.example\\z"},
		{"Mail?.Example.", "^mail.\\.example\\z"},
		{"*spam*", "spam"},
		{"spam*", "^spam"},
		{"*", "."},
		{"***", "."},
		{"?", "^.\\z"},
		{"a**b.c", "^a.*b\\.c\\z"},
		{"*.1", "\\.1\\z"},
		{"*.bücher.example", "\\.xn--bcher-kva\\.example\\z"},
		{"*.４２.example", "\\.42\\.example\\z"},
		{"*.a。b", "\\.a\\.b\\z"},
		{"_a-b.c", "^_a-b\\.c\\z"},
	};
	char regex[100];
	const char *error;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(wildcard_to_regex(view_string(rows[i].wildcard), regex,
					 sizeof(regex), &error),
			strlen(rows[i].regex));
		assert_string_equal(regex, rows[i].regex);
	}
}

static void what_is_no_wildcard_is_refused_with_a_reason(void **state)
{
	static const char *const rows[] = {"", ".", "a..*", ".*", "a b*", "*.(x)", "*\\", "*$",
		"^*", "b\xc3\xbc*.example", "*.a+", "*\n"};
	char regex[100];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *error = NULL;

		assert_true(
			wildcard_to_regex(view_string(rows[i]), regex, sizeof(regex), &error) < 0);
		assert_non_null(error);
	}
}

static void an_expression_without_room_is_refused(void **state)
{
	char regex[8];
	const char *error;

	(void)state;
	for (size_t room = 1; room <= 7; room++)
		assert_true(wildcard_to_regex(VIEW("ab.cd"), regex, room, &error) < 0);
	assert_int_equal(wildcard_to_regex(VIEW("abcd*"), regex, sizeof(regex), &error), 5);
	assert_string_equal(regex, "^abcd");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wildcard_becomes_the_shortest_expression),
		cmocka_unit_test(what_is_no_wildcard_is_refused_with_a_reason),
		cmocka_unit_test(an_expression_without_room_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
