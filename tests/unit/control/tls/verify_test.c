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

// What came of a handshake.
struct outcome {
	enum tls_refusal refusal;
	uint8_t alert; // that the peer was sent; 255: none
	struct card card;
};

static struct outcome shake(struct tls_context *c, const struct tls_params *params,
	const struct pki *partner, int64_t now_s, int version)
{
	struct tls_handshake *h = tls_handshake_new(c, params, now_s);
	struct outcome o = {.alert = 255};
	enum tls_step step;
	struct peer p;

	assert_non_null(h);
	peer_init(&p,
		&(struct peer_spec){.role = params->role == TLS_SERVER ? TLS_CLIENT : TLS_SERVER,
			.shows = partner,
			.version = version});
	step = peer_run(&p, h);
	o.refusal = tls_handshake_refusal(h);
	assert_int_equal(step, o.refusal == TLS_REFUSAL_none ? TLS_DONE : TLS_FAILED);
	// In the clear in TLS 1.2 only.
	if (step == TLS_FAILED && version == TLS1_2_VERSION && tls_handshake_output(h).len == 7)
		o.alert = tls_handshake_output(h).at[6];
	if (tls_handshake_card(h) != NULL) {
		o.card = *tls_handshake_card(h);
		assert_null(card_check(&o.card));
	}
	tls_handshake_free(h);
	peer_fini(&p);
	return o;
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
	expect(shake(c, &as_server, &partner, PKI_NOW_S, TLS1_3_VERSION).refusal, server);
	expect(shake(c, &as_client, &partner, PKI_NOW_S, TLS1_3_VERSION).refusal, client);
	expect(shake(c, &as_server, &partner, PKI_NOW_S, TLS1_2_VERSION).refusal, server);
	expect(shake(c, &as_client, &partner, PKI_NOW_S, TLS1_2_VERSION).refusal, client);
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

	expect(shake(c, &as_server, NULL, PKI_NOW_S, TLS1_3_VERSION).refusal,
		TLS_REFUSAL_no_certificate);
	expect(shake(c, &as_server, NULL, PKI_NOW_S, TLS1_2_VERSION).refusal,
		TLS_REFUSAL_no_certificate);
	inside.demand = TLS_CERTIFICATE_OPTIONAL;
	expect(shake(c, &inside, NULL, PKI_NOW_S, TLS1_3_VERSION).refusal, FINE);
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
	struct outcome o = shake(c, &as_server, &bad, PKI_NOW_S, TLS1_2_VERSION);

	expect(o.refusal, TLS_REFUSAL_revoked);
	assert_int_equal(o.alert, SSL_AD_CERTIFICATE_REVOKED);
	// And sessions that stand under its card are to be cut.
	assert_true(tls_context_revokes(c, &o.card));
	expect(shake(c, &as_client, &bad, PKI_NOW_S, TLS1_3_VERSION).refusal, TLS_REFUSAL_revoked);
	o = shake(c, &as_server, &good, PKI_NOW_S, TLS1_3_VERSION);
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

	expect(shake(c, &as_server, &bad, PKI_NOW_S, TLS1_3_VERSION).refusal, TLS_REFUSAL_revoked);
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

static void another_partners_domain_is_not_in_the_card(void **state)
{
	struct fixture *f = *state;
	struct pki partner = pki_issue(
		&f->ca, &(struct pki_spec){.cn = NAME, .san = "DNS:" OTHER ",URI:sip:" OTHER});
	struct tls_context *c = context_of(&f->ours, &f->ca, NULL);
	struct outcome o = shake(c, &as_server, &partner, PKI_NOW_S, TLS1_3_VERSION);

	expect(o.refusal, FINE);
	assert_int_equal(o.card.n_names, 1);
	assert_int_equal(o.card.proofs[0], CARD_SAN_URI);
	assert_true(card_proves(&o.card, VIEW(OTHER)));
	assert_false(card_proves(&o.card, VIEW(NAME)));
	tls_context_put(c);
	pki_free(&partner);
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

	expect(shake(c, &as_client, &hosted, PKI_NOW_S, TLS1_3_VERSION).refusal,
		TLS_REFUSAL_wrong_name);
	expect(shake(c, &to_host, &hosted, PKI_NOW_S, TLS1_3_VERSION).refusal, FINE);
	pki_free(&hosted);
	// A URI of something that is no domain is no identity that could outdo another.
	hosted = pki_issue(&f->ca, &(struct pki_spec){.san = "URI:sip:not!a!domain,DNS:" NAME});
	expect(shake(c, &as_client, &hosted, PKI_NOW_S, TLS1_3_VERSION).refusal, FINE);
	tls_context_put(c);
	pki_free(&hosted);
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
	struct outcome o;

	tls_fingerprint(pinned.certificate, pins[1]);
	c = context_with(
		&f->ours, &f->ca, (struct tls_context_config){.pinned = pins, .n_pinned = 2});
	o = shake(c, &params, &pinned, PKI_NOW_S, TLS1_3_VERSION);
	expect(o.refusal, FINE);
	assert_int_equal(o.card.trusted, 0);
	// Nobody vouches for the name it gives itself.
	assert_int_equal(o.card.n_names, 0);
	expect(shake(c, &as_server, &pinned, PKI_NOW_S, TLS1_3_VERSION).refusal, FINE);
	expect(shake(c, &as_client, &pinned, PKI_NOW_S, TLS1_3_VERSION).refusal,
		TLS_REFUSAL_unknown_ca);
	expect(shake(c, &params, &other, PKI_NOW_S, TLS1_3_VERSION).refusal,
		TLS_REFUSAL_self_signed);
	expect(shake(c, &params, &f->ours, PKI_NOW_S, TLS1_3_VERSION).refusal,
		TLS_REFUSAL_not_pinned);
	expect(shake(c, &params, &pinned, PKI_NOW_S + 365 * PKI_DAY_S, TLS1_3_VERSION).refusal,
		TLS_REFUSAL_expired);
	tls_context_put(c);
	pki_free(&pinned);
	pki_free(&other);
}

static void the_name_that_was_proved_is_in_the_card_however_many_there_are(void **state)
{
	char san[1024] = "";
	size_t n = 0;
	struct fixture *f = *state;
	struct tls_context *c = context_of(&f->ours, &f->ca, NULL);
	struct pki partner;
	struct outcome o;

	for (int i = 0; i < 40; i++)
		n += (size_t)snprintf(san + n, sizeof(san) - n, "DNS:d%d.example,", i);
	snprintf(san + n, sizeof(san) - n, "DNS:" NAME);
	partner = pki_issue(&f->ca, &(struct pki_spec){.san = san});
	o = shake(c, &as_client, &partner, PKI_NOW_S, TLS1_3_VERSION);
	expect(o.refusal, FINE);
	assert_int_equal(o.card.n_names, CARD_NAMES_MAX);
	assert_int_equal(o.card.trusted, 1);
	assert_true(card_proves(&o.card, VIEW(NAME)));
	tls_context_put(c);
	pki_free(&partner);
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

		assert_int_equal(shake(c, &as_client, &partner, PKI_NOW_S, TLS1_2_VERSION).alert,
			cases[i].alert);
		pki_free(&partner);
	}
	tls_context_put(c);
}

