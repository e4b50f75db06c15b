// SPDX-License-Identifier: BSD-3-Clause

#include "lib/policy/match.h"
#include "tests/unit/lib/policy/fixture.h"
#include "tests/unit/test.h"

static struct match match_of(struct matcher *m, const char *name)
{
	struct view view = view_string(name);
	struct match match;

	matcher_find(m, &view, &match, 1);
	return match;
}

static void expect(struct matcher *m, const char *name, enum match_kind kind, uint32_t line)
{
	// Twice: the second time from the cache, where there is one.
	for (unsigned i = 0; i < 2; i++) {
		struct match match = match_of(m, name);

		assert_int_equal(match.kind, kind);
		assert_int_equal(match.rule, line == 0 ? IMAGE_RULE_NONE : IMAGE_RULE(0, line));
	}
}

static void a_name_covers_itself_and_its_sub_domains_on_label_borders(void **state)
{
	struct fixture f;
	struct matcher *m;

	(void)state;
	fixture_init(&f, 0);
	fixture_add_name(&f, "contoso.com", IMAGE_ALLOW, 1);
	fixture_open(&f, 1);
	m = matcher_new(&f.policy, 16);
	expect(m, "contoso.com", MATCH_EXACT, 1);
	expect(m, "CONTOSO.com.", MATCH_EXACT, 1);
	expect(m, "a.contoso.com", MATCH_SUFFIX, 1);
	expect(m, "a.b.c.d.e.f.g.h.i.j.contoso.com", MATCH_SUFFIX, 1);
	expect(m, "evilcontoso.com", MATCH_NONE, 0);
	expect(m, "com", MATCH_NONE, 0);
	expect(m, "contoso.com.org", MATCH_NONE, 0);
	expect(m, "contoso", MATCH_NONE, 0);
	expect(m, "", MATCH_INVALID, 0);
	expect(m, "192.0.2.1", MATCH_INVALID, 0);
	matcher_free(m);
	fixture_fini(&f);
}

static void exact_beats_pattern_beats_the_longest_suffix(void **state)
{
	struct fixture f;
	struct matcher *m;

	(void)state;
	fixture_init(&f, 0);
	fixture_add_name(&f, "example", IMAGE_BLOCK, 1);
	fixture_add_name(&f, "a.example", IMAGE_ALLOW, 2);
	fixture_add_name(&f, "spam-1.a.example", IMAGE_ALLOW, 3);
	fixture_add_wildcard(&f, "spam-*.example", IMAGE_BLOCK, 4);
	fixture_open(&f, 1);
	m = matcher_new(&f.policy, 0);
	expect(m, "spam-1.a.example", MATCH_EXACT, 3);
	expect(m, "spam-2.a.example", MATCH_PATTERN, 4);
	expect(m, "spam-1.b.example", MATCH_PATTERN, 4);
	expect(m, "spam.a.example", MATCH_SUFFIX, 2);
	expect(m, "x.spam-1.a.example", MATCH_SUFFIX, 3);
	expect(m, "b.example", MATCH_SUFFIX, 1);
	expect(m, "example", MATCH_EXACT, 1);
	matcher_free(m);
	fixture_fini(&f);
}

