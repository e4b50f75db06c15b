// SPDX-License-Identifier: BSD-3-Clause

#include "lib/sip/message.h"
#include "tests/unit/test.h"

#define REQUEST "MESSAGE sip:bob@example.net SIP/2.0\r\n"

static struct sip_message m;
static uint8_t *copy;

// Parses a copy that ends where its allocation ends, so that ASan sees a read beyond it.
static enum reason parse_bytes(const void *bytes, size_t len, enum sip_framing framing)
{
	free(copy);
	copy = malloc(len + 1);
	assert_non_null(copy);
	memcpy(copy + 1, bytes, len);
	return sip_message_parse(view_of(copy + 1, len), framing, &m);
}

static enum reason parse(const char *text)
{
	return parse_bytes(text, strlen(text), SIP_DATAGRAM);
}

static void assert_view(struct view v, const char *expected)
{
	if (!view_equal(v, view_string(expected)))
		fail_msg("\"%.*s\" is not \"%s\"", (int)v.len, (const char *)v.at, expected);
}

static void assert_span(struct sip_span span, const char *expected)
{
	assert_view(sip_view(&m, span), expected);
}

static void assert_first(enum sip_header_id id, const char *expected)
{
	const struct sip_header *h = sip_header_first(&m, id);

	if (h == NULL)
		fail_msg("no field %d", id);
	else
		assert_span(h->value, expected);
}

static int free_copy(void **state)
{
	(void)state;
	free(copy);
	copy = NULL;
	return 0;
}

static void a_request_is_indexed_whole(void **state)
{
	(void)state;
	assert_int_equal(parse(REQUEST "Via: SIP/2.0/UDP a\r\nSubject:  two words \r\n"
				       "v: SIP/2.0/UDP b\r\nl: 3\r\n\r\nabcdef"),
		REASON_none);
	assert_true(m.is_request);
	assert_int_equal(m.method, SIP_M_MESSAGE);
	assert_span(m.start, "MESSAGE sip:bob@example.net SIP/2.0");
	assert_span(m.method_text, "MESSAGE");
	assert_span(m.request_uri, "sip:bob@example.net");
	assert_int_equal(m.n_headers, 4);
	assert_int_equal(m.headers[0].id, SIP_H_VIA);
	assert_int_equal(m.headers[1].id, SIP_H_OTHER);
	assert_span(m.headers[1].name, "Subject");
	assert_span(m.headers[1].value, "two words");
	assert_ptr_equal(sip_header_first(&m, SIP_H_VIA), &m.headers[0]);
	assert_ptr_equal(sip_header_next(&m, &m.headers[0]), &m.headers[2]);
	assert_null(sip_header_next(&m, &m.headers[2]));
	assert_int_equal(m.last[SIP_H_VIA], 3);
	assert_null(sip_header_first(&m, SIP_H_ROUTE));
	assert_int_equal(m.headers[3].end, m.headers_end);
	assert_memory_equal(m.bytes.at + m.headers_end, "\r\n", 2);
	assert_view(m.body, "abc");
	assert_int_equal(m.bytes.len, m.headers_end + 2 + 3);
}

static void a_response_is_indexed_whole(void **state)
{
	(void)state;
	assert_int_equal(parse("SIP/2.0 486 Busy Here\r\nl: 0\r\n\r\n"), REASON_none);
	assert_false(m.is_request);
	assert_int_equal(m.status, 486);
	assert_span(m.reason_phrase, "Busy Here");
	assert_int_equal(parse("sip/2.0 100 \r\n\r\n"), REASON_none);
	assert_span(m.reason_phrase, "");
	assert_int_equal(parse("SIP/2.0 100\r\n\r\n"), REASON_none);
	assert_span(m.reason_phrase, "");
}

static void spans_count_from_the_start_line_behind_leading_crlfs(void **state)
{
	(void)state;
	assert_int_equal(parse("\r\n\r\n" REQUEST "To: x\r\n\r\n"), REASON_none);
	assert_int_equal(m.start.at, 0);
	assert_span(m.headers[0].value, "x");
}

static void a_fold_belongs_to_its_field(void **state)
{
	(void)state;
	assert_int_equal(
		parse(REQUEST "Subject:\r\n one\r\n\t two: three\r\nTo: x\r\n\r\n"), REASON_none);
	assert_int_equal(m.n_headers, 2);
	assert_span(m.headers[0].value, "one\r\n\t two: three");
	assert_int_equal(m.headers[1].id, SIP_H_TO);
}

