// SPDX-License-Identifier: BSD-3-Clause
// Sessions of a worker: negotiated by a control that is the test, then the worker's own.

#include "dataplane/session/cards.h"
#include "tests/unit/dataplane/session/world.h"

#include <errno.h>

// A record of a handshake, as far as the worker looks at it.
static size_t make_record(uint8_t *out, size_t n_text)
{
	out[0] = 22;
	out[1] = out[2] = 3;
	out[3] = (uint8_t)(n_text >> 8);
	out[4] = (uint8_t)n_text;
	for (size_t i = 0; i < n_text; i++)
		out[RECORD_HEADER_BYTES + i] = (uint8_t)(i * 7);
	return RECORD_HEADER_BYTES + n_text;
}

static struct desk *established(enum record_role role, enum record_version version)
{
	struct desk *d = desk_new(role);

	desk_hear_established(d, version, 0);
	return d;
}

static void a_connection_is_told_to_control(void **state)
{
	struct desk *d = desk_new(RECORD_ACCEPTED);
	const struct link_message *m = desk_told(d, LINK_SESSION_OPENED, 0);

	(void)state;
	assert_int_equal(m->session_opened.conn, d->conn);
	assert_int_equal(m->session_opened.role, RECORD_ACCEPTED);
	assert_true(endpoint_equal(&m->session_opened.remote, &d->remote));
	assert_false(session_is_established(d->sessions, d->conn));
	desk_free(d);
}

static void one_of_ours_is_told_with_its_target(void **state)
{
	struct desk *d = desk_new(RECORD_OPENED);
	const struct link_message *m = desk_told(d, LINK_SESSION_OPENED, 0);

	(void)state;
	assert_int_equal(m->session_opened.role, RECORD_OPENED);
	assert_int_equal(m->session_opened.target.remote.transport, TRANSPORT_TLS);
	desk_free(d);
}

static void a_record_is_shown_when_it_is_whole(void **state)
{
	struct desk *d = desk_new(RECORD_ACCEPTED);
	uint8_t record[3000];
	size_t n = make_record(record, 2000);

	(void)state;
	for (size_t i = 0; i + 1 < n; i += 100)
		desk_say(d, record + i, i + 101 < n ? 100 : n - i - 1);
	assert_int_equal(desk_n_told(d, LINK_SESSION_BYTES), 0);
	desk_say(d, record + n - 1, 1);
	assert_int_equal(desk_n_told(d, LINK_SESSION_BYTES), 3);
	for (unsigned i = 0; i < 3; i++) {
		const struct link_session_bytes *b =
			&desk_told(d, LINK_SESSION_BYTES, i)->session_bytes;

		assert_int_equal(b->offset, i * LINK_BYTES_MAX);
		assert_memory_equal(b->bytes, record + b->offset, b->n);
		assert_int_equal(b->last, i == 2);
	}
	desk_free(d);
}

static void the_next_record_waits_until_control_has_taken_the_first(void **state)
{
	struct desk *d = desk_new(RECORD_ACCEPTED);
	uint8_t records[600];
	size_t n = make_record(records, 200);

	(void)state;
	make_record(records + n, 300);
	desk_say(d, records, n + 305);
	assert_int_equal(desk_n_told(d, LINK_SESSION_BYTES), 1);
	desk_hear_consumed(d, (uint32_t)n);
	assert_int_equal(desk_n_told(d, LINK_SESSION_BYTES), 2);
	assert_int_equal(desk_told(d, LINK_SESSION_BYTES, 1)->session_bytes.offset, n);
	assert_int_equal(desk_told(d, LINK_SESSION_BYTES, 1)->session_bytes.n, 305);
	desk_free(d);
}

static void what_control_has_not_been_shown_it_cannot_take(void **state)
{
	struct desk *d = desk_new(RECORD_ACCEPTED);
	uint8_t record[300];
	size_t n = make_record(record, 200);

	(void)state;
	desk_hear_consumed(d, 1);
	desk_say(d, record, n);
	desk_hear_consumed(d, (uint32_t)n + 1);
	desk_hear_consumed(d, (uint32_t)n - 1);
	assert_int_equal(d->counters[REASON_session_misled], 3);
	desk_hear_consumed(d, (uint32_t)n);
	assert_int_equal(d->counters[REASON_session_misled], 3);
	desk_free(d);
}

