// SPDX-License-Identifier: BSD-3-Clause
// What a connection has proved, against whom a message says that it is from.

#include "lib/base/side.h"
#include "lib/policy/decide.h"
#include "lib/policy/identity.h"
#include "lib/policy/mix.h"
#include "tests/unit/lib/policy/fixture.h"
#include "tests/unit/test.h"

#define ON (IMAGE_FEDERATION_ON | IMAGE_SIP_ON)

static struct fixture fixture;

static int set_up(void **state)
{
	struct fixture *f = &fixture;

	(void)state;
	fixture_init(f, ON);
	fixture_add_name(f, "local.example", IMAGE_LOCAL, 1);
	fixture_add_name(f, "partner.example", IMAGE_ALLOW, 2);
	fixture_add_name_of(f, "hosted.example", IMAGE_ALLOW, f->hosted, 3);
	fixture_add_name_of(f, "printed.example", IMAGE_ALLOW, f->printed, 4);
	fixture_add_name_of(f, "discovered.example", IMAGE_ALLOW, f->discovered, 5);
	fixture_add_name_of(f, "xn--bcher-kva.example", IMAGE_ALLOW, f->discovered, 6);
	fixture_add_name(f, "blocked.example", IMAGE_BLOCK, 7);
	fixture_open(f, 5);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fixture_fini(&fixture);
	return 0;
}

// A trusted one; print: every byte of its fingerprint.
static struct card card_of(uint8_t print, const char *name, const char *name2)
{
	uint8_t fingerprint[CARD_FINGERPRINT_BYTES];
	struct card c;

	memset(fingerprint, print, sizeof(fingerprint));
	card_init(&c, fingerprint, VIEW("CN=edge"), VIEW("CN=authority"), VIEW("1f"));
	c.trusted = 1;
	if (name != NULL)
		assert_int_equal(card_add_name(&c, view_string(name), CARD_SAN_DNS), 0);
	if (name2 != NULL)
		assert_int_equal(card_add_name(&c, view_string(name2), CARD_SAN_URI), 0);
	assert_null(card_check(&c));
	return c;
}

static struct verdict decide(struct decider *d, const char *from, const char *to, enum side side,
	const struct card *card, const char *source)
{
	struct policy_query q = {.from = view_string(from),
		.to = view_string(to),
		.side = (uint8_t)side,
		.card = card};
	struct verdict v;

	if (card != NULL)
		q.card_serial = mix_bytes(1, (const uint8_t *)card, sizeof(*card));

	if (source != NULL)
		assert_int_equal(ip_parse(view_string(source), &q.source), 0);
	policy_decide(d, &q, &v, 1);
	return v;
}

struct row {
	const char *from;
	uint8_t print;
	const char *names[2];
	enum reason reason;
};

