// SPDX-License-Identifier: BSD-3-Clause
// Our handshake against a plain OpenSSL peer: every suite, version and role, what lies at the
// border to the record layer, and what bounds it.

#include "tests/unit/control/tls/peer.h"

#define APPLICATION_DATA 23

struct fixture {
	struct pki ca, ours, partner;
	struct tls_context *context;
};

static int setup(void **state)
{
	static const struct pki_spec ca = {.cn = "test CA", .ca = true};
	static const struct pki_spec ours = {.cn = "ours", .san = "DNS:contoso.example"};
	static const struct pki_spec partner = {.cn = "partner", .san = "DNS:fabrikam.example"};
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->ca = pki_issue(NULL, &ca);
	f->ours = pki_issue(&f->ca, &ours);
	f->partner = pki_issue(&f->ca, &partner);
	f->context = context_of(&f->ours, &f->ca, NULL);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	tls_context_put(f->context);
	pki_free(&f->ca);
	pki_free(&f->ours);
	pki_free(&f->partner);
	free(f);
	return 0;
}

static struct tls_handshake *start(struct tls_context *c, enum tls_role role)
{
	const struct tls_params server = {.role = TLS_SERVER};
	const struct tls_params client = {.role = TLS_CLIENT,
		.server_name = "fabrikam.example",
		.match = TLS_MATCH_DOMAIN,
		.name = VIEW("fabrikam.example")};
	struct tls_handshake *h =
		tls_handshake_new(c, role == TLS_SERVER ? &server : &client, PKI_NOW_S);

	assert_non_null(h);
	return h;
}

// Cuts every handshake record of the peer's that is not sealed into pieces of n bytes.
static enum tls_step run_cut(struct peer *p, struct tls_handshake *h, size_t n)
{
	enum tls_step step = TLS_WANTS_RECORD;
	struct view record;

	peer_feed(p, VIEW_NONE);
	while (step == TLS_WANTS_RECORD && (record = peer_record(p)).len > 0) {
		size_t at = TLS_RECORD_HEADER_BYTES;

		if (record.at[0] != 22 || record.len < at + 2 * n) {
			step = tls_handshake_step(h, record);
			at = record.len;
		}
		for (; at < record.len && step == TLS_WANTS_RECORD; at += n) {
			size_t left = record.len - at < n ? record.len - at : n;
			uint8_t piece[256] = {22, 3, 3, (uint8_t)(left >> 8), (uint8_t)left};

			memcpy(piece + TLS_RECORD_HEADER_BYTES, record.at + at, left);
			step = tls_handshake_step(
				h, view_of(piece, TLS_RECORD_HEADER_BYTES + left));
		}
		peer_taken(p, record.len);
		peer_feed(p, tls_handshake_output(h));
	}
	return step;
}

static void a_hello_in_many_records_is_taken(void **state)
{
	struct fixture *f = *state;
	struct tls_handshake *h = start(f->context, TLS_SERVER);
	struct peer p;

	peer_init(&p,
		&(struct peer_spec){
			.role = TLS_CLIENT, .shows = &f->partner, .version = TLS1_3_VERSION});
	assert_int_equal(run_cut(&p, h, 100), TLS_DONE);
	tls_handshake_free(h);
	peer_fini(&p);
}

static void a_hello_in_records_of_one_byte_is_refused(void **state)
{
	struct fixture *f = *state;
	struct tls_handshake *h = start(f->context, TLS_SERVER);
	struct peer p;

	peer_init(&p,
		&(struct peer_spec){
			.role = TLS_CLIENT, .shows = &f->partner, .version = TLS1_3_VERSION});
	assert_int_equal(run_cut(&p, h, 1), TLS_FAILED);
	assert_int_equal(tls_handshake_refusal(h), TLS_REFUSAL_too_many_records);
	tls_handshake_free(h);
	peer_fini(&p);
}

static void refuse(
	struct tls_context *c, enum tls_role role, struct view record, enum tls_refusal refusal)
{
	struct tls_handshake *h = start(c, role);

	if (role == TLS_CLIENT)
		assert_int_equal(tls_handshake_step(h, VIEW_NONE), TLS_WANTS_RECORD);
	assert_int_equal(tls_handshake_step(h, record), TLS_FAILED);
	assert_string_equal(tls_refusal_name(tls_handshake_refusal(h)), tls_refusal_name(refusal));
	// And stays so.
	assert_int_equal(tls_handshake_step(h, record), TLS_FAILED);
	tls_handshake_free(h);
}

