// SPDX-License-Identifier: BSD-3-Clause
// Opening records: headers, authenticity, content types and padding, pieces.

#include "lib/record/inner.h"
#include "tests/unit/lib/record/pair.h"
#include "tests/unit/test.h"

// A case for each version and suite: a new pair, and what is to be true of it.
static void for_each_kind(void (*holds)(struct pair *p))
{
	for (unsigned i = 0; i < PAIR_KINDS; i++) {
		struct pair *p = pair_new(pair_kinds[i], 0);

		holds(p);
		pair_free(p);
	}
}

static size_t seal_text(struct pair *p, size_t n)
{
	static uint8_t text[RECORD_TEXT_BYTES_MAX];
	struct view one = view_of(text, n);

	pair_fill(text, n, n);
	return record_seal(&p->client, p->client_crypto, &one, 1, p->sealed);
}

static void expect_refusal(const struct record_opened *opened, const struct record_session *s,
	enum reason reason, enum record_alert alert)
{
	assert_int_equal(opened->kind, RECORD_REFUSED);
	assert_int_equal(opened->reason, reason);
	assert_int_equal(opened->alert, alert);
	assert_int_equal(opened->text.len, 0);
	assert_int_equal(s->state, RECORD_STATE_FAILED);
}

// That the answer is an alert of this number, as the other end sees it.
static void expect_answer(
	struct pair *p, const struct record_opened *opened, enum record_alert alert)
{
	struct record_opened seen;

	assert_true(opened->n_answer > 0);
	pair_open(&p->client, p->client_crypto, opened->answer, opened->n_answer, p->text, &seen);
	assert_int_equal(seen.kind, RECORD_PEER_FAILED);
	assert_int_equal(seen.alert, alert);
	assert_int_equal(seen.reason, REASON_record_peer_alert);
	assert_int_equal(p->client.state, RECORD_STATE_FAILED);
}

static void length_is_known_from_five_bytes(struct pair *p)
{
	size_t n = seal_text(p, 1000);

	for (size_t i = 0; i < RECORD_HEADER_BYTES; i++)
		assert_int_equal(record_length(&p->server, view_of(p->sealed, i)), 0);
	for (size_t i = RECORD_HEADER_BYTES; i < n; i++)
		assert_int_equal(record_length(&p->server, view_of(p->sealed, i)), n);
}

static void the_length_of_a_record_is_known_from_its_header(void **state)
{
	(void)state;
	for_each_kind(length_is_known_from_five_bytes);
}

static void expect_header_refused(struct pair *p, uint8_t type, uint16_t version, size_t n,
	enum reason reason, enum record_alert alert)
{
	const struct record_session before = p->server, client = p->client;
	uint8_t header[RECORD_HEADER_BYTES] = {
		type, (uint8_t)(version >> 8), (uint8_t)version, (uint8_t)(n >> 8), (uint8_t)n};
	struct record_opened opened;

	assert_int_equal(
		record_length(&p->server, view_of(header, sizeof(header))), sizeof(header));
	pair_open(&p->server, p->server_crypto, header, sizeof(header), p->text, &opened);
	expect_refusal(&opened, &p->server, reason, alert);
	expect_answer(p, &opened, alert);
	p->server = before;
	p->client = client;
}

static void headers_are_checked(struct pair *p)
{
	size_t overhead = record_overhead(&p->server) - RECORD_HEADER_BYTES;
	bool tls13 = p->server.version == RECORD_TLS13;

	for (unsigned type = 0; type < 256; type++) {
		bool known = tls13 ? type == 23 : type >= 21 && type <= 23;

		if (!known)
			expect_header_refused(p, (uint8_t)type, 0x0303, 100, REASON_record_bad_type,
				RECORD_ALERT_unexpected_message);
	}
	expect_header_refused(p, 23, 0x0303, RECORD_TEXT_BYTES_MAX + overhead + 1,
		REASON_record_too_long, RECORD_ALERT_record_overflow);
	expect_header_refused(
		p, 23, 0x0303, 0xffff, REASON_record_too_long, RECORD_ALERT_record_overflow);
	expect_header_refused(
		p, 23, 0x0303, overhead - 1, REASON_record_too_short, RECORD_ALERT_decode_error);
	expect_header_refused(p, 23, 0x0303, 0, REASON_record_too_short, RECORD_ALERT_decode_error);
	if (!tls13)
		expect_header_refused(p, 23, 0x0302, 100, REASON_record_bad_version,
			RECORD_ALERT_protocol_version);
}