static void a_full_ring_delays_and_loses_nothing(void **state)
{
	struct desk *d = desk_new(RECORD_ACCEPTED);
	uint8_t record[9000];
	size_t n = make_record(record, 8000), seen = 0;

	(void)state;
	d->ring_room = 2;
	desk_say(d, record, n);
	assert_int_equal(desk_n_told(d, LINK_SESSION_BYTES), 2);
	for (unsigned i = 0; i < 20; i++) {
		d->ring_room = 1;
		desk_run(d, 1);
	}
	for (unsigned i = 0; i < desk_n_told(d, LINK_SESSION_BYTES); i++) {
		const struct link_session_bytes *b =
			&desk_told(d, LINK_SESSION_BYTES, i)->session_bytes;

		assert_int_equal(b->offset, seen);
		assert_memory_equal(b->bytes, record + seen, b->n);
		seen += b->n;
		assert_int_equal(b->last, seen == n);
	}
	assert_int_equal(seen, n);
	desk_free(d);
}

static void what_is_no_record_ends_the_session(void **state)
{
	struct desk *d = desk_new(RECORD_ACCEPTED);

	(void)state;
	desk_say(d, "INVITE sip:b@example SIP/2.0\r\n", 30);
	assert_true(desk_has_news(d, SESSION_NEWS_OVER));
	assert_int_equal(d->news[0].reason, REASON_session_bad_record);
	assert_int_equal(desk_told(d, LINK_SESSION_ENDED, 0)->session_ended.reason,
		REASON_session_bad_record);
	assert_int_equal(desk_n_told(d, LINK_SESSION_BYTES), 0);
	desk_free(d);
}

static void a_handshake_may_show_64_kilobytes(void **state)
{
	struct desk *d = desk_new(RECORD_ACCEPTED);
	uint8_t record[16389];
	uint32_t consumed = 0;

	(void)state;
	(void)make_record(record, 16384);
	for (unsigned i = 0; i < 4; i++) {
		for (unsigned k = 0; k < sizeof(record); k += 4097)
			desk_say(d, record + k,
				k + 4097 <= sizeof(record) ? 4097 : sizeof(record) - k);
		consumed += sizeof(record);
		d->n_told = 0;
		if (!desk_has_news(d, SESSION_NEWS_OVER))
			desk_hear_consumed(d, consumed);
	}
	assert_true(desk_has_news(d, SESSION_NEWS_OVER));
	assert_int_equal(d->news[0].reason, REASON_session_too_long);
	desk_free(d);
}

static void what_control_says_is_sent_in_its_order(void **state)
{
	struct desk *d = desk_new(RECORD_ACCEPTED);
	struct link_message m;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		link_message_init(&m, LINK_SESSION_SEND);
		m.session_send.conn = d->conn;
		assert_true(link_message_append(&m, &"abcdef"[2 * i], 2));
		desk_hear(d, &m);
	}
	assert_int_equal(d->n_got, 6);
	assert_memory_equal(d->got, "abcdef", 6);
	desk_free(d);
}

static void data_behind_the_last_record_of_the_handshake_is_the_sessions(void **state)
{
	// Cut everywhere, so that the border lies anywhere in a segment.
	for (size_t cut = 1; cut < 120; cut += 7) {
		struct desk *d = desk_new(RECORD_ACCEPTED), *sealer;
		uint8_t bytes[1024];
		size_t n = make_record(bytes, 40);
		struct session_read read;

		(void)state;
		// What a peer sends with its last record: sealed by one that is established
		// already.
		sealer = established(RECORD_ACCEPTED, RECORD_TLS13);
		n += record_seal(
			&sealer->tls, sealer->peer_crypto, &VIEW("early bird"), 1, bytes + n);
		desk_free(sealer);
		desk_say(d, bytes, cut < n ? cut : n);
		if (cut < n)
			desk_say(d, bytes + cut, n - cut);
		assert_int_equal(desk_n_told(d, LINK_SESSION_BYTES), 1);
		desk_hear_established(d, RECORD_TLS13, 45);
		assert_string_equal(desk_read(d, &read), "early bird");
		assert_int_equal(read.fault, REASON_none);
		desk_free(d);
	}
}

