// SPDX-License-Identifier: BSD-3-Clause
// What comes of a judgement besides yes or no: the card, the alert, the cache.

#include "tests/unit/control/tls/peer.h"

#define BOTH  "serverAuth,clientAuth"
#define NAME  "fabrikam.example"
#define OTHER "woodgrove.example"

struct fixture {
	struct pki ca, other_ca, ours;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->ca = pki_issue(NULL, &(struct pki_spec){.cn = "test CA", .ca = true});
	f->other_ca = pki_issue(NULL, &(struct pki_spec){.cn = "other CA", .ca = true});
	f->ours = pki_issue(&f->ca, &(struct pki_spec){.san = "DNS:contoso.example", .eku = BOTH});
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pki_free(&f->ca);
	pki_free(&f->other_ca);
	pki_free(&f->ours);
	free(f);
	return 0;
}

static const struct tls_params as_server = {.role = TLS_SERVER};
static const struct tls_params as_client = {
	.role = TLS_CLIENT, .match = TLS_MATCH_DOMAIN, .name = VIEW(NAME), .server_name = NAME};
static void expect(enum tls_refusal got, enum tls_refusal wanted)
{
	assert_string_equal(tls_refusal_name(got), tls_refusal_name(wanted));
}

#define FINE TLS_REFUSAL_none

static void a_known_certificate_is_judged_by_the_cache_and_by_the_clock(void **state)
{
	struct fixture *f = *state;
	struct pki partner = pki_issue(
		&f->ca, &(struct pki_spec){.san = "DNS:" NAME, .until_s = PKI_NOW_S + 100});
	struct tls_cache *cache = tls_cache_new();
	struct tls_context *c = context_of(&f->ours, &f->ca, cache);
	struct peer_outcome first, second;

	first = peer_shake(c, &as_client, &partner, PKI_NOW_S, TLS1_3_VERSION);
	assert_int_equal(tls_cache_counts(cache).n_hits, 0);
	second = peer_shake(c, &as_client, &partner, PKI_NOW_S, TLS1_3_VERSION);
	assert_int_equal(tls_cache_counts(cache).n_hits, 1);
	assert_memory_equal(&first.card, &second.card, sizeof(first.card));
	// In the other role it is another question.
	expect(peer_shake(c, &as_server, &partner, PKI_NOW_S, TLS1_3_VERSION).refusal, FINE);
	assert_int_equal(tls_cache_counts(cache).n_accepted, 2);
	expect(peer_shake(c, &as_client, &partner, PKI_NOW_S + 101, TLS1_3_VERSION).refusal,
		TLS_REFUSAL_expired);
	tls_context_put(c);
	tls_cache_free(cache);
	pki_free(&partner);
}

static void a_judgement_holds_under_equal_trust_only(void **state)
{
	struct fixture *f = *state;
	struct pki partner = pki_issue(&f->ca, &(struct pki_spec){.cn = "p", .san = "DNS:" NAME});
	struct view crl =
		pki_crl_pem(&f->ca, (const struct pki *[]){&partner}, 1, PKI_NOW_S + PKI_DAY_S);
	const struct tls_pem crls = {"ca.crl", crl};
	struct tls_cache *cache = tls_cache_new();
	struct tls_context *before = context_of(&f->ours, &f->ca, cache);
	struct tls_context *same = context_of(&f->ours, &f->ca, cache);
	struct tls_context *after = context_with(&f->ours, &f->ca,
		(struct tls_context_config){.cache = cache, .crls = &crls, .n_crls = 1});

	expect(peer_shake(before, &as_server, &partner, PKI_NOW_S, TLS1_3_VERSION).refusal, FINE);
	expect(peer_shake(same, &as_server, &partner, PKI_NOW_S, TLS1_3_VERSION).refusal, FINE);
	assert_int_equal(tls_cache_counts(cache).n_hits, 1);
	expect(peer_shake(after, &as_server, &partner, PKI_NOW_S, TLS1_3_VERSION).refusal,
		TLS_REFUSAL_revoked);
	expect(peer_shake(after, &as_server, &partner, PKI_NOW_S, TLS1_3_VERSION).refusal,
		TLS_REFUSAL_revoked);
	assert_int_equal(tls_cache_counts(cache).n_hits, 2);
	assert_int_equal(tls_cache_counts(cache).n_rejected, 1);
	tls_context_put(before);
	tls_context_put(same);
	tls_context_put(after);
	tls_cache_free(cache);
	pki_text_free(&crl);
	pki_free(&partner);
}

