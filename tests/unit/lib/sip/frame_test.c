// SPDX-License-Identifier: BSD-3-Clause

#include "lib/sip/frame.h"
#include "tests/unit/test.h"

#define HEAD  "MESSAGE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP c;branch=z9hG4bK1\r\n"
#define START "MESSAGE sip:a@b SIP/2.0\r\n"

// Fed in pieces of n bytes; all of it, or until a fault.
static enum reason feed(struct sip_frame *f, struct view bytes, size_t n)
{
	enum reason fault = REASON_none;

	memset(f, 0, sizeof(*f));
	for (size_t at = 0; at < bytes.len && fault == REASON_none && !f->ended; at += n)
		fault = sip_frame_feed(
			f, view_of(bytes.at + at, bytes.len - at < n ? bytes.len - at : n));
	return fault;
}

// Whichever way it is cut.
static enum reason feed_any(struct sip_frame *f, struct view bytes)
{
	enum reason whole = feed(f, bytes, bytes.len);
	struct sip_frame g;

	for (size_t n = 1; n < bytes.len; n++) {
		assert_int_equal(feed(&g, bytes, n), whole);
		if (whole == REASON_none) {
			assert_int_equal(g.ended, f->ended);
			assert_int_equal(g.n_bytes, f->n_bytes);
			assert_int_equal(g.body_bytes, f->body_bytes);
		}
	}
	return whole;
}

static void a_message_ends_by_its_content_length(void **state)
{
	static const struct {
		const char *field;
		uint32_t length;
	} forms[] = {
		{"Content-Length: 5", 5},
		{"content-length:0", 0},
		{"CONTENT-LENGTH \t:  0012 \t", 12},
		{"l: 7", 7},
		{"L:\r\n 8", 8},
		{"Content-Length: 9\r\n ", 9},
		{"l: 3\r\nContent-Length: 3", 3},
		{"Content-Length: 4294967294", 4294967294},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct sip_frame f;
		char text[300];

		snprintf(text, sizeof(text), HEAD "%s\r\nSubject: x\r\n\r\nbody", forms[i].field);
		assert_int_equal(feed_any(&f, view_string(text)), REASON_none);
		assert_true(f.ended);
		assert_int_equal(f.n_bytes, strlen(text) - 4);
		assert_int_equal(f.body_bytes, forms[i].length);
	}
}

static void names_that_look_like_it_say_nothing(void **state)
{
	static const char *const fields[] = {"Content-Lengthy: 5", "Content-Lengt: 5", "ll: 5",
		"X-Content-Length: 5", " l: 5", "Subject: x\r\n l: 5", "l x: 5",
		"Content Length: 5", "Subject: l: 5"};

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct sip_frame f;
		char text[300];

		snprintf(text, sizeof(text), START "%s\r\n\r\n", fields[i]);
		assert_int_equal(feed_any(&f, view_string(text)), REASON_sip_missing_header);
	}
}

static void a_length_that_is_none_loses_the_stream(void **state)
{
	static const char *const fields[] = {"l: ", "l: x", "l: 1x", "l: 1 2", "l: -1", "l: +1",
		"l: 1\r\n 2", "l: 1\r\nl: 2", "Content-Length: 1\r\nl: 1\r\nl: 3", "l: 4294967295",
		"l: 99999999999999999999", "l:", "l:\r\n ", "l: 1,1"};

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct sip_frame f;
		char text[300];

		snprintf(text, sizeof(text), HEAD "%s\r\n\r\n", fields[i]);
		assert_int_equal(feed_any(&f, view_string(text)), REASON_sip_bad_content_length);
	}
}

static void a_cr_or_lf_that_stands_alone_loses_the_stream(void **state)
{
	static const char *const texts[] = {START "l: 0\n\r\n",
		START "Subject: \"\r\"\r\nl: 0\r\n\r\n", "\rx", "\n", START "l: 0\r\n\rx",
		START "l: 0\r\n\n", START "l\r: 0\r\n\r\n", START "l: \r1\r\n\r\n", START "\n\r\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct sip_frame f;

		assert_int_equal(feed_any(&f, view_string(texts[i])), REASON_sip_malformed);
	}
}

static void a_head_has_a_bound_and_reaches_it(void **state)
{
	static char text[SIP_HEAD_BYTES_MAX + 64];
	static const char end[] = "\r\nl: 1\r\n\r\n";
	size_t n_end = sizeof(end) - 1;
	struct sip_frame f;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text + SIP_HEAD_BYTES_MAX - n_end, end, n_end);
	assert_int_equal(feed(&f, view_of(text, SIP_HEAD_BYTES_MAX), 1000), REASON_none);
	assert_true(f.ended);
	assert_int_equal(f.n_bytes, SIP_HEAD_BYTES_MAX);
	memmove(text + 1, text, SIP_HEAD_BYTES_MAX);
	assert_int_equal(
		feed(&f, view_of(text, SIP_HEAD_BYTES_MAX + 1), 1000), REASON_sip_header_too_large);
	memset(text, 'x', sizeof(text));
	assert_int_equal(
		feed(&f, view_of(text, sizeof(text)), sizeof(text)), REASON_sip_header_too_large);
	assert_int_equal(feed(&f, view_of(text, sizeof(text)), 1), REASON_sip_header_too_large);
}

static void a_part_of_a_head_is_no_fault(void **state)
{
	static const char text[] = HEAD "Content-Length: 4\r\n\r\nbody";
	struct sip_frame f;

	(void)state;
	for (size_t n = 1; n < sizeof(text) - 1 - 4; n++) {
		assert_int_equal(feed(&f, view_of(text, n), 7), REASON_none);
		assert_false(f.ended);
		assert_int_equal(f.n_bytes, n);
	}
}

static void line_ends_in_front_are_skipped_and_double_ones_are_pings(void **state)
{
	static const struct {
		const char *text;
		size_t skipped;
		unsigned n_pings;
		bool half;
	} cases[] = {
		{"\r\n", 2, 0, true},
		{"\r\n\r\n", 4, 1, false},
		{"\r\n\r\n\r\n", 6, 1, true},
		{"\r\n\r\nMESSAGE", 4, 1, false},
		{"\r\nMESSAGE", 2, 0, false},
		{"\r\n\r", 2, 0, true},
		{"\r", 0, 0, false},
		{"MESSAGE", 0, 0, false},
		{"\n", 0, 0, false},
	};
	bool half = false;
	unsigned n_pings = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		half = false;
		n_pings = 0;
		assert_int_equal(sip_frame_skip_blank(view_string(cases[i].text), &half, &n_pings),
			cases[i].skipped);
		assert_int_equal(n_pings, cases[i].n_pings);
		assert_int_equal(half, cases[i].half);
	}
	half = true;
	n_pings = 0;
	assert_int_equal(sip_frame_skip_blank(VIEW("\r\n"), &half, &n_pings), 2);
	assert_int_equal(n_pings, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_ends_by_its_content_length),
		cmocka_unit_test(names_that_look_like_it_say_nothing),
		cmocka_unit_test(a_length_that_is_none_loses_the_stream),
		cmocka_unit_test(a_cr_or_lf_that_stands_alone_loses_the_stream),
		cmocka_unit_test(a_head_has_a_bound_and_reaches_it),
		cmocka_unit_test(a_part_of_a_head_is_no_fault),
		cmocka_unit_test(line_ends_in_front_are_skipped_and_double_ones_are_pings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