static void an_established_session_reads_and_writes(void **state)
{
	static const enum record_version versions[] = {RECORD_TLS12, RECORD_TLS13};
	static const enum record_role roles[] = {RECORD_ACCEPTED, RECORD_OPENED};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct desk *d = established(roles[i / 2], versions[i % 2]);
		struct session_read read;
		enum record_kind kind;

		assert_true(session_is_established(d->sessions, d->conn));
		desk_say_sealed(d, "from the peer");
		assert_string_equal(desk_read(d, &read), "from the peer");
		assert_int_equal(session_write(d->sessions, d->conn, "from the relay", 14), 0);
		desk_run(d, 3);
		assert_string_equal(desk_open(d, &kind), "from the relay");
		assert_int_equal(kind, RECORD_TEXT);
		desk_free(d);
	}
}

static void a_server_and_a_tls_1_2_client_are_confirmed_at_once(void **state)
{
	struct desk *d = established(RECORD_ACCEPTED, RECORD_TLS13);

	(void)state;
	assert_true(desk_has_news(d, SESSION_NEWS_CONFIRMED));
	desk_free(d);
	d = established(RECORD_OPENED, RECORD_TLS12);
	assert_true(desk_has_news(d, SESSION_NEWS_CONFIRMED));
	desk_free(d);
}

static void a_tls_1_3_client_is_confirmed_by_the_peers_first_record(void **state)
{
	struct desk *d = established(RECORD_OPENED, RECORD_TLS13);
	struct session_read read;

	(void)state;
	assert_true(desk_has_news(d, SESSION_NEWS_ESTABLISHED));
	assert_false(desk_has_news(d, SESSION_NEWS_CONFIRMED));
	desk_say_sealed(d, "x");
	(void)desk_read(d, &read);
	assert_true(desk_has_news(d, SESSION_NEWS_CONFIRMED));
	desk_free(d);
}

static void a_late_alert_is_told_to_control_by_its_number(void **state)
{
	struct desk *d = established(RECORD_OPENED, RECORD_TLS13);
	uint8_t alert[RECORD_ANSWER_BYTES];
	const struct link_session_ended *ended;
	struct session_read read;

	(void)state;
	desk_say(d, alert,
		record_fail(&d->tls, d->peer_crypto, RECORD_ALERT_certificate_unknown, alert));
	(void)desk_read(d, &read);
	assert_int_equal(read.fault, REASON_record_peer_alert);
	assert_false(desk_has_news(d, SESSION_NEWS_CONFIRMED));
	session_close(d->sessions, d->conn, d->now);
	session_end(d->sessions, d->conn, read.fault);
	ended = &desk_told(d, LINK_SESSION_ENDED, 0)->session_ended;
	assert_int_equal(ended->alert, RECORD_ALERT_certificate_unknown);
	assert_int_equal(ended->was_established, 1);
	desk_free(d);
}

static void a_record_that_is_not_authentic_is_answered_by_an_alert(void **state)
{
	struct desk *d = established(RECORD_ACCEPTED, RECORD_TLS13);
	uint8_t bytes[128];
	size_t n = record_seal(&d->tls, d->peer_crypto, &VIEW("text"), 1, bytes);
	struct session_read read;
	enum record_kind kind;

	(void)state;
	bytes[n - 1] ^= 1;
	desk_say(d, bytes, n);
	assert_string_equal(desk_read(d, &read), "");
	assert_int_equal(read.fault, REASON_record_bad_mac);
	(void)desk_open(d, &kind);
	assert_int_equal(kind, RECORD_PEER_FAILED);
	desk_free(d);
}

static void closing_says_close_notify_and_then_finishes(void **state)
{
	struct desk *d = established(RECORD_ACCEPTED, RECORD_TLS13);
	enum record_kind kind;

	(void)state;
	session_close(d->sessions, d->conn, d->now);
	desk_run(d, 3);
	(void)desk_open(d, &kind);
	assert_int_equal(kind, RECORD_PEER_CLOSED);
	assert_true(d->peer_finished);
	desk_free(d);
}