static void what_is_not_yet_valid_is_not_remembered_as_refused(void **state)
{
	struct fixture *f = *state;
	struct pki partner =
		pki_issue(&f->ca, &(struct pki_spec){.san = "DNS:" NAME, .from_s = PKI_NOW_S + 10});
	struct tls_cache *cache = tls_cache_new();
	struct tls_context *c = context_of(&f->ours, &f->ca, cache);

	expect(peer_shake(c, &as_server, &partner, PKI_NOW_S, TLS1_3_VERSION).refusal,
		TLS_REFUSAL_not_yet_valid);
	expect(peer_shake(c, &as_server, &partner, PKI_NOW_S + 10, TLS1_3_VERSION).refusal, FINE);
	tls_context_put(c);
	tls_cache_free(cache);
	pki_free(&partner);
}

static void the_name_that_was_proved_is_in_the_card_however_many_there_are(void **state)
{
	char san[1024] = "";
	size_t n = 0;
	struct fixture *f = *state;
	struct tls_context *c = context_of(&f->ours, &f->ca, NULL);
	struct pki partner;
	struct peer_outcome o;

	for (int i = 0; i < 40; i++)
		n += (size_t)snprintf(san + n, sizeof(san) - n, "DNS:d%d.example,", i);
	snprintf(san + n, sizeof(san) - n, "DNS:" NAME);
	partner = pki_issue(&f->ca, &(struct pki_spec){.san = san});
	o = peer_shake(c, &as_client, &partner, PKI_NOW_S, TLS1_3_VERSION);
	expect(o.refusal, FINE);
	assert_int_equal(o.card.n_names, CARD_NAMES_MAX);
	assert_int_equal(o.card.trusted, 1);
	assert_true(card_proves(&o.card, VIEW(NAME)));
	tls_context_put(c);
	pki_free(&partner);
}

// A certificate of 40 other names, and those at the end.
static struct pki of_many_names(struct fixture *f, const char *last)
{
	char san[1024] = "";
	size_t n = 0;

	for (int i = 0; i < 40; i++)
		n += (size_t)snprintf(san + n, sizeof(san) - n, "DNS:d%d.example,", i);
	snprintf(san + n, sizeof(san) - n, "%s", last);
	return pki_issue(&f->ca, &(struct pki_spec){.san = san});
}

static struct tls_context *context_that_has_first(
	struct fixture *f, struct tls_cache *cache, const char *const first[], size_t n)
{
	return context_with(&f->ours, &f->ca,
		(struct tls_context_config){.first = first, .n_first = n, .cache = cache});
}