static void what_is_not_tls_is_named(void **state)
{
	static const uint8_t sslv2[] = {0x80, 0x2e, 0x01, 0x00, 0x02, 0x00, 0x15};
	struct fixture *f = *state;

	refuse(f->context, TLS_SERVER, VIEW("GET / HTTP/1.0\r\n\r\n"), TLS_REFUSAL_not_tls);
	refuse(f->context, TLS_SERVER, VIEW("OPTIONS sip:a SIP/2.0\r\n"), TLS_REFUSAL_not_tls);
	refuse(f->context, TLS_SERVER, view_of(sslv2, sizeof(sslv2)), TLS_REFUSAL_not_tls);
	refuse(f->context, TLS_SERVER, VIEW("\x16"), TLS_REFUSAL_not_tls);
	refuse(f->context, TLS_CLIENT, VIEW("SIP/2.0 400 Bad\r\n\r\n"), TLS_REFUSAL_not_tls);
}

static void a_record_of_another_length_than_it_says_is_refused(void **state)
{
	static uint8_t long_record[TLS_RECORD_BYTES_MAX + 1] = {22, 3, 1, 0x41, 0x01};
	static const uint8_t two[] = {22, 3, 1, 0, 1, 1, 22, 3, 1, 0, 1, 0};
	struct fixture *f = *state;

	refuse(f->context, TLS_SERVER, view_of(long_record, sizeof(long_record)),
		TLS_REFUSAL_record_malformed);
	refuse(f->context, TLS_SERVER, view_of(two, sizeof(two)), TLS_REFUSAL_record_malformed);
	refuse(f->context, TLS_SERVER, view_of(two, 5), TLS_REFUSAL_record_malformed);
	refuse(f->context, TLS_SERVER, VIEW_NONE, TLS_REFUSAL_record_malformed);
	refuse(f->context, TLS_CLIENT, VIEW_NONE, TLS_REFUSAL_record_malformed);
}

static void more_bytes_than_a_handshake_may_take_are_refused(void **state)
{
	static uint8_t record[TLS_RECORD_HEADER_BYTES + 16384] = {
		22, 3, 1, 0x40, 0x00, 1, 0, 0xff, 0xf0};
	struct fixture *f = *state;
	struct tls_handshake *h = start(f->context, TLS_SERVER);
	enum tls_step step = TLS_WANTS_RECORD;

	for (int i = 0; i < 5 && step == TLS_WANTS_RECORD; i++)
		step = tls_handshake_step(h, view_of(record, sizeof(record)));
	assert_int_equal(step, TLS_FAILED);
	assert_int_equal(tls_handshake_refusal(h), TLS_REFUSAL_too_many_bytes);
	tls_handshake_free(h);
}

static void a_peer_of_old_versions_or_suites_is_refused_by_name(void **state)
{
	static const struct {
		struct peer_spec spec;
		enum tls_refusal refusal;
	} cases[] = {
		{{.version = TLS1_1_VERSION}, TLS_REFUSAL_bad_version},
		{{.version = TLS1_2_VERSION, .suite = "ECDHE-ECDSA-AES128-SHA"},
			TLS_REFUSAL_bad_suite},
		{{.version = TLS1_2_VERSION, .suite = "AES128-GCM-SHA256"}, TLS_REFUSAL_bad_suite},
		{{.version = TLS1_3_VERSION, .suite = "TLS_AES_128_CCM_SHA256"},
			TLS_REFUSAL_bad_suite},
		{{.version = TLS1_3_VERSION, .groups = "P-521"}, TLS_REFUSAL_bad_group},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tls_handshake *h = start(f->context, TLS_SERVER);
		struct peer_spec spec = cases[i].spec;
		struct peer p;

		spec.role = TLS_CLIENT;
		spec.shows = &f->partner;
		peer_init(&p, &spec);
		assert_int_equal(peer_run(&p, h), TLS_FAILED);
		assert_string_equal(tls_refusal_name(tls_handshake_refusal(h)),
			tls_refusal_name(cases[i].refusal));
		// The peer is told.
		assert_true(tls_handshake_output(h).len >= 7);
		assert_int_equal(tls_handshake_output(h).at[0], 21);
		tls_handshake_free(h);
		peer_fini(&p);
	}
}

