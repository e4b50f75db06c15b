// SPDX-License-Identifier: BSD-3-Clause
// Names that are not ASCII, next to libidn2.

#include "lib/policy/domain.h"
#include "tests/unit/test.h"

#include <idn2.h>

static int canonical(const char *spelled, char text[DOMAIN_BYTES_MAX + 1])
{
	struct domain d;

	if (domain_canonical(view_string(spelled), &d) != 0)
		return -1;
	memcpy(text, d.text, d.len);
	text[d.len] = '\0';
	return 0;
}

static void u_label_a_label_and_any_case_are_one_name(void **state)
{
	static const struct {
		const char *spelled, *canonical;
	} rows[] = {
		{"bücher.example", "xn--bcher-kva.example"},
		{"BÜCHER.Example", "xn--bcher-kva.example"},
		{"XN--BCHER-KVA.example", "xn--bcher-kva.example"},
		{"bu\u0308cher.example.", "xn--bcher-kva.example"}, // decomposed
		{"ｂücher。example", "xn--bcher-kva.example"},
		{"bücher。example。", "xn--bcher-kva.example"},
		{"faß.de", "xn--fa-hia.de"}, // non-transitional
		{"ΒΌΛΟΣ.com", "xn--nxasmq6b.com"},
		{"βόλος.com", "xn--nxasmm1c.com"},
		{"例え.テスト", "xn--r8jz45g.xn--zckzah"},
		{"한국.kr", "xn--3e0b707e.kr"},
		{"ＦＵＬＬ.ｗｉｄｔｈ", "full.width"},
		{"sh\u00ady.example", "shy.example"}, // soft hyphen
		{"a.４２.b", "a.42.b"},
	};
	char text[DOMAIN_BYTES_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(canonical(rows[i].spelled, text), 0);
		assert_string_equal(text, rows[i].canonical);
	}
}