static void a_peers_close_notify_finishes_what_is_read(void **state)
{
	struct desk *d = established(RECORD_ACCEPTED, RECORD_TLS13);
	uint8_t alert[RECORD_ANSWER_BYTES];
	struct session_read read;

	(void)state;
	desk_say_sealed(d, "last words");
	desk_say(d, alert, record_close(&d->tls, d->peer_crypto, alert));
	assert_string_equal(desk_read(d, &read), "last words");
	assert_true(read.finished);
	assert_int_equal(read.fault, REASON_none);
	desk_free(d);
}

static void a_message_is_written_whole_or_not_at_all(void **state)
{
	static uint8_t text[60000];
	struct desk *d = established(RECORD_ACCEPTED, RECORD_TLS13);
	unsigned n_written = 0;
	size_t n_opened = 0;
	enum record_kind kind;

	(void)state;
	memset(text, 'a', sizeof(text));
	while (session_write(d->sessions, d->conn, text, sizeof(text)) == 0)
		assert_true(++n_written < 100);
	assert_int_equal(session_write(d->sessions, d->conn, text, sizeof(text)), -ENOBUFS);
	assert_true(n_written > 0);
	// Nothing was sealed in vain: all that comes is authentic, and another one goes.
	for (unsigned i = 0; i < 2000 && n_opened < n_written * sizeof(text); i++) {
		desk_run(d, 1);
		n_opened += strlen(desk_open(d, &kind));
	}
	assert_int_equal(n_opened, n_written * sizeof(text));
	assert_int_equal(session_write(d->sessions, d->conn, "b", 1), 0);
	desk_run(d, 3);
	assert_string_equal(desk_open(d, &kind), "b");
	desk_free(d);
}

static void room_for_fewer_records_leaves_the_rest(void **state)
{
	struct desk *d = established(RECORD_ACCEPTED, RECORD_TLS13);
	struct session_read read;
	uint8_t out[64];

	(void)state;
	desk_say_sealed(d, "one");
	desk_say_sealed(d, "two");
	session_read(d->sessions, d->conn, out, 27, &read, d->now);
	assert_int_equal(read.n_bytes, 3);
	assert_true(read.more);
	session_read(d->sessions, d->conn, out, sizeof(out), &read, d->now);
	assert_int_equal(read.n_bytes, 3);
	assert_memory_equal(out, "two", 3);
	assert_false(read.more);
	desk_free(d);
}

static void a_session_has_the_card_that_control_gave(void **state)
{
	struct desk *d = established(RECORD_ACCEPTED, RECORD_TLS13);
	uint64_t serial = 0;
	const struct card *card = session_card(d->sessions, d->conn, &serial);

	(void)state;
	assert_non_null(card);
	assert_int_equal(serial, 1);
	assert_true(card_proves(card, VIEW("partner.example")));
	desk_free(d);
}

static void a_card_under_a_name_in_use_is_refused(void **state)
{
	struct desk *d = established(RECORD_ACCEPTED, RECORD_TLS13);

	(void)state;
	desk_add_card(d, DESK_CARD, "partner.example");
	assert_int_equal(d->counters[REASON_session_misled], 0);
	desk_add_card(d, DESK_CARD, "impostor.example");
	assert_int_equal(d->counters[REASON_session_misled], 1);
	assert_true(card_proves(session_card(d->sessions, d->conn, NULL), VIEW("partner.example")));
	desk_free(d);
}

static void a_card_has_a_serial_of_its_own_also_in_the_place_of_another(void **state)
{
	struct cards *c = cards_new(1);
	struct card one, two;
	uint32_t number;

	(void)state;
	card_init(&one, NULL, VIEW_NONE, VIEW_NONE, VIEW_NONE);
	two = one;
	assert_int_equal(card_add_name(&two, VIEW("two.example"), CARD_DIALBACK), 0);
	assert_int_equal(cards_add(c, 5, &one), 0);
	number = cards_get(c, 5);
	assert_int_equal(cards_serial(c, number), 1);
	assert_int_equal(cards_add(c, 5, &one), 0);
	assert_int_equal(cards_serial(c, number), 1);
	cards_put(c, number);
	assert_int_equal(cards_add(c, 6, &two), 0);
	assert_int_equal(cards_serial(c, cards_get(c, 6)), 2);
	cards_free(c);
}