static void partners_names_have_their_place_in_the_card_before_others(void **state)
{
	static const char *const first[] = {"z.example", NAME, "absent.example"};
	struct fixture *f = *state;
	struct pki partner = of_many_names(f, "DNS:last.example,DNS:z.example,DNS:" NAME);
	struct tls_cache *cache = tls_cache_new();
	struct tls_context *c = context_that_has_first(f, cache, first, 3);
	struct tls_context *none = context_that_has_first(f, cache, NULL, 0);
	struct peer_outcome o;

	o = peer_shake(none, &as_server, &partner, PKI_NOW_S, TLS1_3_VERSION);
	expect(o.refusal, FINE);
	assert_false(card_proves(&o.card, VIEW(NAME)));
	// Nor does what has been judged once keep them out.
	o = peer_shake(c, &as_server, &partner, PKI_NOW_S, TLS1_3_VERSION);
	expect(o.refusal, FINE);
	assert_int_equal(o.card.n_names, CARD_NAMES_MAX);
	assert_int_equal(o.card.n_left_out, 43 - CARD_NAMES_MAX);
	assert_true(card_proves(&o.card, VIEW(NAME)) && card_proves(&o.card, VIEW("z.example")));
	assert_false(card_proves(&o.card, VIEW("last.example")));
	tls_context_put(none);
	tls_context_put(c);
	tls_cache_free(cache);
	pki_free(&partner);
}

static void a_uri_among_many_names_still_says_that_the_others_are_hosts(void **state)
{
	static const char *const first[] = {NAME};
	struct fixture *f = *state;
	struct pki partner = of_many_names(f, "DNS:" NAME ",URI:sip:domain.example");
	struct tls_context *c = context_that_has_first(f, NULL, first, 1);
	struct peer_outcome o = peer_shake(c, &as_server, &partner, PKI_NOW_S, TLS1_3_VERSION);

	expect(o.refusal, FINE);
	assert_true(card_names(&o.card, VIEW(NAME)));
	assert_false(card_proves(&o.card, VIEW(NAME)));
	assert_true(card_proves(&o.card, VIEW("domain.example")));
	tls_context_put(c);
	pki_free(&partner);
}

static void a_pinned_certificate_needs_no_trusted_root(void **state)
{
	struct fixture *f = *state;
	struct pki pinned = pki_issue(NULL, &(struct pki_spec){.cn = "pinned", .san = "DNS:" NAME});
	struct pki other = pki_issue(NULL, &(struct pki_spec){.cn = "other", .san = "DNS:" NAME});
	uint8_t pins[2][CARD_FINGERPRINT_BYTES] = {{1}};
	struct tls_params params = {.role = TLS_CLIENT,
		.match = TLS_MATCH_FINGERPRINT,
		.fingerprints = pins,
		.n_fingerprints = 2};
	struct tls_context *c;
	struct peer_outcome o;

	tls_fingerprint(pinned.certificate, pins[1]);
	c = context_with(
		&f->ours, &f->ca, (struct tls_context_config){.pinned = pins, .n_pinned = 2});
	o = peer_shake(c, &params, &pinned, PKI_NOW_S, TLS1_3_VERSION);
	expect(o.refusal, FINE);
	assert_int_equal(o.card.trusted, 0);
	// Nobody vouches for the name it gives itself.
	assert_int_equal(o.card.n_names, 0);
	expect(peer_shake(c, &as_server, &pinned, PKI_NOW_S, TLS1_3_VERSION).refusal, FINE);
	expect(peer_shake(c, &as_client, &pinned, PKI_NOW_S, TLS1_3_VERSION).refusal,
		TLS_REFUSAL_unknown_ca);
	expect(peer_shake(c, &params, &other, PKI_NOW_S, TLS1_3_VERSION).refusal,
		TLS_REFUSAL_self_signed);
	expect(peer_shake(c, &params, &f->ours, PKI_NOW_S, TLS1_3_VERSION).refusal,
		TLS_REFUSAL_not_pinned);
	expect(peer_shake(c, &params, &pinned, PKI_NOW_S + 365 * PKI_DAY_S, TLS1_3_VERSION).refusal,
		TLS_REFUSAL_expired);
	tls_context_put(c);
	pki_free(&pinned);
	pki_free(&other);
}