static void what_is_no_name_in_unicode_is_refused(void **state)
{
	static const char *const rows[] = {"ü..example", "。", "ü。。", "。ü", "\xc2\xad",
		"ü.\xc2\xad.example", "a≠b.example",
		"a\u200e.example", // left-to-right mark
		"\u0308a.example", // begins with a mark
		"xn--ü.example", "ü b.example", "ü_/x", "１.２.３.４", "ü.１",
		// No UTF-8: alone, short, overlong, surrogate, beyond.
		"\x80", "a\xc3", "\xc0\xae", "\xe0\x80\xae", "\xed\xa0\x80", "\xf4\x90\x80\x80",
		"\xff"};
	char text[DOMAIN_BYTES_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_not_equal(canonical(rows[i], text), 0);
}

static void a_name_of_too_many_marks_is_refused_and_not_sorted_for_ever(void **state)
{
	char spelled[DOMAIN_SPELLING_BYTES_MAX + 1] = "a";
	char text[DOMAIN_BYTES_MAX + 1];

	(void)state;
	for (size_t i = 1; i + 2 < sizeof(spelled); i += 2)
		memcpy(spelled + i, i % 4 == 1 ? "\xcc\x81" : "\xcc\xa7", 2);
	assert_int_not_equal(canonical(spelled, text), 0);
}

static size_t encode(uint32_t point, char *out)
{
	if (point < 0x80) {
		out[0] = (char)point;
		return 1;
	}
	if (point < 0x800) {
		out[0] = (char)(0xc0 | point >> 6);
		out[1] = (char)(0x80 | (point & 0x3f));
		return 2;
	}
	if (point < 0x10000) {
		out[0] = (char)(0xe0 | point >> 12);
		out[1] = (char)(0x80 | (point >> 6 & 0x3f));
		out[2] = (char)(0x80 | (point & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | point >> 18);
	out[1] = (char)(0x80 | (point >> 12 & 0x3f));
	out[2] = (char)(0x80 | (point >> 6 & 0x3f));
	out[3] = (char)(0x80 | (point & 0x3f));
	return 4;
}

static bool is_plain(const char *name)
{
	return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") == strlen(name) &&
		name[0] != '.' && strstr(name, "..") == NULL;
}

// Signs that UTS #46 allows only without the STD3 rules, which libidn2 does not tell apart.
static bool has_std3_sign(const char *spelled)
{
	return strstr(spelled, "≠") != NULL || strstr(spelled, "≮") != NULL ||
		strstr(spelled, "≯") != NULL;
}

struct tally {
	unsigned n_same, n_refused, n_lenient;
};

// Where libidn2 takes a name, ours is the same, or refused where theirs holds more than letters,
// digits and hyphens, or an empty label. What it refuses may be a name to us: besides UTS #46 it
// demands IDNA2008 (no symbols), bidi and context rules, and knows an older Unicode.
static void compare(const char *spelled, struct tally *tally)
{
	char ours[DOMAIN_BYTES_MAX + 1], *theirs = NULL;
	int rc =
		idn2_lookup_u8((const uint8_t *)spelled, (uint8_t **)&theirs, IDN2_NONTRANSITIONAL);
	bool accepted = canonical(spelled, ours) == 0;

	if (rc != IDN2_OK) {
		tally->n_lenient += accepted;
		return;
	}
	if (!is_plain(theirs) || has_std3_sign(spelled)) {
		if (accepted)
			fail_msg("%s: %s, not refused", spelled, ours);
		tally->n_refused++;
	} else {
		if (!accepted || strcmp(ours, theirs) != 0)
			fail_msg("%s: %s, libidn2 says %s", spelled, accepted ? ours : "refused",
				theirs);
		tally->n_same++;
	}
	idn2_free(theirs);
}

static void every_code_point_becomes_what_libidn2_makes_of_it(void **state)
{
	struct tally tally = {0, 0, 0};

	(void)state;
	for (uint32_t point = 0x80; point < 0x110000; point++) {
		char spelled[16] = "a";
		size_t n;

		if (point >= 0xd800 && point < 0xe000)
			continue;
		n = 1 + encode(point, spelled + 1);
		memcpy(spelled + n, "b.c", 4);
		compare(spelled, &tally);
	}
	// Most of the assigned characters, and the marks, symbols and newer ones.
	assert_true(tally.n_same > 120000);
	assert_true(tally.n_refused > 50);
	assert_true(tally.n_lenient < 25000);
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

// Scripts with case, marks that compose and reorder, jamo, ideographs, full width, ASCII.
static uint32_t random_point(uint64_t *random)
{
	static const uint32_t ranges[][2] = {{'a', 26}, {'A', 26}, {'0', 10}, {'-', 1},
		{0xc0, 0x170}, {0x300, 0x4f}, {0x300, 0x4f}, {0x370, 0x90}, {0x400, 0x100},
		{0x900, 0x80}, {0x1100, 0x100}, {0xac00, 0x400}, {0x1e00, 0x200}, {0x3040, 0xc0},
		{0x4e00, 0x200}, {0xff00, 0x60}, {0x323, 8}, {0x10a0, 0x60}, {0x1f600, 0x30}};
	size_t range = next_random(random) % (sizeof(ranges) / sizeof(ranges[0]));

	return ranges[range][0] + (uint32_t)(next_random(random) % ranges[range][1]);
}

static void random_names_become_what_libidn2_makes_of_them(void **state)
{
	uint64_t random = 0xfeed;
	struct tally tally = {0, 0, 0};

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		char spelled[200];
		size_t n = 0;
		unsigned n_points = 1 + next_random(&random) % 12;

		for (unsigned k = 0; k < n_points; k++) {
			n += encode(random_point(&random), spelled + n);
			if (next_random(&random) % 8 == 0)
				n += encode(next_random(&random) % 4 ? '.' : 0x3002, spelled + n);
		}
		memcpy(spelled + n, ".x", 3);
		compare(spelled, &tally);
	}
	assert_true(tally.n_same > 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(u_label_a_label_and_any_case_are_one_name),
		cmocka_unit_test(what_is_no_name_in_unicode_is_refused),
		cmocka_unit_test(a_name_of_too_many_marks_is_refused_and_not_sorted_for_ever),
		cmocka_unit_test(every_code_point_becomes_what_libidn2_makes_of_it),
		cmocka_unit_test(random_names_become_what_libidn2_makes_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