static const struct row rows[] = {
	// By domain: the very name, in any spelling, among others.
	{"discovered.example", 9, {"discovered.example"}, REASON_allowed_partner},
	{"discovered.example", 9, {"other.example", "discovered.example"}, REASON_allowed_partner},
	{"Discovered.EXAMPLE.", 9, {"discovered.example"}, REASON_allowed_partner},
	{"b\xc3\xbc"
	 "cher.example",
		9, {"xn--bcher-kva.example"}, REASON_allowed_partner},
	{"xn--bcher-kva.example", 9,
		{"b\xc3\xbc"
		 "cher.example"},
		REASON_allowed_partner},
	{"sub.discovered.example", 9, {"sub.discovered.example"}, REASON_allowed_partner},
	{"partner.example", 9, {"partner.example"}, REASON_allowed_partner},
	// No sub-domain, no parent, no neighbour, no other partner, nobody.
	{"sub.discovered.example", 9, {"discovered.example"}, REASON_identity_unproved},
	{"discovered.example", 9, {"sub.discovered.example"}, REASON_identity_unproved},
	{"discovered.example", 9, {"xdiscovered.example"}, REASON_identity_unproved},
	{"discovered.example", 9, {"example"}, REASON_identity_unproved},
	{"discovered.example", 9, {"partner.example"}, REASON_identity_unproved},
	{"discovered.example", 9, {NULL}, REASON_identity_unproved},
	{"discovered.example", FIXTURE_PRINT, {"proxy.example"}, REASON_identity_unproved},
	// A dNSName beside a SIP URI is a host, not a domain (RFC 5922).
	{"discovered.example", 9, {"discovered.example", "other.example"},
		REASON_identity_unproved},
	{"hosted.example", 9, {"proxy.example", "other.example"}, REASON_allowed_partner},
	// By host: any of its hosts, whichever of its domains.
	{"hosted.example", 9, {"proxy.example"}, REASON_allowed_partner},
	{"sub.hosted.example", 9, {"other.example", "proxy2.example"}, REASON_allowed_partner},
	{"hosted.example", 9, {"hosted.example"}, REASON_identity_unproved},
	{"hosted.example", 9, {"sub.proxy.example"}, REASON_identity_unproved},
	// By fingerprint: whatever the names.
	{"printed.example", FIXTURE_PRINT, {NULL}, REASON_allowed_partner},
	{"printed.example", FIXTURE_PRINT_2, {"other.example"}, REASON_allowed_partner},
	{"printed.example", FIXTURE_PRINT + 1, {"printed.example"}, REASON_identity_unproved},
	// What comes first in the order of judgement is said first.
	{"blocked.example", 9, {"blocked.example"}, REASON_from_blocked},
	{"local.example", 9, {"local.example"}, REASON_from_local_outside},
	{"unlisted.example", 9, {"unlisted.example"}, REASON_from_unlisted},
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static void every_row_is_judged_by_the_card_with_any_cache(void **state)
{
	static const size_t caches[] = {0, 1, 1024};

	(void)state;
	for (size_t c = 0; c < sizeof(caches) / sizeof(caches[0]); c++) {
		struct decider *d = decider_new(&fixture.policy, caches[c]);

		for (size_t i = 0; i < 3 * N_ROWS; i++) {
			const struct row *row = &rows[i % N_ROWS];
			struct card card = card_of(row->print, row->names[0], row->names[1]);
			struct verdict v = decide(
				d, row->from, "local.example", SIDE_OUTSIDE, &card, "203.0.113.9");

			if (v.reason != (uint16_t)row->reason)
				fail_msg("row %zu: %s", i % N_ROWS, reason_name(v.reason));
			assert_int_equal(v.allowed, row->reason == REASON_allowed_partner);
			if (row->reason == REASON_identity_unproved) {
				assert_int_equal(v.rule, v.from.rule);
				assert_int_equal(v.peer, IMAGE_PEER_NONE);
			}
		}
		decider_free(d);
	}
}

static void a_burst_of_cards_is_judged_as_one_by_one(void **state)
{
	struct decider *d = decider_new(&fixture.policy, 16);
	struct policy_query queries[N_ROWS];
	struct card cards[N_ROWS];
	struct verdict verdicts[N_ROWS];

	(void)state;
	for (size_t i = 0; i < N_ROWS; i++) {
		cards[i] = card_of(rows[i].print, rows[i].names[0], rows[i].names[1]);
		queries[i] = (struct policy_query){.from = view_string(rows[i].from),
			.to = VIEW("local.example"),
			.side = SIDE_OUTSIDE,
			.card = &cards[i]};
	}
	for (unsigned round = 0; round < 2; round++) {
		policy_decide(d, queries, verdicts, N_ROWS);
		for (size_t i = 0; i < N_ROWS; i++)
			assert_int_equal(verdicts[i].reason, rows[i].reason);
	}
	decider_free(d);
}

static void a_card_that_passed_says_nothing_of_another_or_of_an_address(void **state)
{
	struct decider *d = decider_new(&fixture.policy, 16);
	struct card right = card_of(9, "partner.example", NULL);
	struct card wrong = card_of(9, "hosted.example", NULL);
	static const char *const from = "partner.example", *const to = "local.example";

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		// The card counts, wherever it comes from; without one the address does.
		assert_true(decide(d, from, to, SIDE_OUTSIDE, &right, "203.0.113.9").allowed);
		assert_int_equal(decide(d, from, to, SIDE_OUTSIDE, &wrong, "192.0.2.1").reason,
			REASON_identity_unproved);
		assert_int_equal(decide(d, from, to, SIDE_OUTSIDE, NULL, "203.0.113.9").reason,
			REASON_source_undeclared);
		assert_true(decide(d, from, to, SIDE_OUTSIDE, NULL, "192.0.2.1").allowed);
		assert_int_equal(decide(d, from, to, SIDE_OUTSIDE, &wrong, NULL).reason,
			REASON_identity_unproved);
	}
	decider_free(d);
}