static void a_header_that_cannot_be_is_refused_before_its_body(void **state)
{
	(void)state;
	for_each_kind(headers_are_checked);
}

static void largest_record_is_opened(struct pair *p)
{
	size_t n = seal_text(p, RECORD_TEXT_BYTES_MAX);
	struct record_opened opened;

	assert_true(n <= RECORD_BYTES_MAX);
	assert_int_equal(record_length(&p->server, view_of(p->sealed, n)), n);
	pair_open(&p->server, p->server_crypto, p->sealed, n, p->text, &opened);
	assert_int_equal(opened.kind, RECORD_TEXT);
	assert_int_equal(opened.text.len, RECORD_TEXT_BYTES_MAX);
}

static void the_largest_record_is_opened(void **state)
{
	(void)state;
	for_each_kind(largest_record_is_opened);
}

static void each_bit_counts(struct pair *p)
{
	const struct record_session before = p->server, client = p->client;
	size_t n = seal_text(p, 90);
	const uint8_t zeros[90] = {0};
	struct record_opened opened;

	for (size_t bit = 0; bit < 8 * n; bit++) {
		p->sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		p->server = before;
		p->client = client;
		p->client.send.sequence++;
		memset(p->text, 0xaa, sizeof(p->text));
		pair_open(&p->server, p->server_crypto, p->sealed, n, p->text, &opened);
		assert_int_equal(opened.kind, RECORD_REFUSED);
		if (bit / 8 >= RECORD_HEADER_BYTES) {
			expect_refusal(&opened, &p->server, REASON_record_bad_mac,
				RECORD_ALERT_bad_record_mac);
			assert_memory_equal(p->text, zeros, 90);
			expect_answer(p, &opened, RECORD_ALERT_bad_record_mac);
		}
		p->sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	p->server = before;
	pair_open(&p->server, p->server_crypto, p->sealed, n, p->text, &opened);
	assert_int_equal(opened.kind, RECORD_TEXT);
}

static void a_record_with_any_bit_changed_is_refused_and_not_shown(void **state)
{
	(void)state;
	for_each_kind(each_bit_counts);
}

static void each_shorter_one_is_refused(struct pair *p)
{
	const struct record_session before = p->server;
	size_t n = seal_text(p, 70);
	struct record_opened opened;

	// Cut, as the stream would: less than its header says.
	for (size_t cut = 1; cut < n; cut++) {
		p->server = before;
		pair_open(&p->server, p->server_crypto, p->sealed, n - cut, p->text, &opened);
		assert_int_equal(opened.kind, RECORD_REFUSED);
	}
	// Cut, and the header says so.
	for (size_t cut = 1; cut < n - record_overhead(&p->server); cut++) {
		p->server = before;
		p->sealed[4] = (uint8_t)(n - cut - RECORD_HEADER_BYTES);
		pair_open(&p->server, p->server_crypto, p->sealed, n - cut, p->text, &opened);
		expect_refusal(
			&opened, &p->server, REASON_record_bad_mac, RECORD_ALERT_bad_record_mac);
	}
}

static void a_truncated_record_is_refused(void **state)
{
	(void)state;
	for_each_kind(each_shorter_one_is_refused);
}

static void order_counts(struct pair *p)
{
	size_t first = seal_text(p, 50), second;
	uint8_t record[256];
	struct record_opened opened;

	memcpy(record, p->sealed, first);
	second = seal_text(p, 50);
	pair_open(&p->server, p->server_crypto, p->sealed, second, p->text, &opened);
	expect_refusal(&opened, &p->server, REASON_record_bad_mac, RECORD_ALERT_bad_record_mac);
	// Failed is failed, also for the record that was to come.
	pair_open(&p->server, p->server_crypto, record, first, p->text, &opened);
	assert_int_equal(opened.kind, RECORD_IGNORED);
	assert_int_equal(opened.reason, REASON_record_after_end);
}

static void a_record_out_of_order_is_refused(void **state)
{
	(void)state;
	for_each_kind(order_counts);
}

static void again_is_refused(struct pair *p)
{
	size_t n = seal_text(p, 50);
	struct record_opened opened;

	pair_open(&p->server, p->server_crypto, p->sealed, n, p->text, &opened);
	assert_int_equal(opened.kind, RECORD_TEXT);
	pair_open(&p->server, p->server_crypto, p->sealed, n, p->text, &opened);
	expect_refusal(&opened, &p->server, REASON_record_bad_mac, RECORD_ALERT_bad_record_mac);
}

static void a_record_that_comes_twice_is_refused(void **state)
{
	(void)state;
	for_each_kind(again_is_refused);
}

static void cut_anywhere(struct pair *p)
{
	const struct record_session before = p->server;
	size_t n = seal_text(p, 60);
	struct record_opened opened;

	for (size_t a = 1; a < n; a++) {
		for (size_t b = a; b < n; b++) {
			struct view parts[3] = {
				{p->sealed, a}, {p->sealed + a, b - a}, {p->sealed + b, n - b}};

			p->server = before;
			record_open(&p->server, p->server_crypto, parts, 3, p->text, &opened);
			assert_int_equal(opened.kind, RECORD_TEXT);
			assert_int_equal(opened.text.len, 60);
		}
	}
}

static void a_record_may_lie_in_pieces_cut_anywhere(void **state)
{
	(void)state;
	for_each_kind(cut_anywhere);
}

static void byte_by_byte(struct pair *p)
{
	size_t n = seal_text(p, 5000);
	struct view *parts = calloc(n, sizeof(*parts));
	struct record_opened opened;

	assert_non_null(parts);
	for (size_t i = 0; i < n; i++)
		parts[i] = view_of(p->sealed + i, 1);
	record_open(&p->server, p->server_crypto, parts, (unsigned)n, p->text, &opened);
	assert_int_equal(opened.kind, RECORD_TEXT);
	assert_int_equal(opened.text.len, 5000);
	free(parts);
}

static void a_record_may_lie_in_pieces_of_one_byte(void **state)
{
	(void)state;
	for_each_kind(byte_by_byte);
}

// From the client to the server.
static void forge(
	struct pair *p, uint8_t type, size_t n_text, size_t n_zeros, struct record_opened *opened)
{
	static const uint8_t text[RECORD_TEXT_BYTES_MAX + 300] = {'x'};
	size_t n = pair_forge(
		&p->client, p->client_crypto, type, view_of(text, n_text), n_zeros, p->sealed);

	pair_open(&p->server, p->server_crypto, p->sealed, n, p->text, opened);
}

static void padding_is_taken_off(void **state)
{
	struct record_opened opened;

	(void)state;
	for (unsigned i = 3; i < PAIR_KINDS; i++) {
		struct pair *p = pair_new(pair_kinds[i], 0);

		for (size_t n_zeros = 0; n_zeros < 300; n_zeros++) {
			forge(p, 23, 1 + n_zeros % 7, n_zeros, &opened);
			assert_int_equal(opened.kind, RECORD_TEXT);
			assert_int_equal(opened.text.len, 1 + n_zeros % 7);
		}
		forge(p, 23, 1, RECORD_TEXT_BYTES_MAX - 1, &opened);
		assert_int_equal(opened.kind, RECORD_TEXT);
		assert_int_equal(opened.text.len, 1);
		pair_free(p);
	}
}

static void a_record_of_padding_alone_is_refused(void **state)
{
	struct record_opened opened;

	(void)state;
	for (unsigned i = 3; i < PAIR_KINDS; i++) {
		struct pair *p = pair_new(pair_kinds[i], 0);

		forge(p, 0, 0, 40, &opened);
		expect_refusal(&opened, &p->server, REASON_record_bad_type,
			RECORD_ALERT_unexpected_message);
		expect_answer(p, &opened, RECORD_ALERT_unexpected_message);
		pair_free(p);
	}
}

static void an_inner_type_that_cannot_come_is_refused(void **state)
{
	struct record_opened opened;

	(void)state;
	for (unsigned type = 1; type < 256; type++) {
		struct pair *p = pair_new(pair_kinds[3 + type % 3], 0);

		if (type < 21 || type > 23) {
			forge(p, (uint8_t)type, 10, 0, &opened);
			expect_refusal(&opened, &p->server, REASON_record_bad_type,
				RECORD_ALERT_unexpected_message);
		}
		pair_free(p);
	}
}

static void an_empty_alert_or_handshake_record_is_refused(void **state)
{
	struct record_opened opened;

	(void)state;
	for (unsigned i = 0; i < 2 * PAIR_KINDS; i++) {
		struct pair *p = pair_new(pair_kinds[i / 2], 0);

		forge(p, (uint8_t)(21 + i % 2), 0, 0, &opened);
		expect_refusal(&opened, &p->server, REASON_record_bad_type,
			RECORD_ALERT_unexpected_message);
		pair_free(p);
	}
}

static void empty_records_are_bounded(struct pair *p)
{
	struct record_opened opened;

	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < RECORD_BARREN_MAX; i++) {
			forge(p, 23, 0, 0, &opened);
			assert_int_equal(opened.kind, RECORD_TEXT);
			assert_int_equal(opened.text.len, 0);
		}
		if (round == 0) {
			forge(p, 23, 1, 0, &opened); // data: the count begins anew
			assert_int_equal(opened.kind, RECORD_TEXT);
		}
	}
	forge(p, 23, 0, 0, &opened);
	expect_refusal(&opened, &p->server, REASON_record_barren, RECORD_ALERT_unexpected_message);
}