static void white_space_around_a_name_and_a_value_is_left_out(void **state)
{
	(void)state;
	assert_int_equal(parse(REQUEST "To \t:x \r\n \r\nFrom:\r\n\r\n"), REASON_none);
	assert_span(m.headers[0].name, "To");
	assert_span(m.headers[0].value, "x");
	assert_int_equal(m.headers[1].value.len, 0);
}

static void a_name_is_known_whatever_follows_its_colon(void **state)
{
	static const char *const names[SIP_H_N] = {
#define SIP_HEADER(id, name, compact, list) [SIP_H_##id] = name,
#include "lib/sip/header.def"
#undef SIP_HEADER
	};
	char text[128];

	(void)state;
	for (unsigned id = 1; id < SIP_H_N; id++) {
		for (unsigned c = 0x21; c < 0x7f; c++) {
			snprintf(text, sizeof(text), REQUEST "%s:%c\r\n\r\n", names[id], (int)c);
			(void)parse(text);
			assert_int_equal(m.n_headers, 1);
			assert_int_equal(m.headers[0].id, id);
			assert_span(m.headers[0].name, names[id]);
			assert_int_equal(m.headers[0].value.len, 1);
		}
	}
}

static void names_are_known_in_every_form_and_case(void **state)
{
	static const struct {
		const char *name, *compact;
	} names[SIP_H_N] = {
#define SIP_HEADER(id, name, compact, list) [SIP_H_##id] = {name, compact},
#include "lib/sip/header.def"
#undef SIP_HEADER
	};
	char text[32];

	(void)state;
	for (unsigned id = 1; id < SIP_H_N; id++) {
		struct view name = view_string(names[id].name);

		assert_int_equal(sip_header_find(name), id);
		for (size_t i = 0; i < name.len; i++)
			text[i] = (char)(i % 2 ? name.at[i] : ascii_lower(name.at[i]));
		assert_int_equal(sip_header_find(view_of(text, name.len)), id);
		// One byte more, one less, one changed: another name.
		text[name.len] = 's';
		assert_int_equal(sip_header_find(view_of(text, name.len + 1)), SIP_H_OTHER);
		if (name.len > 2)
			assert_int_equal(sip_header_find(view_of(text, name.len - 1)), SIP_H_OTHER);
		for (size_t i = 0; i < name.len; i++) {
			memcpy(text, name.at, name.len);
			text[i] = text[i] == '-' ? '\r' : (char)(text[i] ^ 0x60);
			assert_int_equal(sip_header_find(view_of(text, name.len)), SIP_H_OTHER);
		}
		if (names[id].compact == NULL)
			continue;
		assert_int_equal(sip_header_find(view_string(names[id].compact)), id);
		text[0] = (char)(names[id].compact[0] - 'a' + 'A');
		assert_int_equal(sip_header_find(view_of(text, 1)), id);
	}
	assert_int_equal(sip_header_find(VIEW("")), SIP_H_OTHER);
	assert_int_equal(sip_header_find(VIEW("\0")), SIP_H_OTHER);
	assert_int_equal(sip_header_find(VIEW("x")), SIP_H_OTHER);
	assert_int_equal(sip_header_find(VIEW("A-Very-Long-Unknown-Name")), SIP_H_OTHER);
}

static void methods_are_known_by_their_exact_letters(void **state)
{
	static const char *const names[SIP_M_N] = {
#define SIP_METHOD(name, dialog) [SIP_M_##name] = #name,
#include "lib/sip/method.def"
#undef SIP_METHOD
	};

	(void)state;
	for (unsigned method = 1; method < SIP_M_N; method++) {
		struct view name = view_string(names[method]);

		assert_int_equal(sip_method_find(name), method);
		assert_int_equal(sip_method_find(view_of(name.at, name.len - 1)), SIP_M_OTHER);
	}
	assert_int_equal(sip_method_find(VIEW("invite")), SIP_M_OTHER);
	assert_int_equal(sip_method_find(VIEW("INVITED")), SIP_M_OTHER);
	assert_int_equal(sip_method_find(VIEW("ABCDEFGHIJKLMNOPQ")), SIP_M_OTHER);
	assert_int_equal(sip_method_find(VIEW("")), SIP_M_OTHER);
	assert_true(sip_method_makes_dialog(SIP_M_INVITE));
	assert_false(sip_method_makes_dialog(SIP_M_BYE));
	assert_true(sip_header_is_list(SIP_H_ROUTE));
	assert_false(sip_header_is_list(SIP_H_TO));
}