static void a_card_that_names_were_left_out_of_is_refused_for_that(void **state)
{
	struct decider *d = decider_new(&fixture.policy, 16);
	struct card card = card_of(9, "other.example", NULL);
	static const char *const to = "local.example";

	(void)state;
	card.n_left_out = 1;
	assert_int_equal(decide(d, "discovered.example", to, SIDE_OUTSIDE, &card, NULL).reason,
		REASON_identity_left_out);
	assert_int_equal(decide(d, "hosted.example", to, SIDE_OUTSIDE, &card, NULL).reason,
		REASON_identity_left_out);
	// Where names do not count.
	assert_int_equal(decide(d, "printed.example", to, SIDE_OUTSIDE, &card, NULL).reason,
		REASON_identity_unproved);
	card = card_of(9, "discovered.example", NULL);
	card.n_left_out = 1;
	assert_true(decide(d, "discovered.example", to, SIDE_OUTSIDE, &card, NULL).allowed);
	decider_free(d);
}

static void a_verdict_says_what_becomes_of_stamps(void **state)
{
	struct decider *d = decider_new(&fixture.policy, 16);
	struct card card = card_of(FIXTURE_PRINT, "discovered.example", "proxy.example");
	static const struct {
		const char *from;
		enum image_verification verification;
	} asked[] = {
		{"discovered.example", IMAGE_VERIFICATION_SOURCE},
		{"printed.example", IMAGE_VERIFICATION_NEVER},
		{"hosted.example", IMAGE_VERIFICATION_ALWAYS},
	};

	(void)state;
	for (size_t i = 0; i < 9; i++)
		assert_int_equal(
			decide(d, asked[i % 3].from, "local.example", SIDE_OUTSIDE, &card, NULL)
				.verification,
			asked[i % 3].verification);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(decide(d, "partner.example", "local.example", SIDE_OUTSIDE, NULL,
					 "192.0.2.1")
					 .verification,
			IMAGE_VERIFICATION_ALWAYS);
	decider_free(d);
}

static void names_of_a_card_that_is_not_trusted_prove_nothing(void **state)
{
	struct decider *d = decider_new(&fixture.policy, 16);
	struct card card = card_of(FIXTURE_PRINT, "discovered.example", "proxy.example");

	(void)state;
	card.trusted = 0;
	assert_int_equal(
		decide(d, "discovered.example", "local.example", SIDE_OUTSIDE, &card, NULL).reason,
		REASON_identity_unproved);
	assert_int_equal(
		decide(d, "hosted.example", "local.example", SIDE_OUTSIDE, &card, NULL).reason,
		REASON_identity_unproved);
	assert_true(
		decide(d, "printed.example", "local.example", SIDE_OUTSIDE, &card, NULL).allowed);
	decider_free(d);
}

static void without_a_card_a_peer_without_sources_may_not_speak(void **state)
{
	static const char *const from[] = {
		"discovered.example", "hosted.example", "printed.example"};
	struct decider *d = decider_new(&fixture.policy, 16);

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(from) / sizeof(from[0]); i++)
		assert_int_equal(
			decide(d, from[i % 3], "local.example", SIDE_OUTSIDE, NULL, "192.0.2.3")
				.reason,
			REASON_source_undeclared);
	decider_free(d);
}

static void inside_a_local_domain_proves_itself_too(void **state)
{
	struct decider *d = decider_new(&fixture.policy, 16);
	struct card own = card_of(9, "local.example", NULL);
	struct card other = card_of(9, "partner.example", NULL);

	(void)state;
	assert_true(decide(d, "local.example", "partner.example", SIDE_INSIDE, &own, NULL).allowed);
	assert_int_equal(
		decide(d, "local.example", "partner.example", SIDE_INSIDE, &other, NULL).reason,
		REASON_identity_unproved);
	decider_free(d);
}

