// SPDX-License-Identifier: BSD-3-Clause

#include "lib/policy/domain.h"
#include "tests/unit/test.h"

static void expect_canonical(const char *spelled, const char *canonical)
{
	struct domain d;

	memset(&d, 0xff, sizeof(d));
	assert_int_equal(domain_canonical(view_string(spelled), &d), 0);
	assert_int_equal(d.len, strlen(canonical));
	assert_memory_equal(d.text, canonical, d.len);
	for (unsigned i = 0; i < DOMAIN_PADDING; i++)
		assert_int_equal(d.text[d.len + i], 0);
	for (unsigned i = 0; i < 256; i++)
		assert_int_equal(d.dots[i / 64] >> i % 64 & 1, i < d.len && d.text[i] == '.');
}

static void expect_refused(const char *spelled)
{
	struct domain d;

	assert_int_not_equal(domain_canonical(view_string(spelled), &d), 0);
}

static void letters_are_lowered_and_a_trailing_dot_is_dropped(void **state)
{
	(void)state;
	expect_canonical("contoso.com", "contoso.com");
	expect_canonical("CONTOSO.Com", "contoso.com");
	expect_canonical("contoso.com.", "contoso.com");
	expect_canonical("LOCALHOST", "localhost");
	expect_canonical("_sip._Udp.Example", "_sip._udp.example");
	expect_canonical("-a-.b--c.0example", "-a-.b--c.0example");
	expect_canonical("a-rather-long-name.with-labels.of-several-lengths.EXAMPLE",
		"a-rather-long-name.with-labels.of-several-lengths.example");
}

static void every_length_of_a_label_up_to_63_is_a_name(void **state)
{
	char spelled[80], canonical[80];

	(void)state;
	for (size_t n = 1; n <= 70; n++) {
		memset(spelled, 'A', n);
		memset(canonical, 'a', n);
		memcpy(spelled + n, ".B", 3);
		memcpy(canonical + n, ".b", 3);
		if (n <= DOMAIN_LABEL_BYTES_MAX)
			expect_canonical(spelled, canonical);
		else
			expect_refused(spelled);
	}
}

static void a_name_of_255_bytes_fits_and_one_of_256_does_not(void **state)
{
	char spelled[260];

	(void)state;
	for (size_t i = 0; i < sizeof(spelled); i++)
		spelled[i] = i % 2 ? '.' : 'x';
	spelled[255] = '\0';
	expect_canonical(spelled, spelled);
	spelled[255] = 'x';
	spelled[256] = '\0';
	expect_refused(spelled);
}

static void what_is_no_name_is_refused(void **state)
{
	static const char *const rows[] = {"", ".", "..", ".a", "a..b", "a.b..", "a b", "a/b",
		"a:b", "user@host", "192.0.2.1", "192.0.2.1.", "1", "1.2", "a.1", "[2001:db8::1]",
		"2001:db8::1", "a\\b", "a%b", "a\x7f", "a*b", "a,b"};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_refused(rows[i]);
}

static void every_other_ascii_byte_is_refused_wherever_it_stands(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 128; c++) {
		bool is_name_byte = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';

		for (size_t at = 1; at < 40; at++) {
			uint8_t name[41];
			struct domain d;

			memset(name, 'q', sizeof(name));
			name[at] = (uint8_t)c;
			assert_int_equal(domain_canonical(view_of(name, sizeof(name)), &d) == 0,
				is_name_byte);
		}
	}
}

static void labels_are_found_from_the_last_to_the_first(void **state)
{
	char spelled[256];
	struct domain d;

	(void)state;
	for (size_t label = 1; label <= DOMAIN_LABEL_BYTES_MAX; label++) {
		size_t end = DOMAIN_BYTES_MAX;

		for (size_t i = 0; i < DOMAIN_BYTES_MAX; i++)
			spelled[i] = i % (label + 1) == label ? '.' : 'a';
		if (spelled[end - 1] == '.')
			end--;
		assert_int_equal(domain_canonical(view_of(spelled, end), &d), 0);
		for (;;) {
			size_t start = domain_label_start(&d, end);

			assert_null(memchr(d.text + start, '.', end - start));
			if (start == 0)
				break;
			assert_int_equal(d.text[start - 1], '.');
			end = start - 1;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(letters_are_lowered_and_a_trailing_dot_is_dropped),
		cmocka_unit_test(every_length_of_a_label_up_to_63_is_a_name),
		cmocka_unit_test(a_name_of_255_bytes_fits_and_one_of_256_does_not),
		cmocka_unit_test(what_is_no_name_is_refused),
		cmocka_unit_test(every_other_ascii_byte_is_refused_wherever_it_stands),
		cmocka_unit_test(labels_are_found_from_the_last_to_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