static void start_lines_are_judged_strictly(void **state)
{
	static const struct {
		const char *line;
		enum reason reason;
	} cases[] = {
		{"OPTIONS sip:a@b SIP/2.0", REASON_none},
		{"options sip:a@b sip/2.0", REASON_none},
		{"!%*_+`'~.- tel:1 SIP/2.0", REASON_none},
		{"OPTIONS  sip:a@b SIP/2.0", REASON_sip_bad_uri},
		{"OPTIONS sip:a@b  SIP/2.0", REASON_sip_bad_uri},
		{"OPTIONS sip:a@b SIP/2.0 ", REASON_sip_malformed},
		{" OPTIONS sip:a@b SIP/2.0", REASON_sip_malformed},
		{"OPTIONS\tsip:a@b SIP/2.0", REASON_sip_malformed},
		{"OPTIONS sip:a@b\tSIP/2.0", REASON_sip_malformed},
		{"OPTIONS sip:a@b; lr SIP/2.0", REASON_sip_bad_uri},
		{"OPTIONS <sip:a@b> SIP/2.0", REASON_sip_bad_uri},
		{"OPTIONS \"sip:a@b SIP/2.0", REASON_sip_bad_uri},
		{"OPTIONS  SIP/2.0", REASON_sip_malformed},
		{"OPTIONS SIP/2.0", REASON_sip_malformed},
		{"OPT:ONS sip:a@b SIP/2.0", REASON_sip_malformed},
		{"OPT\x01ONS sip:a@b SIP/2.0", REASON_sip_malformed},
		{"OPTIONS sip:a\x7f@b SIP/2.0", REASON_sip_malformed},
		{"OPTIONS sip:a@b SIP/7.0", REASON_sip_version},
		{"OPTIONS sip:a@b SIP/2.00", REASON_sip_version},
		{"OPTIONS sip:a@b SIP/12.34", REASON_sip_version},
		{"OPTIONS sip:a@b SIP/2", REASON_sip_malformed},
		{"OPTIONS sip:a@b SIP/2.", REASON_sip_malformed},
		{"OPTIONS sip:a@b SIP/.0", REASON_sip_malformed},
		{"OPTIONS sip:a@b SIP/2.0x", REASON_sip_malformed},
		{"OPTIONS sip:a@b SIP/2.0;x", REASON_sip_malformed},
		{"OPTIONS sip:a@b", REASON_sip_not_sip},
		{"GET / HTTP/1.1", REASON_sip_not_sip},
		{"\x16\x03\x01 \x80", REASON_sip_not_sip},
		{"", REASON_sip_not_sip},
		{" ", REASON_sip_not_sip},
		{"SIP/2", REASON_sip_response_malformed},
		{"SIP/", REASON_sip_response_malformed},
		{"SIP/2.0 099 x", REASON_sip_response_malformed},
		{"SIP/2.0 700 x", REASON_sip_response_malformed},
		{"SIP/2.0 2000 x", REASON_sip_response_malformed},
		{"SIP/2.0 20 x", REASON_sip_response_malformed},
		{"SIP/2.0 2x0 x", REASON_sip_response_malformed},
		{"SIP/2.0  200 x", REASON_sip_response_malformed},
		{"SIP/2.0 200\tx", REASON_sip_response_malformed},
		{"SIP/2.0", REASON_sip_response_malformed},
		{"SIP/3.0 200 OK", REASON_sip_response_malformed},
		{"SIP/2.0 200 O\x02K", REASON_sip_response_malformed},
	};
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum reason reason;

		snprintf(text, sizeof(text), "%s\r\nTo: <sip:a@b>\r\n\r\n", cases[i].line);
		// A line of nothing would be a leading CRLF.
		reason = parse(cases[i].line[0] != '\0' ? text : "\r\n\r\n");
		if (reason != cases[i].reason)
			fail_msg("\"%s\": %s", cases[i].line, reason_name(reason));
		if (reason != REASON_sip_not_sip)
			assert_int_equal(m.n_headers, 1);
	}
}