static void a_known_certificate_is_judged_by_the_cache_and_by_the_clock(void **state)
{
	struct fixture *f = *state;
	struct pki partner = pki_issue(
		&f->ca, &(struct pki_spec){.san = "DNS:" NAME, .until_s = PKI_NOW_S + 100});
	struct tls_cache *cache = tls_cache_new();
	struct tls_context *c = context_of(&f->ours, &f->ca, cache);
	struct outcome first, second;

	first = shake(c, &as_client, &partner, PKI_NOW_S, TLS1_3_VERSION);
	assert_int_equal(tls_cache_counts(cache).n_hits, 0);
	second = shake(c, &as_client, &partner, PKI_NOW_S, TLS1_3_VERSION);
	assert_int_equal(tls_cache_counts(cache).n_hits, 1);
	assert_memory_equal(&first.card, &second.card, sizeof(first.card));
	// In the other role it is another question.
	expect(shake(c, &as_server, &partner, PKI_NOW_S, TLS1_3_VERSION).refusal, FINE);
	assert_int_equal(tls_cache_counts(cache).n_accepted, 2);
	expect(shake(c, &as_client, &partner, PKI_NOW_S + 101, TLS1_3_VERSION).refusal,
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

	expect(shake(before, &as_server, &partner, PKI_NOW_S, TLS1_3_VERSION).refusal, FINE);
	expect(shake(same, &as_server, &partner, PKI_NOW_S, TLS1_3_VERSION).refusal, FINE);
	assert_int_equal(tls_cache_counts(cache).n_hits, 1);
	expect(shake(after, &as_server, &partner, PKI_NOW_S, TLS1_3_VERSION).refusal,
		TLS_REFUSAL_revoked);
	expect(shake(after, &as_server, &partner, PKI_NOW_S, TLS1_3_VERSION).refusal,
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

	expect(shake(c, &as_server, &partner, PKI_NOW_S, TLS1_3_VERSION).refusal,
		TLS_REFUSAL_not_yet_valid);
	expect(shake(c, &as_server, &partner, PKI_NOW_S + 10, TLS1_3_VERSION).refusal, FINE);
	tls_context_put(c);
	tls_cache_free(cache);
	pki_free(&partner);
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
		cmocka_unit_test(another_partners_domain_is_not_in_the_card),
		cmocka_unit_test(a_wildcard_is_refused),
		cmocka_unit_test(a_common_name_counts_without_any_san_only),
		cmocka_unit_test(a_sip_uri_outdoes_dns_names_for_a_domain_but_not_for_a_host),
		cmocka_unit_test(a_pinned_certificate_needs_no_trusted_root),
		cmocka_unit_test(the_name_that_was_proved_is_in_the_card_however_many_there_are),
		cmocka_unit_test(the_peer_is_told_by_the_alert_that_fits),
		cmocka_unit_test(a_known_certificate_is_judged_by_the_cache_and_by_the_clock),
		cmocka_unit_test(a_judgement_holds_under_equal_trust_only),
		cmocka_unit_test(what_is_not_yet_valid_is_not_remembered_as_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