static void cards_without_a_session_give_way_and_others_do_not(void **state)
{
	struct desk *d = established(RECORD_ACCEPTED, RECORD_TLS13);
	struct sessions_usage usage;

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		desk_add_card(d, 100 + i, "other.example");
	assert_int_equal(d->counters[REASON_session_cards_full], 0);
	sessions_usage(d->sessions, &usage);
	assert_int_equal(usage.n_cards, 4);
	assert_true(card_proves(session_card(d->sessions, d->conn, NULL), VIEW("partner.example")));
	desk_free(d);
}

static void a_session_without_its_card_is_refused(void **state)
{
	struct desk *d = desk_new(RECORD_ACCEPTED);
	struct link_message m;

	(void)state;
	link_message_init(&m, LINK_SESSION_ESTABLISHED);
	m.session_established.conn = d->conn;
	m.session_established.card = 12345;
	m.session_established.secrets =
		(struct record_secrets){.version = RECORD_TLS13, .suite = RECORD_AES_128_GCM};
	desk_hear(d, &m);
	assert_true(desk_has_news(d, SESSION_NEWS_OVER));
	assert_int_equal(d->news[0].reason, REASON_session_card_unknown);
	assert_false(desk_has_news(d, SESSION_NEWS_ESTABLISHED));
	desk_free(d);
}

static void a_control_that_has_come_back_learns_sessions_and_cards(void **state)
{
	struct desk *d = established(RECORD_ACCEPTED, RECORD_TLS13);
	const struct link_session_is *is;
	struct link_message m;

	(void)state;
	sessions_attached(d->sessions, d->now);
	assert_true(session_is_established(d->sessions, d->conn));
	session_count_message(d->sessions, d->conn);
	d->now += 5000 * UINT64_C(1000000);
	link_message_init(&m, LINK_SESSIONS_WANTED);
	desk_hear(d, &m);
	assert_int_equal(desk_n_told(d, LINK_SESSION_IS), 1);
	is = &desk_told(d, LINK_SESSION_IS, 0)->session_is;
	assert_int_equal(is->conn, d->conn);
	assert_int_equal(is->card, DESK_CARD);
	assert_int_equal(is->n_received, 1);
	assert_int_equal(is->version, RECORD_TLS13);
	assert_in_range(is->since_ms, 4000, 6000);
	assert_false(desk_told(d, LINK_SESSIONS_END, 0)->sessions_end.more);
	link_message_init(&m, LINK_CARD_WANTED);
	m.card_wanted.card = DESK_CARD;
	desk_hear(d, &m);
	assert_true(card_proves(&desk_told(d, LINK_CARD, 0)->card.is, VIEW("partner.example")));
	desk_free(d);
}

static void a_list_that_the_ring_cannot_take_goes_on_from_its_cursor(void **state)
{
	struct desk *d = established(RECORD_ACCEPTED, RECORD_TLS13);
	struct link_message m;
	uint32_t cursor;

	(void)state;
	d->ring_room = 0;
	link_message_init(&m, LINK_SESSIONS_WANTED);
	desk_hear(d, &m);
	assert_int_equal(desk_n_told(d, LINK_SESSION_IS), 0);
	assert_true(desk_told(d, LINK_SESSIONS_END, 0)->sessions_end.more);
	cursor = desk_told(d, LINK_SESSIONS_END, 0)->sessions_end.cursor;
	d->ring_room = 100;
	link_message_init(&m, LINK_SESSIONS_WANTED);
	m.sessions_wanted.cursor = cursor;
	desk_hear(d, &m);
	assert_int_equal(desk_n_told(d, LINK_SESSION_IS), 1);
	desk_free(d);
}

static void what_is_negotiating_ends_with_its_control(void **state)
{
	struct desk *d = desk_new(RECORD_ACCEPTED);

	(void)state;
	sessions_attached(d->sessions, d->now);
	assert_true(desk_has_news(d, SESSION_NEWS_OVER));
	assert_int_equal(d->news[0].reason, REASON_session_control_away);
	desk_run(d, 3);
	assert_true(d->peer_finished);
	desk_free(d);
}

