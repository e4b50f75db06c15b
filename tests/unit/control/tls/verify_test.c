// SPDX-License-Identifier: BSD-3-Clause
// Every way in which a peer's certificate is refused, each by a certificate made for it, seen in a
// whole handshake; and that each is accepted where that one thing is right.

#include "tests/unit/control/tls/peer.h"

#include "control/tls/context_state.h"
#include "control/tls/verify.h"

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
static const struct tls_params to_host = {.role = TLS_CLIENT,
	.match = TLS_MATCH_HOST,
	.name = VIEW("sip." NAME),
	.server_name = NAME};

static void expect(enum tls_refusal got, enum tls_refusal wanted)
{
	assert_string_equal(tls_refusal_name(got), tls_refusal_name(wanted));
}

// A certificate of the fixture's CA, or of another one, in both roles and versions, under a config.
static void judge_under(const struct fixture *f, const struct pki *issuer, struct pki_spec spec,
	struct tls_context_config config, enum tls_refusal server, enum tls_refusal client)
{
	struct tls_context *c = context_with(&f->ours, &f->ca, config);
	struct pki partner;

	if (spec.cn == NULL)
		spec.cn = "partner";
	partner = pki_issue(issuer, &spec);
	expect(peer_shake(c, &as_server, &partner, PKI_NOW_S, TLS1_3_VERSION).refusal, server);
	expect(peer_shake(c, &as_client, &partner, PKI_NOW_S, TLS1_3_VERSION).refusal, client);
	expect(peer_shake(c, &as_server, &partner, PKI_NOW_S, TLS1_2_VERSION).refusal, server);
	expect(peer_shake(c, &as_client, &partner, PKI_NOW_S, TLS1_2_VERSION).refusal, client);
	pki_free(&partner);
	tls_context_put(c);
}

static void judge(const struct fixture *f, const struct pki *issuer, struct pki_spec spec,
	enum tls_refusal server, enum tls_refusal client)
{
	judge_under(f, issuer, spec, (struct tls_context_config){0}, server, client);
}

#define FINE TLS_REFUSAL_none

static void a_good_certificate_is_accepted(void **state)
{
	struct fixture *f = *state;

	judge(f, &f->ca, (struct pki_spec){.san = "DNS:" NAME, .eku = BOTH}, FINE, FINE);
	judge(f, &f->ca, (struct pki_spec){.san = "URI:sip:" NAME}, FINE, FINE);
	judge(f, &f->ca, (struct pki_spec){.san = "DNS:FabriKam.Example"}, FINE, FINE);
	judge(f, &f->ca, (struct pki_spec){.san = "DNS:" NAME, .key = PKI_ED25519}, FINE, FINE);
}

static void no_certificate_is_refused(void **state)
{
	struct fixture *f = *state;
	struct tls_context *c = context_of(&f->ours, &f->ca, NULL);
	struct tls_params inside = as_server;

	expect(peer_shake(c, &as_server, NULL, PKI_NOW_S, TLS1_3_VERSION).refusal,
		TLS_REFUSAL_no_certificate);
	expect(peer_shake(c, &as_server, NULL, PKI_NOW_S, TLS1_2_VERSION).refusal,
		TLS_REFUSAL_no_certificate);
	inside.demand = TLS_CERTIFICATE_OPTIONAL;
	expect(peer_shake(c, &inside, NULL, PKI_NOW_S, TLS1_3_VERSION).refusal, FINE);
	tls_context_put(c);
}

static void an_unknown_ca_is_refused(void **state)
{
	struct fixture *f = *state;

	judge(f, &f->other_ca, (struct pki_spec){.san = "DNS:" NAME}, TLS_REFUSAL_unknown_ca,
		TLS_REFUSAL_unknown_ca);
}

static void a_self_signed_certificate_is_refused(void **state)
{
	judge(*state, NULL, (struct pki_spec){.san = "DNS:" NAME}, TLS_REFUSAL_self_signed,
		TLS_REFUSAL_self_signed);
}

static void an_expired_certificate_is_refused(void **state)
{
	struct fixture *f = *state;

	judge(f, &f->ca, (struct pki_spec){.san = "DNS:" NAME, .until_s = PKI_NOW_S - 1},
		TLS_REFUSAL_expired, TLS_REFUSAL_expired);
	judge(f, &f->ca, (struct pki_spec){.san = "DNS:" NAME, .until_s = PKI_NOW_S + 1}, FINE,
		FINE);
}

