// SPDX-License-Identifier: BSD-3-Clause
// Control whole, but for its main: a partner's OpenSSL at one end, a worker that the test plays
// between, and fedctl's question at the other.

#include "tests/unit/control/control_world.h"
#include "tests/unit/control/tls/aead.h"
#include "tests/unit/control/tls/peer.h"

#define CONN UINT64_C(0x500000003)

// What the worker has been told.
struct told {
	struct peer *peer; // gets what is to be sent
	uint32_t consumed;
	bool has_card, established, closed, aborted;
	struct card card;
	uint64_t card_name;
	struct link_session_established hand_over;
	enum reason reason;
	bool lists; // one session that is established
};

static struct told told;
static struct pki ca, ours, partner, stranger_ca, stranger;

static void tell_session(struct fake_dataplane *f)
{
	struct link_message m;

	link_message_init(&m, LINK_SESSION_IS);
	m.session_is.conn = CONN;
	m.session_is.card = told.card_name;
	m.session_is.n_received = 12;
	m.session_is.since_ms = 5000;
	m.session_is.role = RECORD_ACCEPTED;
	m.session_is.version = told.hand_over.secrets.version;
	m.session_is.suite = told.hand_over.secrets.suite;
	m.session_is.state = LINK_SESSION_UP;
	assert_int_equal(
		endpoint_parse(VIEW("192.0.2.2"), 40000, TRANSPORT_TLS, &m.session_is.remote), 0);
	fake_say(f, &m);
}

static void answer(struct fake_dataplane *f, const struct link_message *m)
{
	struct link_message a;

	if (m->type == LINK_SESSIONS_WANTED) {
		if (told.lists)
			tell_session(f);
		link_message_init(&a, LINK_SESSIONS_END);
		fake_say(f, &a);
	} else if (m->type == LINK_CARD_WANTED) {
		link_message_init(&a, LINK_CARD);
		a.card.card = told.card_name;
		a.card.is = told.card;
		assert_int_equal(m->card_wanted.card, told.card_name);
		fake_say(f, &a);
	}
}

static void hear(struct fake_dataplane *f, const struct link_message *m)
{
	assert_null(link_message_check(m, LINK_TO_WORKER, f->epoch));
	if (m->type == LINK_SESSION_SEND) {
		peer_feed(told.peer, view_of(m->session_send.bytes, m->session_send.n));
	} else if (m->type == LINK_SESSION_CONSUMED) {
		told.consumed = m->session_consumed.offset;
	} else if (m->type == LINK_CARD_ADD) {
		told.has_card = true;
		told.card = m->card.is;
		told.card_name = m->card.card;
	} else if (m->type == LINK_SESSION_ESTABLISHED) {
		told.established = true;
		told.hand_over = m->session_established;
	} else if (m->type == LINK_SESSION_CLOSE) {
		told.closed = true;
		told.aborted = m->session_close.abort;
		told.reason = (enum reason)m->session_close.reason;
	} else {
		answer(f, m);
	}
}

static int setup(void **state)
{
	static const struct pki_spec a_ca = {.cn = "test CA", .ca = true};
	static const struct pki_spec of_ours = {.cn = "ours", .san = "DNS:contoso.example"};
	static const struct pki_spec of_partner = {.cn = "partner",
		.san = "DNS:fabrikam.example,DNS:sip.fabrikam.example",
		.eku = "serverAuth"};

	memset(&told, 0, sizeof(told));
	ca = pki_issue(NULL, &a_ca);
	ours = pki_issue(&ca, &of_ours);
	partner = pki_issue(&ca, &of_partner);
	stranger_ca = pki_issue(NULL, &a_ca);
	stranger = pki_issue(&stranger_ca, &of_partner);
	if (set_up(state) != 0)
		return -1;
	attach();
	c.dataplane.hear = hear;
	expect_outcome(publish(TEST_DOCUMENT, PUBLISH), true, "done", 1);
	return 0;
}

static int teardown(void **state)
{
	int error = tear_down(state);

	pki_free(&stranger);
	pki_free(&stranger_ca);
	pki_free(&partner);
	pki_free(&ours);
	pki_free(&ca);
	return error;
}

static void set_contexts(void)
{
	session_server_set_contexts(c.sessions, NULL, context_of(&ours, &ca, NULL));
}

static void open_connection(void)
{
	struct link_message m;

	link_message_init(&m, LINK_SESSION_OPENED);
	m.session_opened.conn = CONN;
	m.session_opened.role = RECORD_ACCEPTED;
	assert_int_equal(
		endpoint_parse(VIEW("192.0.2.2"), 40000, TRANSPORT_TLS, &m.session_opened.remote),
		0);
	fake_say(&c.dataplane, &m);
}

