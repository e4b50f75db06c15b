// SPDX-License-Identifier: BSD-3-Clause

#include "control/policy/list.h"

#include "tests/unit/test.h"

struct row {
	enum list_item item;
	const char *text;
	unsigned line;
};

// Reads the whole list and compares.
static void expect(struct view text, const struct row rows[], size_t n)
{
	struct list_reader r;
	struct view entry;

	list_open(&r, text);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(list_next(&r, &entry), rows[i].item);
		assert_int_equal(r.line, rows[i].line);
		if (rows[i].item == LIST_BAD) {
			assert_non_null(strstr(r.error, rows[i].text));
		} else {
			assert_int_equal(entry.len, strlen(rows[i].text));
			assert_memory_equal(entry.at, rows[i].text, entry.len);
		}
	}
	assert_int_equal(list_next(&r, &entry), LIST_END);
	assert_int_equal(list_next(&r, &entry), LIST_END);
}

#define EXPECT(text, ...)                                                 \
	do {                                                              \
		static const struct row rows[] = {__VA_ARGS__};           \
		expect(VIEW(text), rows, sizeof(rows) / sizeof(rows[0])); \
	} while (0)

static void one_name_a_line_is_read_with_its_line(void **state)
{
	(void)state;
	EXPECT("a.example\n\n  b.example\t\nc.example", {LIST_NAME, "a.example", 1},
		{LIST_NAME, "b.example", 3}, {LIST_NAME, "c.example", 4});
}

static void comments_blank_lines_carriage_returns_and_a_mark_are_no_entries(void **state)
{
	(void)state;
	EXPECT("\xef\xbb\xbf# all\r\n\r\na.example # why\r\n#b.example\r\n \t\r\nc.example#x\r\n",
		{LIST_NAME, "a.example", 3}, {LIST_NAME, "c.example", 6});
	expect(VIEW(""), NULL, 0);
	expect(VIEW("\xef\xbb\xbf"), NULL, 0);
	expect(VIEW("\n\n#\n"), NULL, 0);
}

static void hosts_lines_give_their_names_without_the_address(void **state)
{
	(void)state;
	EXPECT("0.0.0.0 a.example\n127.0.0.1\tb.example c.example # two\n:: d.example\n"
	       "::1 e.example\n",
		{LIST_NAME, "a.example", 1}, {LIST_NAME, "b.example", 2},
		{LIST_NAME, "c.example", 2}, {LIST_NAME, "d.example", 3},
		{LIST_NAME, "e.example", 4});
}

static void the_machines_own_names_in_a_hosts_file_are_passed_over(void **state)
{
	(void)state;
	EXPECT("127.0.0.1 localhost localhost.localdomain\n255.255.255.255 broadcasthost\n"
	       "fe80::1%lo0 localhost\nff02::1 ip6-allnodes\n0.0.0.0 0.0.0.0\n0.0.0.0 "
	       "a.example\n",
		{LIST_NAME, "a.example", 6});
	// Without an address it is a name that somebody wrote down on purpose.
	EXPECT("localhost\n", {LIST_NAME, "localhost", 1});
}

static void a_hosts_line_that_leads_somewhere_is_bad(void **state)
{
	(void)state;
	EXPECT("192.0.2.1 a.example b.example\n0.0.0.0\nc.example\n",
		{LIST_BAD, "leads somewhere", 1}, {LIST_BAD, "without a name", 2},
		{LIST_NAME, "c.example", 3});
}

static void a_name_that_begins_with_digits_is_no_address(void **state)
{
	(void)state;
	EXPECT("007.example\n0.0.0.0.hpyrdr.com\n1.2.3.example\n", {LIST_NAME, "007.example", 1},
		{LIST_NAME, "0.0.0.0.hpyrdr.com", 2}, {LIST_NAME, "1.2.3.example", 3});
}

static void words_after_a_name_are_bad(void **state)
{
	(void)state;
	EXPECT("good.example known for spam\na.example b.example\nc.example # one\n",
		{LIST_BAD, "more than a name", 1}, {LIST_BAD, "more than a name", 2},
		{LIST_NAME, "c.example", 3});
}

static void wildcards_and_expressions_are_told_apart_from_names(void **state)
{
	(void)state;
	EXPECT("*.spam.example\na?.example # one\nre:^a #b{1,3}\\.example$ \nre:\n",
		{LIST_WILDCARD, "*.spam.example", 1}, {LIST_WILDCARD, "a?.example", 2},
		{LIST_REGEX, "^a #b{1,3}\\.example$", 3}, {LIST_REGEX, "", 4});
}

static void a_line_of_any_length_costs_one_error(void **state)
{
	size_t n = 1 << 20;
	uint8_t *text = malloc(n);
	static const struct row rows[] = {{LIST_BAD, "too long", 1}, {LIST_NAME, "a.example", 2}};

	(void)state;
	assert_non_null(text);
	memset(text, 'x', n);
	memcpy(text + n - 11, "\na.example\n", 11);
	expect(view_of(text, n), rows, 2);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_name_a_line_is_read_with_its_line),
		cmocka_unit_test(comments_blank_lines_carriage_returns_and_a_mark_are_no_entries),
		cmocka_unit_test(hosts_lines_give_their_names_without_the_address),
		cmocka_unit_test(the_machines_own_names_in_a_hosts_file_are_passed_over),
		cmocka_unit_test(a_hosts_line_that_leads_somewhere_is_bad),
		cmocka_unit_test(a_name_that_begins_with_digits_is_no_address),
		cmocka_unit_test(words_after_a_name_are_bad),
		cmocka_unit_test(wildcards_and_expressions_are_told_apart_from_names),
		cmocka_unit_test(a_line_of_any_length_costs_one_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