static void a_certificate_that_is_not_yet_valid_is_refused(void **state)
{
	struct fixture *f = *state;

	judge(f, &f->ca, (struct pki_spec){.san = "DNS:" NAME, .from_s = PKI_NOW_S + 1},
		TLS_REFUSAL_not_yet_valid, TLS_REFUSAL_not_yet_valid);
}

static void an_expired_issuer_is_refused(void **state)
{
	struct fixture *f = *state;
	struct pki sub = pki_issue(
		&f->ca, &(struct pki_spec){.cn = "sub", .ca = true, .until_s = PKI_NOW_S - 1});

	judge(f, &sub, (struct pki_spec){.san = "DNS:" NAME}, TLS_REFUSAL_expired,
		TLS_REFUSAL_expired);
	pki_free(&sub);
}

static void an_issuer_that_is_no_ca_is_refused(void **state)
{
	struct fixture *f = *state;
	struct pki sub = pki_issue(&f->ca, &(struct pki_spec){.cn = "sub", .san = "DNS:" OTHER});

	judge(f, &sub, (struct pki_spec){.san = "DNS:" NAME}, TLS_REFUSAL_bad_issuer,
		TLS_REFUSAL_bad_issuer);
	pki_free(&sub);
}

static void a_chain_with_an_intermediate_is_accepted(void **state)
{
	struct fixture *f = *state;
	struct pki sub = pki_issue(&f->ca, &(struct pki_spec){.cn = "sub", .ca = true});

	judge(f, &sub, (struct pki_spec){.san = "DNS:" NAME}, FINE, FINE);
	pki_free(&sub);
}

static void a_weak_key_is_refused(void **state)
{
	struct fixture *f = *state;

	judge(f, &f->ca, (struct pki_spec){.san = "DNS:" NAME, .key = PKI_RSA_WEAK},
		TLS_REFUSAL_weak, TLS_REFUSAL_weak);
}

static void a_revoked_certificate_is_refused(void **state)
{
	struct fixture *f = *state;
	struct pki bad = pki_issue(&f->ca, &(struct pki_spec){.cn = "bad", .san = "DNS:" NAME});
	struct pki good = pki_issue(&f->ca, &(struct pki_spec){.cn = "good", .san = "DNS:" NAME});
	struct view crl =
		pki_crl_pem(&f->ca, (const struct pki *[]){&bad}, 1, PKI_NOW_S + PKI_DAY_S);
	const struct tls_pem crls = {"ca.crl", crl};
	struct tls_context *c = context_with(
		&f->ours, &f->ca, (struct tls_context_config){.crls = &crls, .n_crls = 1});
	struct peer_outcome o = peer_shake(c, &as_server, &bad, PKI_NOW_S, TLS1_2_VERSION);

	expect(o.refusal, TLS_REFUSAL_revoked);
	assert_int_equal(o.alert, SSL_AD_CERTIFICATE_REVOKED);
	// And sessions that stand under its card are to be cut.
	assert_true(tls_context_revokes(c, &o.card));
	expect(peer_shake(c, &as_client, &bad, PKI_NOW_S, TLS1_3_VERSION).refusal,
		TLS_REFUSAL_revoked);
	o = peer_shake(c, &as_server, &good, PKI_NOW_S, TLS1_3_VERSION);
	expect(o.refusal, FINE);
	assert_false(tls_context_revokes(c, &o.card));
	tls_context_put(c);
	pki_text_free(&crl);
	pki_free(&bad);
	pki_free(&good);
}

static void a_missing_or_outdated_crl_counts_where_it_is_required(void **state)
{
	struct fixture *f = *state;
	const struct pki_spec spec = {.san = "DNS:" NAME};
	struct view old = pki_crl_pem(&f->ca, NULL, 0, PKI_NOW_S - 1);
	struct view new = pki_crl_pem(&f->ca, NULL, 0, PKI_NOW_S + 1);
	struct view strange = pki_crl_pem(&f->other_ca, NULL, 0, PKI_NOW_S + 1);
	struct tls_pem crl = {"old.crl", old};
	struct tls_context_config config = {.crls = &crl, .n_crls = 1};

	judge_under(f, &f->ca, spec, config, FINE, FINE);
	config.crl = TLS_CRL_REQUIRED;
	judge_under(f, &f->ca, spec, config, TLS_REFUSAL_crl_outdated, TLS_REFUSAL_crl_outdated);
	crl.bytes = new;
	judge_under(f, &f->ca, spec, config, FINE, FINE);
	crl.bytes = strange;
	judge_under(f, &f->ca, spec, config, TLS_REFUSAL_crl_missing, TLS_REFUSAL_crl_missing);
	config.crl = TLS_CRL_KNOWN;
	judge_under(f, &f->ca, spec, config, FINE, FINE);
	pki_text_free(&old);
	pki_text_free(&new);
	pki_text_free(&strange);
}