static uint32_t show(struct view record, uint32_t offset)
{
	while (record.len > 0) {
		uint16_t n = (uint16_t)(record.len < 500 ? record.len : 500);
		struct link_message m;

		link_message_init(&m, LINK_SESSION_BYTES);
		m.session_bytes.conn = CONN;
		m.session_bytes.offset = offset;
		m.session_bytes.last = n == record.len;
		assert_true(link_message_append(&m, record.at, n));
		fake_say(&c.dataplane, &m);
		offset += n;
		record = view_of(record.at + n, record.len - n);
	}
	return offset;
}

static void begin(struct peer *peer)
{
	told.peer = peer;
	peer_feed(peer, VIEW_NONE);
	open_connection();
}

// The worker's part, until the hand-over or a close. shown: so far.
static void go_on(struct peer *peer, uint32_t shown)
{
	uint64_t deadline = uv_hrtime() + DEADLINE_NS;

	while (!told.established && !told.closed) {
		struct view record = peer_record(peer);

		if (shown == told.consumed && record.len > 0) {
			shown = show(record, shown);
			peer_taken(peer, record.len);
		}
		turn();
		assert_true(uv_hrtime() < deadline);
	}
}

static void negotiate(struct peer *peer)
{
	begin(peer);
	go_on(peer, 0);
}

static json_t *ask_sessions(void)
{
	return ask("{\"command\":\"sessions\"}");
}

static void expect_identity(const json_t *session)
{
	const json_t *identity = json_object_get(session, "identity");
	const json_t *names = json_object_get(identity, "names");
	const json_t *eku = json_object_get(identity, "eku");
	const json_t *fails = json_object_get(eku, "fails");

	assert_int_equal(json_array_size(names), 2);
	assert_string_equal(text_of(json_array_get(names, 0), "domain"), "fabrikam.example");
	assert_string_equal(text_of(json_array_get(names, 0), "proof"), "san_dns");
	assert_string_equal(text_of(identity, "subject"), "CN=partner");
	assert_int_equal(strlen(text_of(identity, "fingerprint")), 64);
	assert_true(json_is_true(json_object_get(identity, "trusted")));
	assert_true(json_is_true(json_object_get(eku, "server_auth")));
	assert_false(json_is_true(json_object_get(eku, "client_auth")));
	assert_int_equal(json_array_size(fails), 1);
	assert_string_equal(text_of(json_array_get(fails, 0), "policy"), "strict");
	assert_string_equal(text_of(json_array_get(fails, 0), "as"), "client");
}

static void establish(int version)
{
	const struct peer_spec spec = {.role = TLS_CLIENT, .shows = &partner, .version = version};
	uint8_t record[512];
	struct peer peer;
	size_t n;

	set_contexts();
	peer_init(&peer, &spec);
	negotiate(&peer);
	assert_true(told.established && told.has_card);
	assert_int_equal(told.hand_over.card, told.card_name);
	assert_true(card_proves(&told.card, VIEW("fabrikam.example")));
	// What the worker would seal is what the partner reads.
	n = aead_seal(&told.hand_over.secrets, AEAD_TYPE_DATA, VIEW("hello"), record);
	peer_feed(&peer, view_of(record, n));
	peer_must_read(&peer, "hello");
	peer_fini(&peer);
}

static void a_partner_shakes_hands_and_the_worker_goes_on(void **state)
{
	json_t *reply, *session;

	(void)state;
	establish(TLS1_3_VERSION);
	reply = ask_sessions();
	session = json_array_get(json_object_get(reply, "sessions"), 0);
	assert_int_equal(json_array_size(json_object_get(reply, "sessions")), 1);
	assert_string_equal(text_of(session, "remote"), "192.0.2.2:40000");
	assert_string_equal(text_of(session, "role"), "accepted");
	assert_string_equal(text_of(session, "state"), "established");
	assert_string_equal(text_of(session, "version"), "1.3");
	assert_string_equal(text_of(session, "listener_name"), "outside4");
	expect_identity(session);
	assert_int_equal(number_of(reply, "done"), 1);
	assert_int_equal(number_of(reply, "bad"), 0);
	json_decref(reply);
}

static void so_does_one_of_tls_1_2(void **state)
{
	(void)state;
	establish(TLS1_2_VERSION);
	assert_int_equal(told.hand_over.secrets.version, RECORD_TLS12);
}