static void what_follows_a_bad_start_line_can_be_used_for_the_answer(void **state)
{
	(void)state;
	assert_int_equal(parse("INVITE sip:a; lr SIP/2.0\r\nVia: one\r\nTo: two\r\n\r\n"),
		REASON_sip_bad_uri);
	assert_true(m.is_request);
	assert_int_equal(m.method, SIP_M_INVITE);
	assert_first(SIP_H_VIA, "one");
	assert_first(SIP_H_TO, "two");
}

static void fields_before_a_fault_stay_and_none_behind_it(void **state)
{
	static const char *const faults[] = {"no colon\r\n", ": no name\r\n", "na me: x\r\n",
		"n\"ame: x\r\n", "name\r\n : x\r\n", "Subject: a\nRoute: <sip:evil>\r\n",
		"Subject: a\rRoute: <sip:evil>\r\n", "Subject: a\r\r\n", "Subject: a\x01\r\n",
		"Subject: \x7f\r\n", "Subject: \"a\\\n\"\r\n", "Subject: \\\x01\r\n",
		"Subject: \"a\r\n\\\x01: x\r\n", "\n", "\r"};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		snprintf(text, sizeof(text), REQUEST "Via: one\r\nTo: two\r\n%sFrom: x\r\n\r\n",
			faults[i]);
		if (parse(text) != REASON_sip_malformed || m.n_headers < 2 || m.n_headers > 3)
			fail_msg("fault %zu: %u fields", i, m.n_headers);
		assert_null(sip_header_first(&m, SIP_H_FROM));
		assert_null(sip_header_first(&m, SIP_H_ROUTE));
		assert_span(m.headers[1].value, "two");
		assert_int_equal(m.headers_end, m.headers[m.n_headers - 1].end);
		assert_int_equal(m.body.len, 0);
	}
}

static void control_characters_may_stand_in_quoted_pairs(void **state)
{
	static const char text[] =
		REQUEST "To: \"BEL:\\\x07 NUL:\\\0 DEL:\\\x7f\" <sip:a@b>\r\nFrom: x\r\n\r\n";
	static const char nul[] = REQUEST "To: \"a\0\" <sip:a@b>\r\nFrom: x\r\n\r\n";

	(void)state;
	assert_int_equal(parse_bytes(text, sizeof(text) - 1, SIP_DATAGRAM), REASON_none);
	assert_int_equal(m.n_headers, 2);
	assert_int_equal(parse_bytes(nul, sizeof(nul) - 1, SIP_DATAGRAM), REASON_sip_malformed);
	assert_int_equal(m.n_headers, 0);
}

static void a_body_is_nobody_elses_business(void **state)
{
	static const char text[] = REQUEST "l: 9\r\n\r\na\0b\r\n\nc\r:";

	(void)state;
	assert_int_equal(parse_bytes(text, sizeof(text) - 1, SIP_DATAGRAM), REASON_none);
	assert_int_equal(m.body.len, 9);
}

static void a_head_without_an_empty_line_is_malformed(void **state)
{
	static const char *const texts[] = {REQUEST "To: x\r\n", REQUEST "To: x\r\n\r",
		REQUEST "To: x\r\n\rX", REQUEST "To: x", REQUEST "To"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(parse(texts[i]), REASON_sip_malformed);
	assert_int_equal(parse("MESSAGE sip:bob@example.net SIP/2.0"), REASON_sip_not_sip);
	assert_int_equal(parse(REQUEST), REASON_sip_not_sip);
	assert_int_equal(parse(""), REASON_sip_not_sip);
	assert_int_equal(sip_message_parse(VIEW_NONE, SIP_DATAGRAM, &m), REASON_sip_not_sip);
}

static void content_length_decides_where_the_body_ends(void **state)
{
	static const struct {
		const char *fields;
		enum reason datagram, stream;
	} cases[] = {
		{"", REASON_none, REASON_sip_missing_header},
		{"l: 4\r\n", REASON_none, REASON_none},
		{"Content-Length: 0004\r\n", REASON_none, REASON_none},
		{"l: 4\r\nContent-Length: 04\r\n", REASON_none, REASON_none},
		{"l: 4\r\nl: 3\r\n", REASON_sip_bad_content_length, REASON_sip_bad_content_length},
		{"l: -4\r\n", REASON_sip_bad_content_length, REASON_sip_bad_content_length},
		{"l: +4\r\n", REASON_sip_bad_content_length, REASON_sip_bad_content_length},
		{"l: 4, 4\r\n", REASON_sip_bad_content_length, REASON_sip_bad_content_length},
		{"l:\r\n", REASON_sip_bad_content_length, REASON_sip_bad_content_length},
		{"l: 4x\r\n", REASON_sip_bad_content_length, REASON_sip_bad_content_length},
		{"l: 5\r\n", REASON_sip_body_short, REASON_sip_body_short},
		{"l: 4294967300\r\n", REASON_sip_body_short, REASON_sip_body_short},
		{"l: 18446744073709551620\r\n", REASON_sip_body_short, REASON_sip_body_short},
	};
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = (size_t)snprintf(
			text, sizeof(text), REQUEST "To: x\r\n%s\r\nbody", cases[i].fields);

		assert_int_equal(parse_bytes(text, len, SIP_DATAGRAM), cases[i].datagram);
		assert_int_equal(parse_bytes(text, len, SIP_STREAM), cases[i].stream);
		if (cases[i].stream == REASON_none)
			assert_view(m.body, "body");
	}
	assert_int_equal(parse("SIP/2.0 200 OK\r\nl: 1\r\n\r\n"), REASON_sip_response_malformed);
}