static void among_patterns_block_wins_and_then_the_first(void **state)
{
	struct fixture f;
	struct matcher *m;

	(void)state;
	fixture_init(&f, 0);
	fixture_add_wildcard(&f, "*ab*", IMAGE_ALLOW, 1);
	fixture_add_wildcard(&f, "ab*", IMAGE_LOCAL, 2);
	fixture_add_regex(&f, "x[0-9]", IMAGE_BLOCK, 3);
	fixture_add_wildcard(&f, "*x1", IMAGE_BLOCK, 4);
	fixture_open(&f, 1);
	m = matcher_new(&f.policy, 0);
	expect(m, "abc", MATCH_PATTERN, 1);
	expect(m, "abx1", MATCH_PATTERN, 3);
	expect(m, "ABX1", MATCH_PATTERN, 3);
	expect(m, "qabc", MATCH_PATTERN, 1);
	expect(m, "acb", MATCH_NONE, 0);
	assert_int_equal(match_of(m, "abx1").entry, 2);
	assert_int_equal(match_of(m, "abx1").list, IMAGE_BLOCK);
	matcher_free(m);
	fixture_fini(&f);
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

// A name of 1 to 12 labels of one or two of three letters, so that many share suffixes.
static size_t random_name(uint64_t *random, char *text)
{
	unsigned n_labels = 1 + next_random(random) % (next_random(random) % 8 == 0 ? 12 : 4);
	size_t n = 0;

	for (unsigned i = 0; i < n_labels; i++) {
		unsigned n_letters = 1 + next_random(random) % 2;

		if (i > 0)
			text[n++] = '.';
		while (n_letters-- > 0)
			text[n++] = (char)('a' + next_random(random) % 3);
	}
	text[n] = '\0';
	return n;
}

enum { MODEL_NAMES = 60 };

struct model {
	char names[MODEL_NAMES][64];
	unsigned n;
};

// The longest name that covers text, by comparing with all of them.
static int covering(const struct model *model, const char *text)
{
	size_t len = strlen(text), longest = 0;
	int found = -1;

	for (unsigned i = 0; i < model->n; i++) {
		size_t n = strlen(model->names[i]);

		if (n > len || n <= longest || strcmp(text + len - n, model->names[i]) != 0 ||
			(n < len && text[len - n - 1] != '.'))
			continue;
		found = (int)i;
		longest = n;
	}
	return found;
}

static void check_against(struct matcher *m, const struct model *model, uint64_t *random)
{
	char texts[MATCH_BURST_MAX][64];
	struct view views[MATCH_BURST_MAX];
	struct match matches[MATCH_BURST_MAX];
	unsigned n = 1 + next_random(random) % MATCH_BURST_MAX;

	for (unsigned i = 0; i < n; i++)
		views[i] = view_of(texts[i], random_name(random, texts[i]));
	matcher_find(m, views, matches, n);
	for (unsigned i = 0; i < n; i++) {
		int found = covering(model, texts[i]);

		if (found < 0) {
			assert_int_equal(matches[i].kind, MATCH_NONE);
			continue;
		}
		assert_int_equal(matches[i].rule, IMAGE_RULE(0, found + 1));
		assert_int_equal(matches[i].entry, found);
		assert_int_equal(matches[i].kind,
			strcmp(model->names[found], texts[i]) == 0 ? MATCH_EXACT : MATCH_SUFFIX);
	}
}

static void random_names_match_as_in_a_simple_model(void **state)
{
	uint64_t random = 0x1234567;

	(void)state;
	for (unsigned round = 0; round < 40; round++) {
		struct model model = {.n = 0};
		struct fixture f;
		struct matcher *m;

		fixture_init(&f, 0);
		while (model.n < MODEL_NAMES) {
			char *name = model.names[model.n];
			bool known = false;

			random_name(&random, name);
			for (unsigned i = 0; i < model.n; i++)
				known |= strcmp(model.names[i], name) == 0;
			if (known)
				continue;
			fixture_add_name(&f, name, IMAGE_ALLOW, ++model.n);
		}
		fixture_open(&f, 1);
		// Without a cache, with one that everything fights for, and with a large one.
		m = matcher_new(&f.policy, round % 3 == 0 ? 0 : round % 3 == 1 ? 4 : 4096);
		for (unsigned burst = 0; burst < 20; burst++)
			check_against(m, &model, &random);
		matcher_free(m);
		fixture_fini(&f);
	}
}

static void the_domain_hash_is_that_of_the_canonical_name(void **state)
{
	struct fixture f;
	struct matcher *m;

	(void)state;
	fixture_init(&f, 0);
	fixture_open(&f, 1);
	m = matcher_new(&f.policy, 0);
	assert_int_equal(
		match_of(m, "A.Example.").domain_hash, match_of(m, "a.example").domain_hash);
	assert_int_not_equal(
		match_of(m, "b.example").domain_hash, match_of(m, "a.example").domain_hash);
	matcher_free(m);
	fixture_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_covers_itself_and_its_sub_domains_on_label_borders),
		cmocka_unit_test(exact_beats_pattern_beats_the_longest_suffix),
		cmocka_unit_test(among_patterns_block_wins_and_then_the_first),
		cmocka_unit_test(random_names_match_as_in_a_simple_model),
		cmocka_unit_test(the_domain_hash_is_that_of_the_canonical_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
