// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/test.h"

#include "control/partner/trial.h"

#define MS UINT64_C(1000000)

static struct link_target target_of(const char *address, enum transport transport)
{
	struct link_target t = {.listener = 1};

	assert_int_equal(endpoint_parse(view_string(address), 5061, transport, &t.remote), 0);
	return t;
}

static void begin(struct trial *t)
{
	struct link_target target = target_of("192.0.2.2", TRANSPORT_TLS);

	trial_begin(t, &target, HOP_HOST, VIEW_NONE, 1000 * MS);
}

static void open_session(struct trial *t, uint64_t now_ns)
{
	struct link_session_opened m = {.conn = 7, .remote = t->target.remote};

	trial_opened(t, 3, &m, now_ns);
}

static void shake_as(struct trial *t, enum tls_refusal refusal, unsigned usages, uint64_t now_ns)
{
	struct pool_answer answer = {.has_card = true};
	struct session_report report = {.answer = &answer, .refusal = refusal};

	card_init(&answer.card, (const uint8_t[CARD_FINGERPRINT_BYTES]){1}, VIEW("CN=p"),
		VIEW("CN=Test CA"), VIEW("01"));
	answer.card.trusted = 1;
	answer.card.usages = (uint8_t)usages;
	assert_int_equal(card_add_name(&answer.card, VIEW("fabrikam.example"), CARD_SAN_DNS), 0);
	answer.facts.version = RECORD_TLS13;
	answer.facts.suite_name = "TLS_AES_128_GCM_SHA256";
	trial_shaken(t, &report, now_ns);
}

static void shake(struct trial *t, enum tls_refusal refusal, uint64_t now_ns)
{
	shake_as(t, refusal, CARD_USAGES_ALL, now_ns);
}

static void tell(struct trial *t, enum link_target_state state, enum reason reason, uint64_t now_ns)
{
	struct link_target_told m = {.state = (uint8_t)state, .reason = (uint16_t)reason};

	trial_told(t, &m, now_ns);
}

static void expect(const struct trial *t, enum trial_stage failed)
{
	for (unsigned s = TRIAL_TCP; s < TRIAL_STAGE_N; s++)
		assert_int_equal(t->steps[s].outcome,
			s < failed            ? TRIAL_OK
				: s == failed ? TRIAL_FAILED
					      : TRIAL_PENDING);
	assert_true(t->over);
	assert_false(trial_passed(t));
}

static void a_certificate_that_a_stricter_policy_would_refuse_passes_with_a_word(void **state)
{
	struct trial t;

	(void)state;
	begin(&t);
	open_session(&t, 1002 * MS);
	shake_as(&t, TLS_REFUSAL_none, CARD_USAGE_SERVER, 1007 * MS);
	assert_int_equal(t.steps[TRIAL_CERTIFICATE].outcome, TRIAL_OK);
	assert_string_equal(t.steps[TRIAL_CERTIFICATE].text,
		"by CN=Test CA; no clientAuth: `strict` refuses it as a client");
}

static void all_stages_go_well_one_after_the_other(void **state)
{
	struct trial t;

	(void)state;
	begin(&t);
	assert_int_equal(t.steps[TRIAL_DNS].outcome, TRIAL_SKIPPED);
	open_session(&t, 1002 * MS);
	shake(&t, TLS_REFUSAL_none, 1007 * MS);
	assert_false(t.over);
	tell(&t, LINK_TARGET_UP, REASON_none, 1017 * MS);
	assert_true(t.over);
	assert_true(trial_passed(&t));
	assert_int_equal(t.steps[TRIAL_TCP].ns, 2 * MS);
	assert_int_equal(t.steps[TRIAL_TLS].ns, 5 * MS);
	assert_int_equal(t.steps[TRIAL_ANSWER].ns, 10 * MS);
	assert_string_equal(t.steps[TRIAL_TLS].text, "TLS 1.3, TLS_AES_128_GCM_SHA256");
	assert_string_equal(t.steps[TRIAL_CERTIFICATE].text, "by CN=Test CA");
	assert_string_equal(t.steps[TRIAL_IDENTITY].text, "fabrikam.example");
}

static void where_nobody_listens_tcp_fails_and_says_what_to_do(void **state)
{
	struct trial t;

	(void)state;
	begin(&t);
	tell(&t, LINK_TARGET_FAILED, REASON_tcp_refused, 1001 * MS);
	expect(&t, TRIAL_TCP);
	assert_string_equal(t.steps[TRIAL_TCP].text, reason_text(REASON_tcp_refused));
	assert_non_null(strstr(t.steps[TRIAL_TCP].diagnosis, "port"));
}

static void each_refusal_fails_its_stage(void **state)
{
	static const struct {
		enum tls_refusal refusal;
		enum trial_stage stage;
	} rows[] = {
		{TLS_REFUSAL_not_tls, TRIAL_TLS},
		{TLS_REFUSAL_bad_version, TRIAL_TLS},
		{TLS_REFUSAL_peer_alert_handshake_failure, TRIAL_TLS},
		{TLS_REFUSAL_no_certificate, TRIAL_CERTIFICATE},
		{TLS_REFUSAL_unknown_ca, TRIAL_CERTIFICATE},
		{TLS_REFUSAL_expired, TRIAL_CERTIFICATE},
		{TLS_REFUSAL_revoked, TRIAL_CERTIFICATE},
		{TLS_REFUSAL_bad_certificate, TRIAL_CERTIFICATE},
		{TLS_REFUSAL_wrong_name, TRIAL_IDENTITY},
		{TLS_REFUSAL_wildcard, TRIAL_IDENTITY},
		{TLS_REFUSAL_not_pinned, TRIAL_IDENTITY},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct trial t;

		begin(&t);
		open_session(&t, 1001 * MS);
		shake(&t, rows[i].refusal, 1002 * MS);
		expect(&t, rows[i].stage);
		assert_string_equal(t.steps[rows[i].stage].text, tls_refusal_text(rows[i].refusal));
		// The session's end changes nothing any more.
		tell(&t, LINK_TARGET_FAILED, REASON_session_refused, 1003 * MS);
		expect(&t, rows[i].stage);
	}
}