static void the_peer_is_told_by_the_alert_that_fits(void **state)
{
	static const struct {
		struct pki_spec spec;
		uint8_t alert;
	} cases[] = {
		{{.san = "DNS:" NAME, .until_s = PKI_NOW_S - 1}, SSL_AD_CERTIFICATE_EXPIRED},
		{{.san = "DNS:" NAME, .from_s = PKI_NOW_S + 1}, SSL_AD_BAD_CERTIFICATE},
		{{.san = "DNS:" NAME, .eku = "codeSigning"}, SSL_AD_UNSUPPORTED_CERTIFICATE},
		{{.san = "DNS:" OTHER}, SSL_AD_BAD_CERTIFICATE},
	};
	struct fixture *f = *state;
	struct tls_context *c = context_of(&f->ours, &f->ca, NULL);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pki partner = pki_issue(&f->ca, &cases[i].spec);

		assert_int_equal(
			peer_shake(c, &as_client, &partner, PKI_NOW_S, TLS1_2_VERSION).alert,
			cases[i].alert);
		pki_free(&partner);
	}
	tls_context_put(c);
}

static void another_partners_domain_is_not_in_the_card(void **state)
{
	struct fixture *f = *state;
	struct pki partner = pki_issue(
		&f->ca, &(struct pki_spec){.cn = NAME, .san = "DNS:" OTHER ",URI:sip:" OTHER});
	struct tls_context *c = context_of(&f->ours, &f->ca, NULL);
	struct peer_outcome o = peer_shake(c, &as_server, &partner, PKI_NOW_S, TLS1_3_VERSION);

	expect(o.refusal, FINE);
	assert_int_equal(o.card.n_names, 1);
	assert_int_equal(o.card.proofs[0], CARD_SAN_URI);
	assert_true(card_proves(&o.card, VIEW(OTHER)));
	assert_false(card_proves(&o.card, VIEW(NAME)));
	tls_context_put(c);
	pki_free(&partner);
}

static void it_is_told_whose_extended_key_usage_would_not_do_under_a_stricter_policy(void **state)
{
	struct fixture *f = *state;
	struct pki partner =
		pki_issue(&f->ca, &(struct pki_spec){.san = "DNS:" NAME, .eku = "serverAuth"});
	struct tls_context *c = context_of(&f->ours, &f->ca, NULL);
	struct tls_handshake *h = tls_handshake_new(c, &as_server, PKI_NOW_S);
	struct tls_eku_report report;
	struct peer p;

	peer_init(&p, &(struct peer_spec){.role = TLS_CLIENT, .shows = &partner});
	assert_int_equal(peer_run(&p, h), TLS_DONE);
	assert_int_equal(tls_handshake_card(h)->usages, CARD_USAGE_SERVER);
	report = tls_eku_report(tls_handshake_card(h)->usages);
	assert_true(report.permits[TLS_EKU_SERVER][TLS_PEER_CLIENT]);
	assert_true(report.permits[TLS_EKU_STRICT][TLS_PEER_SERVER]);
	assert_false(report.permits[TLS_EKU_STRICT][TLS_PEER_CLIENT]);
	tls_handshake_free(h);
	peer_fini(&p);
	tls_context_put(c);
	pki_free(&partner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			it_is_told_whose_extended_key_usage_would_not_do_under_a_stricter_policy),
		cmocka_unit_test(a_known_certificate_is_judged_by_the_cache_and_by_the_clock),
		cmocka_unit_test(a_judgement_holds_under_equal_trust_only),
		cmocka_unit_test(what_is_not_yet_valid_is_not_remembered_as_refused),
		cmocka_unit_test(the_name_that_was_proved_is_in_the_card_however_many_there_are),
		cmocka_unit_test(partners_names_have_their_place_in_the_card_before_others),
		cmocka_unit_test(a_uri_among_many_names_still_says_that_the_others_are_hosts),
		cmocka_unit_test(a_pinned_certificate_needs_no_trusted_root),
		cmocka_unit_test(the_peer_is_told_by_the_alert_that_fits),
		cmocka_unit_test(another_partners_domain_is_not_in_the_card),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
