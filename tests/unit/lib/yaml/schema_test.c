// SPDX-License-Identifier: BSD-3-Clause

#include "lib/yaml/schema.h"
#include "tests/unit/test.h"

#include <errno.h>

enum {
	NAME,
	SIZE,
	WAIT,
	COUNT,
	ON,
	MODE,
	INNER,
	ITEMS,
	TAGS,
	FEW,
};

static const char *const modes[] = {"poll", "sleep", NULL};

static const struct schema_key inner_keys[] = {
	{"name", NAME, SCHEMA_TEXT, .required = true, .min = 1, .max = 8},
	{"count", COUNT, SCHEMA_NUMBER, .min = 1280, .max = 9000},
	{NULL},
};

static const struct schema_key keys[] = {
	{"name", NAME, SCHEMA_TEXT, .required = true, .min = 1, .max = 8, .what = "a short name"},
	{"size", SIZE, SCHEMA_NUMBER, .min = 1024, .max = 20 << 20, .units = schema_bytes},
	{"wait", WAIT, SCHEMA_NUMBER, .min = 1, .units = schema_time},
	{"on", ON, SCHEMA_BOOL},
	{"mode", MODE, SCHEMA_WORD, .words = modes},
	{"inner", INNER, SCHEMA_MAP, .keys = inner_keys},
	{"items", ITEMS, SCHEMA_MAP, .list = true, .keys = inner_keys},
	{"tags", TAGS, SCHEMA_TEXT, .list = true, .required = true, .max = 8},
	{"few", FEW, SCHEMA_NUMBER, .list = true, .n_max = 2, .max = 9},
	{NULL},
};

// The events as text, one after the other: "name=a@1 " for a value, "inner{@1 " and "}" for a map,
// "}!" for one that is not whole.
struct trace {
	char text[1024];
};

static void note(void *arg, const struct schema_event *event, struct errors *errors)
{
	struct trace *t = arg;
	size_t n = strlen(t->text), room = sizeof(t->text) - n;

	(void)errors;
	if (event->kind == SCHEMA_BEGIN)
		snprintf(t->text + n, room, "%s{@%u ", event->key->name, event->line);
	else if (event->kind == SCHEMA_END)
		snprintf(t->text + n, room, "}%s ", event->faulty ? "!" : "");
	else if (event->key->type == SCHEMA_TEXT)
		snprintf(t->text + n, room, "%s=%s@%u ", event->key->name,
			(const char *)event->text.at, event->line);
	else
		snprintf(t->text + n, room, "%s=%llu@%u ", event->key->name,
			(unsigned long long)event->number, event->line);
}

static struct trace trace;
static struct errors errors;

static int read_text(const char *text, size_t n_bytes)
{
	trace.text[0] = '\0';
	errors_init(&errors, "f");
	return schema_read(view_of(text, n_bytes), keys, note, &trace, &errors);
}

static void gives(const char *text, const char *events)
{
	assert_int_equal(read_text(text, strlen(text)), 0);
	assert_int_equal(errors.n, 0);
	assert_string_equal(trace.text, events);
}

// With exactly this one error.
static void refuses(const char *text, const char *error)
{
	assert_int_equal(read_text(text, strlen(text)), -EINVAL);
	assert_int_equal(errors.n, 1);
	assert_string_equal(errors.text[0], error);
}

// "name" and "tags" on line 1, so that what follows is on line 2.
#define WHOLE "{name: a, tags: [b]}\n"
#define START "name: a\ntags: [b]\n"

static void values_arrive_checked_in_order_with_their_lines(void **state)
{
	(void)state;
	gives("name: a\nsize: 5 KB\nwait: 2min\non: true\nmode: sleep\ntags:\n- x\n- \"\"\n",
		"name=a@1 size=5120@2 wait=120000@3 on=1@4 mode=1@5 tags=x@7 tags=@8 ");
	gives("name: a\ntags: [b]\ninner: {name: c}\nitems:\n- name: d\n  count: 1280\n- name: e\n",
		"name=a@1 tags=b@2 inner{@3 name=c@3 } items{@5 name=d@5 count=1280@6 } "
		"items{@7 name=e@7 } ");
}