static void a_partner_that_refuses_our_certificate_late_fails_the_last_stage(void **state)
{
	const struct link_session_ended other = {
		.conn = 8, .alert = RECORD_ALERT_NONE, .reason = REASON_tcp_reset};
	const struct link_session_ended m = {
		.conn = 7, .alert = RECORD_ALERT_unknown_ca, .reason = REASON_record_peer_alert};
	struct trial t;

	(void)state;
	begin(&t);
	open_session(&t, 1001 * MS);
	shake(&t, TLS_REFUSAL_none, 1002 * MS);
	// Of another session, and of another worker.
	trial_ended(&t, 3, &other, 1003 * MS);
	trial_ended(&t, 2, &m, 1003 * MS);
	assert_false(t.over);
	// The target's state has no alert.
	tell(&t, LINK_TARGET_FAILED, REASON_record_peer_alert, 1003 * MS);
	assert_false(t.over);
	trial_ended(&t, 3, &m, 1003 * MS);
	expect(&t, TRIAL_ANSWER);
	assert_string_equal(
		t.steps[TRIAL_ANSWER].text, tls_refusal_text(TLS_REFUSAL_peer_alert_unknown_ca));
	assert_string_not_equal(t.steps[TRIAL_ANSWER].diagnosis, "");
}

static void plain_tcp_has_no_stages_of_tls(void **state)
{
	struct link_target target = target_of("192.0.2.2", TRANSPORT_TCP);
	struct trial t;

	(void)state;
	trial_begin(&t, &target, HOP_HOST, VIEW_NONE, 0);
	tell(&t, LINK_TARGET_UP, REASON_none, MS);
	assert_true(trial_passed(&t));
	assert_int_equal(t.steps[TRIAL_IDENTITY].outcome, TRIAL_SKIPPED);
}

static void a_name_goes_through_dns_first(void **state)
{
	struct link_target target = {
		.remote = {.ip = {.bytes = {1}, .family = IP_NAMED}, .transport = TRANSPORT_TLS}};
	struct finder_place place = {0};
	struct finder_result result = {.outcome = FINDER_NO_SUCH};
	struct trial t;

	(void)state;
	trial_begin(&t, &target, HOP_DOMAIN, VIEW("fabrikam.example"), 0);
	assert_string_equal(t.name, "fabrikam.example");
	assert_int_equal(t.steps[TRIAL_DNS].outcome, TRIAL_PENDING);
	trial_found(&t, &result, 3 * MS);
	assert_int_equal(t.steps[TRIAL_DNS].outcome, TRIAL_FAILED);
	assert_non_null(strstr(t.steps[TRIAL_DNS].diagnosis, "_sipfederationtls._tcp"));
	assert_true(t.over);

	trial_begin(&t, &target, HOP_DOMAIN, VIEW("fabrikam.example"), 0);
	assert_int_equal(
		endpoint_parse(VIEW("192.0.2.2:5061"), 0, TRANSPORT_TLS, &place.address), 0);
	result = (struct finder_result){
		.outcome = FINDER_FOUND, .places = &place, .n_places = 1, .service = "_sips._tcp"};
	trial_found(&t, &result, 3 * MS);
	assert_string_equal(t.steps[TRIAL_DNS].text, "by SRV, 1 place, first 192.0.2.2:5061");
	assert_false(t.over);
}

static void a_connection_that_stands_has_passed(void **state)
{
	struct card card;
	struct session_row row = {.version = RECORD_TLS12, .age_ms = 5999, .card = &card};
	struct trial t;

	(void)state;
	card_init(&card, (const uint8_t[CARD_FINGERPRINT_BYTES]){1}, VIEW_NONE, VIEW("CN=x"),
		VIEW_NONE);
	card.usages = CARD_USAGES_ALL;
	begin(&t);
	trial_stands(&t, NULL);
	assert_false(t.over);
	trial_stands(&t, &row);
	assert_true(trial_passed(&t));
	assert_string_equal(t.steps[TRIAL_TLS].text, "TLS 1.2, established for 5 s");
	assert_string_equal(t.steps[TRIAL_CERTIFICATE].text, "pinned, by CN=x");
	assert_string_equal(t.steps[TRIAL_IDENTITY].text, "known by its fingerprint");
}

static void what_does_not_come_fails_the_stage_under_way(void **state)
{
	struct trial t;

	(void)state;
	begin(&t);
	open_session(&t, 1001 * MS);
	trial_late(&t, 9000 * MS);
	expect(&t, TRIAL_TLS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_certificate_that_a_stricter_policy_would_refuse_passes_with_a_word),
		cmocka_unit_test(all_stages_go_well_one_after_the_other),
		cmocka_unit_test(where_nobody_listens_tcp_fails_and_says_what_to_do),
		cmocka_unit_test(each_refusal_fails_its_stage),
		cmocka_unit_test(a_partner_that_refuses_our_certificate_late_fails_the_last_stage),
		cmocka_unit_test(plain_tcp_has_no_stages_of_tls),
		cmocka_unit_test(a_name_goes_through_dns_first),
		cmocka_unit_test(a_connection_that_stands_has_passed),
		cmocka_unit_test(what_does_not_come_fails_the_stage_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