static void a_peer_that_refuses_our_certificate_is_named_by_its_alert(void **state)
{
	struct fixture *f = *state;
	struct tls_handshake *h = start(f->context, TLS_SERVER);
	struct pki stranger = pki_issue(NULL, &(struct pki_spec){.cn = "other CA", .ca = true});
	struct peer p;

	peer_init(&p,
		&(struct peer_spec){.role = TLS_CLIENT, .shows = &f->partner, .trusts = &stranger});
	assert_int_equal(peer_run(&p, h), TLS_FAILED);
	assert_int_equal(tls_handshake_refusal(h), TLS_REFUSAL_peer_alert_unknown_ca);
	tls_handshake_free(h);
	peer_fini(&p);
	pki_free(&stranger);
}

static void a_peer_that_closes_is_named(void **state)
{
	static const uint8_t close_notify[] = {21, 3, 3, 0, 2, 1, 0};
	static const uint8_t unknown[] = {21, 3, 3, 0, 2, 2, 200};
	struct fixture *f = *state;

	refuse(f->context, TLS_CLIENT, view_of(close_notify, 7),
		TLS_REFUSAL_peer_alert_close_notify);
	refuse(f->context, TLS_CLIENT, view_of(unknown, 7), TLS_REFUSAL_peer_alert_other);
}

static void a_damaged_record_does_not_open(void **state)
{
	struct fixture *f = *state;
	struct tls_handshake *h = start(f->context, TLS_SERVER);
	enum tls_step step = TLS_WANTS_RECORD;
	struct peer p;

	peer_init(&p,
		&(struct peer_spec){
			.role = TLS_CLIENT, .shows = &f->partner, .version = TLS1_3_VERSION});
	peer_feed(&p, VIEW_NONE);
	while (step == TLS_WANTS_RECORD && peer_record(&p).len > 0) {
		size_t n = peer_record(&p).len;

		if (p.sent[0] == APPLICATION_DATA)
			p.sent[n - 1] ^= 1;
		step = tls_handshake_step(h, peer_record(&p));
		peer_taken(&p, n);
		peer_feed(&p, tls_handshake_output(h));
	}
	assert_int_equal(step, TLS_FAILED);
	assert_int_equal(tls_handshake_refusal(h), TLS_REFUSAL_bad_record);
	tls_handshake_free(h);
	peer_fini(&p);
}

static void no_tickets_and_no_session_are_offered(void **state)
{
	struct fixture *f = *state;
	struct tls_handshake *h = start(f->context, TLS_SERVER);
	struct peer p;

	peer_init(&p,
		&(struct peer_spec){
			.role = TLS_CLIENT, .shows = &f->partner, .version = TLS1_2_VERSION});
	assert_int_equal(peer_run(&p, h), TLS_DONE);
	assert_false(SSL_SESSION_has_ticket(SSL_get0_session(p.ssl)));
	tls_handshake_free(h);
	peer_fini(&p);
}

static void a_card_names_the_peer(void **state)
{
	struct fixture *f = *state;
	struct tls_handshake *h = start(f->context, TLS_SERVER);
	const struct card *card;
	struct peer p;

	peer_init(&p, &(struct peer_spec){.role = TLS_CLIENT, .shows = &f->partner});
	assert_int_equal(peer_run(&p, h), TLS_DONE);
	card = tls_handshake_card(h);
	assert_non_null(card);
	assert_null(card_check(card));
	assert_int_equal(card->trusted, 1);
	assert_true(card_proves(card, VIEW("fabrikam.example")));
	assert_false(card_proves(card, VIEW("contoso.example")));
	assert_true(view_equal(card_view(card, card->subject), VIEW("CN=partner")));
	assert_true(view_equal(card_view(card, card->issuer), VIEW("CN=test CA")));
	tls_handshake_free(h);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hello_in_many_records_is_taken),
		cmocka_unit_test(a_hello_in_records_of_one_byte_is_refused),
		cmocka_unit_test(what_is_not_tls_is_named),
		cmocka_unit_test(a_record_of_another_length_than_it_says_is_refused),
		cmocka_unit_test(more_bytes_than_a_handshake_may_take_are_refused),
		cmocka_unit_test(a_peer_of_old_versions_or_suites_is_refused_by_name),
		cmocka_unit_test(a_peer_that_refuses_our_certificate_is_named_by_its_alert),
		cmocka_unit_test(a_peer_that_closes_is_named),
		cmocka_unit_test(a_damaged_record_does_not_open),
		cmocka_unit_test(no_tickets_and_no_session_are_offered),
		cmocka_unit_test(a_card_names_the_peer),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