static void an_outdated_crl_still_revokes(void **state)
{
	struct fixture *f = *state;
	struct pki bad = pki_issue(&f->ca, &(struct pki_spec){.cn = "bad", .san = "DNS:" NAME});
	struct view text = pki_crl_pem(&f->ca, (const struct pki *[]){&bad}, 1, PKI_NOW_S - 1);
	const struct tls_pem crl = {"old.crl", text};
	struct tls_context *c = context_with(
		&f->ours, &f->ca, (struct tls_context_config){.crls = &crl, .n_crls = 1});

	expect(peer_shake(c, &as_server, &bad, PKI_NOW_S, TLS1_3_VERSION).refusal,
		TLS_REFUSAL_revoked);
	tls_context_put(c);
	pki_text_free(&text);
	pki_free(&bad);
}

static void extended_key_usage_is_judged_by_the_policy(void **state)
{
	static const struct {
		const char *eku;
		enum tls_eku policy;
		enum tls_refusal as_server, as_client; // our role
	} cases[] = {
		{BOTH, TLS_EKU_STRICT, FINE, FINE},
		{"serverAuth", TLS_EKU_SERVER, FINE, FINE},
		{"serverAuth", TLS_EKU_STRICT, TLS_REFUSAL_eku, FINE},
		{"clientAuth", TLS_EKU_SERVER, TLS_REFUSAL_eku, TLS_REFUSAL_eku},
		{"clientAuth", TLS_EKU_STRICT, FINE, TLS_REFUSAL_eku},
		{"clientAuth", TLS_EKU_IGNORE, FINE, FINE},
		{"codeSigning", TLS_EKU_SERVER, TLS_REFUSAL_eku, TLS_REFUSAL_eku},
		{"codeSigning", TLS_EKU_IGNORE, FINE, FINE},
		{"anyExtendedKeyUsage", TLS_EKU_STRICT, FINE, FINE},
		{"1.3.6.1.5.5.7.3.20", TLS_EKU_STRICT, FINE, FINE},
		{NULL, TLS_EKU_STRICT, FINE, FINE},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		judge_under(f, &f->ca, (struct pki_spec){.san = "DNS:" NAME, .eku = cases[i].eku},
			(struct tls_context_config){.eku = cases[i].policy}, cases[i].as_server,
			cases[i].as_client);
}

static void an_issuers_extended_key_usage_binds_what_it_issues(void **state)
{
	struct fixture *f = *state;
	struct pki sub =
		pki_issue(&f->ca, &(struct pki_spec){.cn = "sub", .ca = true, .eku = "clientAuth"});

	judge(f, &sub, (struct pki_spec){.san = "DNS:" NAME, .eku = BOTH}, TLS_REFUSAL_eku,
		TLS_REFUSAL_eku);
	pki_free(&sub);
}

static void a_key_that_may_not_sign_is_refused(void **state)
{
	struct fixture *f = *state;

	struct pki partner = pki_issue(
		&f->ca, &(struct pki_spec){.san = "DNS:" NAME, .key_usage = "keyAgreement"});
	struct tls_context *c = context_of(&f->ours, &f->ca, NULL);
	STACK_OF(X509) *sent = sk_X509_new_null();
	struct tls_judgement j;

	// Without a handshake: OpenSSL itself would not show it.
	sk_X509_push(sent, partner.certificate);
	tls_verify(&c->trust, sent, TLS_PEER_CLIENT, PKI_NOW_S, &j);
	expect(j.refusal, TLS_REFUSAL_key_usage);
	sk_X509_free(sent);
	tls_context_put(c);
	pki_free(&partner);
}

static void another_name_is_refused_where_one_is_expected(void **state)
{
	struct fixture *f = *state;

	// As a server we take it: its card says who it is, and what it may say is judged by that.
	judge(f, &f->ca, (struct pki_spec){.san = "DNS:" OTHER}, FINE, TLS_REFUSAL_wrong_name);
	judge(f, &f->ca, (struct pki_spec){.san = "DNS:sip." NAME}, FINE, TLS_REFUSAL_wrong_name);
	judge(f, &f->ca, (struct pki_spec){.san = "DNS:x" NAME}, FINE, TLS_REFUSAL_wrong_name);
	judge(f, &f->ca, (struct pki_spec){.san = "URI:sip:user@" NAME}, TLS_REFUSAL_no_name,
		TLS_REFUSAL_wrong_name);
	judge(f, &f->ca, (struct pki_spec){.san = "URI:https://" NAME}, TLS_REFUSAL_no_name,
		TLS_REFUSAL_wrong_name);
	judge(f, &f->ca, (struct pki_spec){.san = "IP:192.0.2.1"}, TLS_REFUSAL_no_name,
		TLS_REFUSAL_wrong_name);
}

static void a_wildcard_is_refused(void **state)
{
	struct fixture *f = *state;

	judge(f, &f->ca, (struct pki_spec){.san = "DNS:*.example"}, TLS_REFUSAL_wildcard,
		TLS_REFUSAL_wildcard);
	judge(f, &f->ca, (struct pki_spec){.san = "DNS:*.example,DNS:" OTHER}, FINE,
		TLS_REFUSAL_wildcard);
	judge(f, &f->ca, (struct pki_spec){.cn = "*.example"}, TLS_REFUSAL_wildcard,
		TLS_REFUSAL_wildcard);
}

static void a_common_name_counts_without_any_san_only(void **state)
{
	struct fixture *f = *state;

	judge(f, &f->ca, (struct pki_spec){.cn = NAME}, FINE, FINE);
	judge(f, &f->ca, (struct pki_spec){.cn = NAME, .san = "DNS:" OTHER}, FINE,
		TLS_REFUSAL_cn_only);
	judge(f, &f->ca, (struct pki_spec){.cn = NAME, .san = "IP:192.0.2.1"}, TLS_REFUSAL_cn_only,
		TLS_REFUSAL_cn_only);
	judge_under(f, &f->ca, (struct pki_spec){.cn = NAME},
		(struct tls_context_config){.cn = TLS_CN_NEVER}, TLS_REFUSAL_cn_only,
		TLS_REFUSAL_cn_only);
}

static void a_sip_uri_outdoes_dns_names_for_a_domain_but_not_for_a_host(void **state)
{
	struct fixture *f = *state;
	struct tls_context *c = context_of(&f->ours, &f->ca, NULL);
	struct pki hosted = pki_issue(
		&f->ca, &(struct pki_spec){.san = "URI:sip:" OTHER ",DNS:" NAME ",DNS:sip." NAME});

	expect(peer_shake(c, &as_client, &hosted, PKI_NOW_S, TLS1_3_VERSION).refusal,
		TLS_REFUSAL_wrong_name);
	expect(peer_shake(c, &to_host, &hosted, PKI_NOW_S, TLS1_3_VERSION).refusal, FINE);
	pki_free(&hosted);
	// A URI of something that is no domain is no identity that could outdo another.
	hosted = pki_issue(&f->ca, &(struct pki_spec){.san = "URI:sip:not!a!domain,DNS:" NAME});
	expect(peer_shake(c, &as_client, &hosted, PKI_NOW_S, TLS1_3_VERSION).refusal, FINE);
	tls_context_put(c);
	pki_free(&hosted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_certificate_is_accepted),
		cmocka_unit_test(no_certificate_is_refused),
		cmocka_unit_test(an_unknown_ca_is_refused),
		cmocka_unit_test(a_self_signed_certificate_is_refused),
		cmocka_unit_test(an_expired_certificate_is_refused),
		cmocka_unit_test(a_certificate_that_is_not_yet_valid_is_refused),
		cmocka_unit_test(an_expired_issuer_is_refused),
		cmocka_unit_test(an_issuer_that_is_no_ca_is_refused),
		cmocka_unit_test(a_chain_with_an_intermediate_is_accepted),
		cmocka_unit_test(a_weak_key_is_refused),
		cmocka_unit_test(a_revoked_certificate_is_refused),
		cmocka_unit_test(a_missing_or_outdated_crl_counts_where_it_is_required),
		cmocka_unit_test(an_outdated_crl_still_revokes),
		cmocka_unit_test(extended_key_usage_is_judged_by_the_policy),
		cmocka_unit_test(an_issuers_extended_key_usage_binds_what_it_issues),
		cmocka_unit_test(a_key_that_may_not_sign_is_refused),
		cmocka_unit_test(another_name_is_refused_where_one_is_expected),
		cmocka_unit_test(a_wildcard_is_refused),
		cmocka_unit_test(a_common_name_counts_without_any_san_only),
		cmocka_unit_test(a_sip_uri_outdoes_dns_names_for_a_domain_but_not_for_a_host),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