static void a_missing_key_is_named_with_its_map(void **state)
{
	(void)state;
	refuses("tags: [b]\n", "f:1: name is missing; expected a short name");
	refuses("name: a\n",
		"f:1: tags is missing; expected a list, each entry text of 0 to 8 bytes");
	refuses(START "inner:\n  count: 1280\n",
		"f:4: inner: name is missing; expected text of 1 to 8 bytes");
	refuses("name: a\ntags: []\n", "f:2: tags is empty; expected at least one entry");
}

static void a_map_with_a_fault_in_it_ends_as_faulty(void **state)
{
	(void)state;
	refuses(START "items:\n- {name: c, count: 1}\n- {name: d}\n",
		"f:4: count: 1 is not right; expected a number from 1280 to 9000");
	assert_string_equal(
		trace.text, "name=a@1 tags=b@2 items{@4 name=c@4 }! items{@5 name=d@5 } ");
}

static void an_unknown_key_is_refused_with_the_nearest_known_one(void **state)
{
	(void)state;
	refuses(START "mod: poll\n", "f:3: unknown key \"mod\"; did you mean \"mode\"?");
	refuses(START "colour: {a: [b, {c: d}]}\n",
		"f:3: unknown key \"colour\"; known here: "
		"name, size, wait, on, mode, inner, items, tags, few");
	refuses(START "<<: {on: true}\n", "f:3: unknown key \"<<\"; did you mean \"on\"?");
}

static void a_doubled_key_is_refused_where_it_stands_again(void **state)
{
	(void)state;
	refuses(START "on: true\non: true\n", "f:4: on stands on line 3 already; expected it once");
	refuses(START "on: true\non: [{a: b}]\n",
		"f:4: on stands on line 3 already; expected it once");
}

static void a_number_must_be_whole_in_range_and_with_its_unit(void **state)
{
	static const char *const rows[] = {"1023 B", "0 KB", "21 MB", "5000", "5000 kb", "5000x",
		"5 KB KB", "-5 KB", "+5 KB", "0x5 KB", "05 KB", "5.0 KB", "\"5 KB\"",
		"18446744073709551616 B", "17179869185 GB", "KB"};
	char text[100];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), START "size: %s\n", rows[i]);
		assert_int_equal(read_text(text, strlen(text)), -EINVAL);
		assert_int_equal(errors.n, 1);
		assert_non_null(strstr(errors.text[0],
			"is not right; expected a number from 1 KB to 20 MB with its unit "
			"(B, KB, MB, GB)"));
	}
	gives(START "size: 1 KB\n", "name=a@1 tags=b@2 size=1024@3 ");
	gives(START "size: 20 MB\n", "name=a@1 tags=b@2 size=20971520@3 ");
}

static void other_spellings_of_a_word_or_a_bool_are_refused(void **state)
{
	(void)state;
	refuses(START "on: yes\n", "f:3: on: yes is not right; expected true or false");
	refuses(START "on: \"true\"\n", "f:3: on: \"true\" is not right; expected true or false");
	refuses(START "mode: Poll\n", "f:3: mode: Poll is not right; expected poll or sleep");
}

static void a_key_without_a_value_is_refused(void **state)
{
	(void)state;
	refuses("name:\ntags: [b]\n", "f:1: name has no value; expected a short name");
	refuses(START "on: ~\n", "f:3: on has no value; expected true or false");
	refuses(START "mode: null\n", "f:3: mode has no value; expected poll or sleep");
	refuses("name: \"\"\ntags: [b]\n", "f:1: name: \"\" is not right; expected a short name");
}

static void text_is_bounded_and_without_control_characters(void **state)
{
	(void)state;
	refuses("name: 123456789\ntags: [b]\n",
		"f:1: name: 123456789 is not right; expected a short name");
	refuses("name: \"a\\0b\"\ntags: [b]\n",
		"f:1: name: \"a\" is not right; expected a short name");
	refuses("name: |\n  a\ntags: [b]\n",
		"f:1: name: \"a\n\" is not right; expected a short name");
}