static void a_session_that_control_closes_says_goodbye(void **state)
{
	struct desk *d = established(RECORD_ACCEPTED, RECORD_TLS13);
	struct link_message m;
	enum record_kind kind;

	(void)state;
	link_message_init(&m, LINK_SESSION_CLOSE);
	m.session_close.conn = d->conn;
	m.session_close.reason = REASON_session_revoked;
	desk_hear(d, &m);
	assert_int_equal(d->news[d->n_news - 1].news, SESSION_NEWS_OVER);
	assert_int_equal(d->news[d->n_news - 1].reason, REASON_session_revoked);
	(void)desk_open(d, &kind);
	assert_int_equal(kind, RECORD_PEER_CLOSED);
	assert_true(d->peer_finished);
	desk_free(d);
}

static void a_connection_without_a_session_is_written_to_as_it_is(void **state)
{
	struct desk *d = desk_new(RECORD_ACCEPTED);

	(void)state;
	session_end(d->sessions, d->conn, REASON_tcp_closed);
	assert_false(session_is(d->sessions, d->conn));
	assert_int_equal(session_write(d->sessions, d->conn, "plain", 5), 0);
	desk_run(d, 3);
	assert_memory_equal(d->got, "plain", 5);
	desk_free(d);
}

static void nothing_is_written_before_the_hand_over(void **state)
{
	struct desk *d = desk_new(RECORD_ACCEPTED);

	(void)state;
	assert_int_equal(session_write(d->sessions, d->conn, "plain", 5), -EAGAIN);
	desk_run(d, 3);
	assert_int_equal(d->n_got, 0);
	desk_free(d);
}

static void a_second_hand_over_is_refused(void **state)
{
	struct desk *d = established(RECORD_ACCEPTED, RECORD_TLS13);

	(void)state;
	desk_hear_established(d, RECORD_TLS13, 0);
	assert_int_equal(d->news[d->n_news - 1].news, SESSION_NEWS_OVER);
	desk_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_is_told_to_control),
		cmocka_unit_test(one_of_ours_is_told_with_its_target),
		cmocka_unit_test(a_record_is_shown_when_it_is_whole),
		cmocka_unit_test(the_next_record_waits_until_control_has_taken_the_first),
		cmocka_unit_test(what_control_has_not_been_shown_it_cannot_take),
		cmocka_unit_test(a_full_ring_delays_and_loses_nothing),
		cmocka_unit_test(what_is_no_record_ends_the_session),
		cmocka_unit_test(a_handshake_may_show_64_kilobytes),
		cmocka_unit_test(what_control_says_is_sent_in_its_order),
		cmocka_unit_test(data_behind_the_last_record_of_the_handshake_is_the_sessions),
		cmocka_unit_test(an_established_session_reads_and_writes),
		cmocka_unit_test(a_server_and_a_tls_1_2_client_are_confirmed_at_once),
		cmocka_unit_test(a_tls_1_3_client_is_confirmed_by_the_peers_first_record),
		cmocka_unit_test(a_late_alert_is_told_to_control_by_its_number),
		cmocka_unit_test(a_record_that_is_not_authentic_is_answered_by_an_alert),
		cmocka_unit_test(closing_says_close_notify_and_then_finishes),
		cmocka_unit_test(a_peers_close_notify_finishes_what_is_read),
		cmocka_unit_test(a_message_is_written_whole_or_not_at_all),
		cmocka_unit_test(room_for_fewer_records_leaves_the_rest),
		cmocka_unit_test(a_session_has_the_card_that_control_gave),
		cmocka_unit_test(a_card_under_a_name_in_use_is_refused),
		cmocka_unit_test(a_card_has_a_serial_of_its_own_also_in_the_place_of_another),
		cmocka_unit_test(cards_without_a_session_give_way_and_others_do_not),
		cmocka_unit_test(a_session_without_its_card_is_refused),
		cmocka_unit_test(a_control_that_has_come_back_learns_sessions_and_cards),
		cmocka_unit_test(a_list_that_the_ring_cannot_take_goes_on_from_its_cursor),
		cmocka_unit_test(what_is_negotiating_ends_with_its_control),
		cmocka_unit_test(a_session_that_control_closes_says_goodbye),
		cmocka_unit_test(a_connection_without_a_session_is_written_to_as_it_is),
		cmocka_unit_test(nothing_is_written_before_the_hand_over),
		cmocka_unit_test(a_second_hand_over_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