// REQUEST, n fields "a:", filler bytes in one more, the empty line.
static enum reason parse_large(unsigned n, size_t filler)
{
	static uint8_t text[2 * SIP_HEAD_BYTES_MAX];
	size_t len = sizeof(REQUEST) - 1;

	memcpy(text, REQUEST, len);
	for (unsigned i = 0; i < n; i++, len += 4)
		memcpy(text + len, "a:\r\n", 4);
	if (filler > 0) {
		memcpy(text + len, "f:", 2);
		memset(text + len + 2, 'x', filler);
		len += 2 + filler;
		memcpy(text + len, "\r\n", 2);
		len += 2;
	}
	memcpy(text + len, "\r\n", 2);
	return parse_bytes(text, len + 2, SIP_DATAGRAM);
}

static void the_limits_of_fields_and_bytes_are_exact(void **state)
{
	size_t most = SIP_HEAD_BYTES_MAX - (sizeof(REQUEST) - 1) - 6;

	(void)state;
	assert_int_equal(parse_large(SIP_HEADERS_MAX, 0), REASON_none);
	assert_int_equal(m.n_headers, SIP_HEADERS_MAX);
	assert_int_equal(m.last[SIP_H_OTHER], SIP_HEADERS_MAX);
	assert_int_equal(parse_large(SIP_HEADERS_MAX + 1, 0), REASON_sip_too_many_headers);
	assert_int_equal(m.n_headers, SIP_HEADERS_MAX);
	assert_int_equal(parse_large(10000, 0), REASON_sip_too_many_headers);
	assert_int_equal(parse_large(0, most), REASON_none);
	assert_int_equal(m.headers_end + 2, SIP_HEAD_BYTES_MAX);
	assert_int_equal(parse_large(0, most + 1), REASON_sip_header_too_large);
	assert_int_equal(parse_large(1, most + 60000), REASON_sip_header_too_large);
	assert_int_equal(m.n_headers, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_indexed_whole),
		cmocka_unit_test(a_response_is_indexed_whole),
		cmocka_unit_test(spans_count_from_the_start_line_behind_leading_crlfs),
		cmocka_unit_test(a_fold_belongs_to_its_field),
		cmocka_unit_test(white_space_around_a_name_and_a_value_is_left_out),
		cmocka_unit_test(a_name_is_known_whatever_follows_its_colon),
		cmocka_unit_test(names_are_known_in_every_form_and_case),
		cmocka_unit_test(methods_are_known_by_their_exact_letters),
		cmocka_unit_test(start_lines_are_judged_strictly),
		cmocka_unit_test(what_follows_a_bad_start_line_can_be_used_for_the_answer),
		cmocka_unit_test(fields_before_a_fault_stay_and_none_behind_it),
		cmocka_unit_test(control_characters_may_stand_in_quoted_pairs),
		cmocka_unit_test(a_body_is_nobody_elses_business),
		cmocka_unit_test(a_head_without_an_empty_line_is_malformed),
		cmocka_unit_test(content_length_decides_where_the_body_ends),
		cmocka_unit_test(the_limits_of_fields_and_bytes_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, free_copy);
}