static void maps_lists_and_values_are_not_taken_for_each_other(void **state)
{
	(void)state;
	refuses(START "inner: x\n", "f:3: inner: found a single value; expected a map of keys");
	refuses(START "inner: [x]\n", "f:3: inner: found a list; expected a map of keys");
	refuses(START "on: {a: b}\n", "f:3: on: found a map; expected true or false");
	refuses(START "items: {name: c}\n",
		"f:3: items: found a map; expected a list, each entry a map of keys");
	refuses(START "items: [[x]]\n", "f:3: items: found a list; expected a map of keys");
	refuses(START "? [a]\n: b\n", "f:3: a key is a list; expected a name");
	refuses("- a\n", "f:1: the document is a list; expected a map of keys at its top");
	refuses("a\n", "f:1: the document is a single value; expected a map of keys at its top");
}

static void a_list_over_its_bound_is_refused_once(void **state)
{
	(void)state;
	refuses(START "few: [1, 2, {a: b}, 4]\n", "f:3: few: more than 2 entries");
	gives(START "few: [1, 2]\n", "name=a@1 tags=b@2 few=1@3 few=2@3 ");
}

static void anchors_aliases_tags_and_second_documents_are_refused(void **state)
{
	(void)state;
	refuses(START "on: &a true\n",
		"f:3: anchors (&name) have no meaning here; write the value itself");
	refuses(START "inner: *a\n",
		"f:3: aliases (*name) have no meaning here; write the value itself");
	refuses(START "on: !!bool true\n",
		"f:3: tags (!name) have no meaning here; write the value itself");
	refuses(START "inner: !x {name: c}\n",
		"f:3: tags (!name) have no meaning here; write the value itself");
	refuses(WHOLE "---\n" WHOLE, "f:2: a second document begins; expected one only");
}

static void bad_syntax_and_bad_utf8_are_refused_with_their_line(void **state)
{
	static const char bad_utf8[] = "name: a\ntags: [b]\n# \xc3\x28\n";

	(void)state;
	assert_int_equal(read_text(bad_utf8, sizeof(bad_utf8) - 1), -EINVAL);
	assert_non_null(strstr(errors.text[0], "f:3: not UTF-8 text: "));
	assert_int_equal(read_text("tags: [a\nname: b\n", 17), -EINVAL);
	assert_non_null(strstr(errors.text[0], "f:2: not YAML: "));
	refuses("", "f: the document is empty; expected its keys");
	refuses("# only a comment\n", "f: the document is empty; expected its keys");
	assert_int_equal(read_text("name: a\0b", 9), -EINVAL);
}

static void all_errors_of_a_document_are_told_up_to_a_bound(void **state)
{
	char text[1024] = START "tags: [c]\n";

	(void)state;
	read_text("mode: x\non: y\nsize: z\n", 22);
	assert_int_equal(errors.n, 5);
	for (unsigned i = 0; i < 30; i++)
		strcat(text, "zzzzzzzz: 1\n");
	assert_int_equal(read_text(text, strlen(text)), -EINVAL);
	assert_true(errors_full(&errors));
	assert_int_equal(errors.n_dropped, 31 - ERRORS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_arrive_checked_in_order_with_their_lines),
		cmocka_unit_test(a_missing_key_is_named_with_its_map),
		cmocka_unit_test(a_map_with_a_fault_in_it_ends_as_faulty),
		cmocka_unit_test(an_unknown_key_is_refused_with_the_nearest_known_one),
		cmocka_unit_test(a_doubled_key_is_refused_where_it_stands_again),
		cmocka_unit_test(a_number_must_be_whole_in_range_and_with_its_unit),
		cmocka_unit_test(other_spellings_of_a_word_or_a_bool_are_refused),
		cmocka_unit_test(a_key_without_a_value_is_refused),
		cmocka_unit_test(text_is_bounded_and_without_control_characters),
		cmocka_unit_test(maps_lists_and_values_are_not_taken_for_each_other),
		cmocka_unit_test(a_list_over_its_bound_is_refused_once),
		cmocka_unit_test(anchors_aliases_tags_and_second_documents_are_refused),
		cmocka_unit_test(bad_syntax_and_bad_utf8_are_refused_with_their_line),
		cmocka_unit_test(all_errors_of_a_document_are_told_up_to_a_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