static void empty_records_are_taken_within_a_bound(void **state)
{
	(void)state;
	for_each_kind(empty_records_are_bounded);
}

static void a_version_that_is_to_be_ignored_is_ignored_but_authenticated(void **state)
{
	struct pair *p = pair_new(pair_kinds[3], 0);
	const struct record_session before = p->server;
	size_t n = seal_text(p, 30);
	struct record_opened opened;

	(void)state;
	p->sealed[2] = 1;
	assert_int_equal(record_length(&p->server, view_of(p->sealed, n)), n);
	pair_open(&p->server, p->server_crypto, p->sealed, n, p->text, &opened);
	expect_refusal(&opened, &p->server, REASON_record_bad_mac, RECORD_ALERT_bad_record_mac);
	p->sealed[2] = 3;
	p->server = before;
	pair_open(&p->server, p->server_crypto, p->sealed, n, p->text, &opened);
	assert_int_equal(opened.kind, RECORD_TEXT);
	pair_free(p);
}

static void less_than_a_header_is_refused(void **state)
{
	struct pair *p = pair_new(pair_kinds[3], 0);
	struct record_opened opened;

	(void)state;
	record_open(&p->server, p->server_crypto, NULL, 0, p->text, &opened);
	expect_refusal(&opened, &p->server, REASON_record_too_short, RECORD_ALERT_decode_error);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_length_of_a_record_is_known_from_its_header),
		cmocka_unit_test(a_header_that_cannot_be_is_refused_before_its_body),
		cmocka_unit_test(the_largest_record_is_opened),
		cmocka_unit_test(a_record_with_any_bit_changed_is_refused_and_not_shown),
		cmocka_unit_test(a_truncated_record_is_refused),
		cmocka_unit_test(a_record_out_of_order_is_refused),
		cmocka_unit_test(a_record_that_comes_twice_is_refused),
		cmocka_unit_test(a_record_may_lie_in_pieces_cut_anywhere),
		cmocka_unit_test(a_record_may_lie_in_pieces_of_one_byte),
		cmocka_unit_test(padding_is_taken_off),
		cmocka_unit_test(a_record_of_padding_alone_is_refused),
		cmocka_unit_test(an_inner_type_that_cannot_come_is_refused),
		cmocka_unit_test(an_empty_alert_or_handshake_record_is_refused),
		cmocka_unit_test(empty_records_are_taken_within_a_bound),
		cmocka_unit_test(a_version_that_is_to_be_ignored_is_ignored_but_authenticated),
		cmocka_unit_test(less_than_a_header_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