static void sessions_are_known_again_after_another_attachment(void **state)
{
	uint64_t deadline = uv_hrtime() + DEADLINE_NS;
	json_t *reply, *session;
	uint32_t epoch;

	(void)state;
	establish(TLS1_3_VERSION);
	told.lists = true;
	epoch = c.dataplane.epoch;
	fake_detach(&c.dataplane);
	while (c.dataplane.epoch == epoch || !publisher_in_force(c.publisher)) {
		turn();
		assert_true(uv_hrtime() < deadline);
	}
	reply = ask_sessions();
	assert_true(json_is_true(json_object_get(reply, "complete")));
	session = json_array_get(json_object_get(reply, "sessions"), 0);
	expect_identity(session);
	assert_string_equal(text_of(session, "state"), "established");
	assert_int_equal(number_of(session, "received"), 12);
	assert_in_range(number_of(session, "age_ms"), 5000, 30000);
	json_decref(reply);
}

static void a_stranger_is_told_why_and_closed(void **state)
{
	const struct peer_spec spec = {.role = TLS_CLIENT, .shows = &stranger};
	struct peer peer;
	json_t *reply;

	(void)state;
	set_contexts();
	peer_init(&peer, &spec);
	negotiate(&peer);
	assert_true(told.closed && !told.aborted && !told.has_card);
	assert_int_equal(told.reason, REASON_session_refused);
	reply = ask_sessions();
	assert_int_equal(number_of(reply, "failed"), 1);
	json_decref(reply);
	peer_fini(&peer);
}

static void without_certificates_of_ours_no_handshake_begins(void **state)
{
	const struct peer_spec spec = {.role = TLS_CLIENT, .shows = &partner};
	struct peer peer;

	(void)state;
	session_server_set_contexts(c.sessions, NULL, NULL);
	peer_init(&peer, &spec);
	negotiate(&peer);
	assert_true(told.closed && told.aborted);
	assert_int_equal(told.reason, REASON_session_unprepared);
	peer_fini(&peer);
}

static void a_handshake_that_comes_before_our_certificates_waits_for_them(void **state)
{
	const struct peer_spec spec = {.role = TLS_CLIENT, .shows = &partner};
	uint64_t deadline = uv_hrtime() + DEADLINE_NS;
	struct view record;
	struct peer peer;
	uint32_t shown;

	(void)state;
	peer_init(&peer, &spec);
	begin(&peer);
	record = peer_record(&peer);
	assert_int_not_equal(record.len, 0);
	shown = show(record, 0);
	peer_taken(&peer, record.len);
	while (sessions_counts(session_server_sessions(c.sessions)).n_handshakes == 0) {
		turn();
		assert_true(uv_hrtime() < deadline);
	}
	for (unsigned i = 0; i < 50; i++)
		turn();
	assert_false(told.closed);
	assert_int_equal(told.consumed, 0);
	set_contexts();
	go_on(&peer, shown);
	assert_true(told.established);
	peer_fini(&peer);
}

static void a_session_whose_certificate_is_revoked_is_cut(void **state)
{
	const struct pki *revoked[] = {&partner};
	uint64_t deadline = uv_hrtime() + DEADLINE_NS;
	struct tls_context_config config = {.n_crls = 1};
	struct view text = pki_crl_pem(&ca, revoked, 1, PKI_NOW_S + PKI_DAY_S);
	const struct tls_pem crl = {"ca.crl", text};

	(void)state;
	establish(TLS1_3_VERSION);
	config.crls = &crl;
	set_contexts();
	turn();
	assert_false(told.closed);
	session_server_set_contexts(c.sessions, NULL, context_with(&ours, &ca, config));
	pki_text_free(&text);
	while (!told.closed) {
		turn();
		assert_true(uv_hrtime() < deadline);
	}
	assert_int_equal(told.reason, REASON_session_revoked);
	assert_false(told.aborted);
}

static void a_dataplane_that_goes_leaves_no_sessions(void **state)
{
	uint64_t deadline = uv_hrtime() + DEADLINE_NS;

	(void)state;
	establish(TLS1_3_VERSION);
	fake_close(&c.dataplane);
	c.has_dataplane = false;
	while (sessions_counts(session_server_sessions(c.sessions)).n_established > 0) {
		turn();
		assert_true(uv_hrtime() < deadline);
	}
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_partner_shakes_hands_and_the_worker_goes_on),
		CASE(so_does_one_of_tls_1_2),
		CASE(sessions_are_known_again_after_another_attachment),
		CASE(a_stranger_is_told_why_and_closed),
		CASE(without_certificates_of_ours_no_handshake_begins),
		CASE(a_handshake_that_comes_before_our_certificates_waits_for_them),
		CASE(a_session_whose_certificate_is_revoked_is_cut),
		CASE(a_dataplane_that_goes_leaves_no_sessions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