static void a_sender_is_judged_again_by_its_card(void **state)
{
	struct decider *d = decider_new(&fixture.policy, 16);
	struct card right = card_of(9, "discovered.example", NULL);
	struct card wrong = card_of(9, "partner.example", NULL);
	struct policy_query q = {.from = VIEW("discovered.example"), .side = SIDE_OUTSIDE};

	(void)state;
	q.card = &right;
	assert_int_equal(policy_judge_sender(d, &q), REASON_none);
	q.card = &wrong;
	assert_int_equal(policy_judge_sender(d, &q), REASON_identity_unproved);
	q.card = NULL;
	assert_int_equal(policy_judge_sender(d, &q), REASON_none);
	assert_int_equal(ip_parse(VIEW("192.0.2.1"), &q.source), 0);
	assert_int_equal(policy_judge_sender(d, &q), REASON_source_undeclared);
	decider_free(d);
}

static void warming_asks_without_cards(void **state)
{
	struct decider *former = decider_new(&fixture.policy, 16);
	struct decider *warmed = decider_new(&fixture.policy, 16);
	struct card right = card_of(9, "discovered.example", NULL);
	struct card wrong = card_of(9, "partner.example", NULL);

	(void)state;
	assert_true(
		decide(former, "discovered.example", "local.example", SIDE_OUTSIDE, &right, NULL)
			.allowed);
	decider_warm(warmed, former);
	assert_false(
		decide(warmed, "discovered.example", "local.example", SIDE_OUTSIDE, &wrong, NULL)
			.allowed);
	assert_true(
		decide(warmed, "discovered.example", "local.example", SIDE_OUTSIDE, &right, NULL)
			.allowed);
	decider_free(warmed);
	decider_free(former);
}

static enum reason decide_as(struct decider *d, const struct card *card, uint64_t serial)
{
	struct policy_query q = {.from = VIEW("discovered.example"),
		.to = VIEW("local.example"),
		.side = SIDE_OUTSIDE,
		.card = card,
		.card_serial = serial};
	struct verdict v;

	policy_decide(d, &q, &v, 1);
	return (enum reason)v.reason;
}

// What cannot be, two cards of one serial, shows whether it is looked at again.
static void what_a_card_has_proved_is_remembered_by_its_serial_alone(void **state)
{
	const struct card good = card_of(9, "discovered.example", NULL),
			  bad = card_of(9, "other.example", NULL);
	struct decider *d = decider_new(&fixture.policy, 1024);

	(void)state;
	assert_int_equal(decide_as(d, &good, 0), REASON_allowed_partner);
	assert_int_equal(decide_as(d, &bad, 0), REASON_identity_unproved);
	assert_int_equal(decide_as(d, &bad, 7), REASON_identity_unproved);
	assert_int_equal(decide_as(d, &good, 7), REASON_allowed_partner);
	assert_int_equal(decide_as(d, &bad, 8), REASON_identity_unproved);
	assert_int_equal(decide_as(d, &bad, 0), REASON_identity_unproved);
	assert_int_equal(decide_as(d, &bad, 7), REASON_allowed_partner);
	decider_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_judged_by_the_card_with_any_cache),
		cmocka_unit_test(a_burst_of_cards_is_judged_as_one_by_one),
		cmocka_unit_test(a_card_that_passed_says_nothing_of_another_or_of_an_address),
		cmocka_unit_test(a_card_that_names_were_left_out_of_is_refused_for_that),
		cmocka_unit_test(a_verdict_says_what_becomes_of_stamps),
		cmocka_unit_test(what_a_card_has_proved_is_remembered_by_its_serial_alone),
		cmocka_unit_test(names_of_a_card_that_is_not_trusted_prove_nothing),
		cmocka_unit_test(without_a_card_a_peer_without_sources_may_not_speak),
		cmocka_unit_test(inside_a_local_domain_proves_itself_too),
		cmocka_unit_test(a_sender_is_judged_again_by_its_card),
		cmocka_unit_test(warming_asks_without_cards),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
