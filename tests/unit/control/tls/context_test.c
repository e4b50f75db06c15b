// SPDX-License-Identifier: BSD-3-Clause
// What a context takes and refuses, which certificate answers, and its replacement under way.

#include "tests/unit/control/tls/peer.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
	struct pki ca, one, two, partner;
	char dir[32];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->ca = pki_issue(NULL, &(struct pki_spec){.cn = "test CA", .ca = true});
	f->one = pki_issue(&f->ca, &(struct pki_spec){.cn = "one", .san = "DNS:one.example"});
	f->two = pki_issue(&f->ca,
		&(struct pki_spec){.cn = "two", .san = "DNS:two.example,URI:sip:zwei.example"});
	f->partner = pki_issue(&f->ca, &(struct pki_spec){.san = "DNS:fabrikam.example"});
	strcpy(f->dir, "/tmp/tls-context-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pki_free(&f->ca);
	pki_free(&f->one);
	pki_free(&f->two);
	pki_free(&f->partner);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

// A certificate's texts, as a config has them.
struct texts {
	struct view chain, key;
};

static struct texts texts_of(const struct pki *certificate, const struct pki *key)
{
	return (struct texts){pki_chain_pem(certificate), pki_key_pem(key)};
}

static void texts_free(struct texts *t)
{
	pki_text_free(&t->chain);
	pki_text_free(&t->key);
}

static struct tls_certificate_config config_of(uint32_t id, const struct texts *t)
{
	return (struct tls_certificate_config){
		.id = id, .chain = {"cert.pem", t->chain}, .key = {"cert.key", t->key}};
}

// The only error, freed never: of the last call.
static const char *error_of(const struct tls_certificate_config *certificate, int64_t now_s)
{
	static struct errors errors;
	const struct tls_context_config config = {
		.certificates = certificate, .n_certificates = 1, .now_s = now_s};
	struct tls_context *c;

	errors_init(&errors, "document");
	c = tls_context_new(&config, &errors);
	if (c != NULL) {
		tls_context_put(c);
		return NULL;
	}
	assert_int_equal(errors.n, 1);
	return errors.text[0];
}

static void refuse(const struct pki *certificate, const struct pki *key, const char *error)
{
	struct texts t = texts_of(certificate, key);
	struct tls_certificate_config config = config_of(1, &t);

	assert_string_equal(error_of(&config, PKI_NOW_S), error);
	texts_free(&t);
}

static void refuse_spec(const struct fixture *f, struct pki_spec spec, const char *error)
{
	struct pki p = pki_issue(&f->ca, &spec);

	refuse(&p, &p, error);
	pki_free(&p);
}

static void what_is_wrong_with_a_certificate_of_ours_is_said(void **state)
{
	struct fixture *f = *state;

	refuse(&f->one, &f->two, "cert.key: does not belong to the certificate in cert.pem");
	refuse_spec(f, (struct pki_spec){.san = "DNS:a.example", .until_s = PKI_NOW_S - 1},
		"cert.pem: expired on 2027-01-15 07:59:59 UTC");
	refuse_spec(f, (struct pki_spec){.san = "DNS:a.example", .from_s = PKI_NOW_S + 1},
		"cert.pem: not valid before 2027-01-15 08:00:01 UTC");
	refuse_spec(f, (struct pki_spec){.cn = "a.example"},
		"cert.pem: names no domain: no subjectAltName DNS or URI sip:");
	refuse_spec(f, (struct pki_spec){.san = "DNS:*.example"},
		"cert.pem: names wildcards only, which SIP does not permit (RFC 5922)");
	refuse_spec(f, (struct pki_spec){.san = "DNS:a.example", .key_usage = "keyAgreement"},
		"cert.pem: its key usage does not permit signatures");
	refuse_spec(f, (struct pki_spec){.san = "DNS:a.example", .key = PKI_RSA_WEAK},
		"cert.key: too weak: P-256, or RSA of 2048 bits or more");
}

static void an_expired_certificate_is_taken_where_the_time_does_not_count(void **state)
{
	struct fixture *f = *state;
	struct pki p = pki_issue(
		&f->ca, &(struct pki_spec){.san = "DNS:a.example", .until_s = PKI_NOW_S - 1});
	struct texts t = texts_of(&p, &p);
	struct tls_certificate_config config = config_of(1, &t);

	assert_null(error_of(&config, 0));
	texts_free(&t);
	pki_free(&p);
}

static void a_chain_out_of_order_is_refused(void **state)
{
	struct fixture *f = *state;
	struct pki sub = pki_issue(&f->ca, &(struct pki_spec){.cn = "sub", .ca = true});
	struct pki p = pki_issue(&sub, &(struct pki_spec){.san = "DNS:a.example"});
	struct pki strange = {p.certificate, p.key, &f->one};

	refuse(&strange, &p, "cert.pem: its certificate number 2 has not issued the one before it");
	pki_free(&p);
	pki_free(&sub);
}

static void what_is_no_pem_is_refused(void **state)
{
	struct fixture *f = *state;
	struct texts t = texts_of(&f->one, &f->one);
	struct tls_certificate_config config = config_of(1, &t);
	struct view cut = t.chain;

	config.chain.bytes = VIEW("nothing");
	assert_string_equal(error_of(&config, 0), "cert.pem: no certificate in PEM form in it");
	cut.len /= 2;
	config.chain.bytes = cut;
	assert_string_equal(
		error_of(&config, 0), "cert.pem: its certificate number 1 cannot be read");
	config = config_of(1, &t);
	config.key.bytes = t.chain;
	assert_string_equal(error_of(&config, 0),
		"cert.key: no EC, RSA or Ed25519 key in PEM form in it, or one with a passphrase");
	texts_free(&t);
}

static void write_file(const char *path, struct view text, mode_t mode)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fwrite(text.at, 1, text.len, file);
	fclose(file);
	assert_int_equal(chmod(path, mode), 0);
}

static void a_key_that_others_may_read_is_refused(void **state)
{
	struct fixture *f = *state;
	struct texts t = texts_of(&f->one, &f->one);
	struct tls_certificate_config config = config_of(1, &t);
	char path[64], error[192];

	snprintf(path, sizeof(path), "%s/key", f->dir);
	snprintf(error, sizeof(error),
		"%s: a private key must be readable by its owner alone: chmod 600", path);
	config.key = (struct tls_pem){.path = path};
	write_file(path, t.key, 0640);
	assert_string_equal(error_of(&config, 0), error);
	write_file(path, t.key, 0604);
	assert_string_equal(error_of(&config, 0), error);
	write_file(path, t.key, 0600);
	assert_null(error_of(&config, 0));
	unlink(path);
	snprintf(error, sizeof(error), "%s: No such file or directory", path);
	assert_string_equal(error_of(&config, 0), error);
	texts_free(&t);
}

static void something_else_than_a_file_is_refused(void **state)
{
	struct fixture *f = *state;
	struct texts t = texts_of(&f->one, &f->one);
	struct tls_certificate_config config = config_of(1, &t);

	config.chain = (struct tls_pem){.path = f->dir};
	assert_non_null(strstr(error_of(&config, 0), ": not a regular file"));
	texts_free(&t);
}

// Two certificates, the second with names of its own.
static struct tls_context *open_two(const struct fixture *f, const char *const *domains, size_t n)
{
	struct texts one = texts_of(&f->one, &f->one), two = texts_of(&f->two, &f->two);
	struct view root = pki_certificate_pem(&f->ca);
	struct tls_certificate_config certificates[] = {config_of(10, &one), config_of(20, &two)};
	const struct tls_pem trust = {"ca.pem", root};
	const struct tls_context_config config = {.certificates = certificates,
		.n_certificates = 2,
		.trust = &trust,
		.n_trust = 1,
		.now_s = PKI_NOW_S};
	struct tls_context *c;
	struct errors errors;

	errors_init(&errors, "document");
	certificates[1].domains = domains;
	certificates[1].n_domains = n;
	c = tls_context_new(&config, &errors);
	assert_non_null(c);
	texts_free(&one);
	texts_free(&two);
	pki_text_free(&root);
	return c;
}

// The id of the certificate that the client is shown.
static uint32_t ask(const struct fixture *f, struct tls_context *c, const char *name, uint32_t id)
{
	const struct tls_params params = {.role = TLS_SERVER, .certificate = id};
	struct tls_handshake *h = tls_handshake_new(c, &params, PKI_NOW_S);
	struct tls_handshake_facts facts;
	const X509 *shown;
	struct peer p;

	assert_non_null(h);
	peer_init(&p,
		&(struct peer_spec){.role = TLS_CLIENT, .shows = &f->partner, .server_name = name});
	assert_int_equal(peer_run(&p, h), TLS_DONE);
	facts = tls_handshake_facts(h);
	assert_string_equal(facts.server_name, name != NULL ? name : "");
	shown = SSL_get0_peer_certificate(p.ssl);
	assert_int_equal(
		X509_cmp(shown, facts.certificate == 10 ? f->one.certificate : f->two.certificate),
		0);
	tls_handshake_free(h);
	peer_fini(&p);
	return facts.certificate;
}

static void the_certificate_answers_that_has_the_name_asked_for(void **state)
{
	struct fixture *f = *state;
	struct tls_context *c = open_two(f, NULL, 0);

	assert_int_equal(ask(f, c, "one.example", 0), 10);
	assert_int_equal(ask(f, c, "two.example", 0), 20);
	assert_int_equal(ask(f, c, "ZWEI.example", 0), 20);
	assert_int_equal(ask(f, c, "unknown.example", 0), 10);
	assert_int_equal(ask(f, c, "sub.two.example", 0), 10);
	assert_int_equal(ask(f, c, NULL, 0), 10);
	// Whoever asks for one gets it, whatever the name is.
	assert_int_equal(ask(f, c, "one.example", 20), 20);
	tls_context_put(c);
}

static void a_certificate_answers_for_all_its_names_however_many(void **state)
{
	static const char *const names[] = {
		"n0.example", "n15.example", "n16.example", "n39.example"};
	struct fixture *f = *state;
	struct pki many, two = f->two;
	struct tls_context *c;
	char san[1024];
	size_t n = 0;

	for (int i = 0; i < 40; i++)
		n += (size_t)snprintf(
			san + n, sizeof(san) - n, "%sDNS:n%d.example", i > 0 ? "," : "", i);
	many = pki_issue(&f->ca, &(struct pki_spec){.cn = "many", .san = san});
	f->two = many;
	c = open_two(f, NULL, 0);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(ask(f, c, names[i], 0), 20);
	assert_int_equal(ask(f, c, "n40.example", 0), 10);
	tls_context_put(c);
	f->two = two;
	pki_free(&many);
}

static void a_certificate_answers_for_the_names_it_is_given(void **state)
{
	static const char *const domains[] = {"drei.example", "One.example."};
	struct fixture *f = *state;
	struct tls_context *c = open_two(f, domains, 2);

	assert_int_equal(ask(f, c, "drei.example", 0), 20);
	assert_int_equal(ask(f, c, "two.example", 0), 10);
	// The first of those that have it.
	assert_int_equal(ask(f, c, "one.example", 0), 10);
	tls_context_put(c);
}

static void a_certificate_that_is_not_there_is_not_given(void **state)
{
	struct fixture *f = *state;
	struct tls_context *c = open_two(f, NULL, 0);
	const struct tls_params params = {.role = TLS_CLIENT, .certificate = 30};

	assert_null(tls_handshake_new(c, &params, PKI_NOW_S));
	assert_int_equal(errno, ENOENT);
	assert_null(tls_context_certificate(c, 30));
	assert_true(card_proves(tls_context_certificate(c, 20), VIEW("zwei.example")));
	assert_int_equal(tls_context_expires_s(c), PKI_NOW_S + 180 * PKI_DAY_S);
	tls_context_put(c);
}

static void a_name_that_is_none_cannot_be_expected(void **state)
{
	struct fixture *f = *state;
	struct tls_context *c = open_two(f, NULL, 0);
	struct tls_params params = {
		.role = TLS_CLIENT, .match = TLS_MATCH_DOMAIN, .name = VIEW("192.0.2.1")};

	assert_null(tls_handshake_new(c, &params, PKI_NOW_S));
	assert_int_equal(errno, EINVAL);
	params.match = TLS_MATCH_FINGERPRINT;
	assert_null(tls_handshake_new(c, &params, PKI_NOW_S));
	assert_int_equal(errno, EINVAL);
	tls_context_put(c);
}

static void a_reload_drops_no_handshake(void **state)
{
	struct fixture *f = *state;
	struct tls_current *current = tls_current_new();
	const struct tls_params params = {.role = TLS_SERVER};
	struct tls_context *taken;
	struct tls_handshake *h;
	struct peer p;

	assert_null(tls_current_get(current));
	tls_current_set(current, context_of(&f->one, &f->ca, NULL));
	taken = tls_current_get(current);
	h = tls_handshake_new(taken, &params, PKI_NOW_S);
	tls_context_put(taken);
	peer_init(&p, &(struct peer_spec){.role = TLS_CLIENT, .shows = &f->partner});
	peer_feed(&p, VIEW_NONE);
	// The hello is with the first certificate's context; then another one is in force.
	tls_current_set(current, context_of(&f->two, &f->ca, NULL));
	assert_int_equal(peer_run(&p, h), TLS_DONE);
	assert_int_equal(X509_cmp(SSL_get0_peer_certificate(p.ssl), f->one.certificate), 0);
	tls_handshake_free(h);
	peer_fini(&p);
	taken = tls_current_get(current);
	assert_true(card_names(tls_context_certificate(taken, 0), VIEW("two.example")));
	tls_context_put(taken);
	tls_current_free(current);
}

static void only_the_suites_and_versions_that_are_wanted_are_spoken(void **state)
{
	struct fixture *f = *state;
	struct tls_context *c = context_with(&f->one, &f->ca,
		(struct tls_context_config){
			.suites = 1U << RECORD_AES_256_GCM, .version_min = RECORD_TLS13});
	const struct tls_params params = {.role = TLS_SERVER};
	static const struct peer_spec specs[] = {
		{.version = TLS1_3_VERSION, .suite = "TLS_AES_256_GCM_SHA384"},
		{.version = TLS1_3_VERSION, .suite = "TLS_AES_128_GCM_SHA256"},
		{.version = TLS1_2_VERSION},
	};
	static const enum tls_refusal refusals[] = {
		TLS_REFUSAL_none, TLS_REFUSAL_bad_suite, TLS_REFUSAL_bad_version};

	for (size_t i = 0; i < 3; i++) {
		struct tls_handshake *h = tls_handshake_new(c, &params, PKI_NOW_S);
		struct peer_spec spec = specs[i];
		struct peer p;

		spec.role = TLS_CLIENT;
		spec.shows = &f->partner;
		peer_init(&p, &spec);
		peer_run(&p, h);
		assert_string_equal(
			tls_refusal_name(tls_handshake_refusal(h)), tls_refusal_name(refusals[i]));
		tls_handshake_free(h);
		peer_fini(&p);
	}
	tls_context_put(c);
}

static void every_refusal_has_a_name_of_its_own_and_words(void **state)
{
	(void)state;
	for (int i = 0; i < TLS_REFUSAL_N; i++) {
		enum tls_refusal r = (enum tls_refusal)i;

		assert_true(strlen(tls_refusal_text(r)) > 0);
		assert_true(r == TLS_REFUSAL_none || strlen(tls_refusal_diagnosis(r)) > 0);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(
				tls_refusal_name(r), tls_refusal_name((enum tls_refusal)k));
	}
	assert_string_equal(tls_refusal_name(TLS_REFUSAL_N), "unknown");
	assert_int_equal(tls_refusal_of_alert(46), TLS_REFUSAL_peer_alert_certificate_unknown);
	assert_int_equal(tls_refusal_of_alert(99), TLS_REFUSAL_peer_alert_other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_with_a_certificate_of_ours_is_said),
		cmocka_unit_test(an_expired_certificate_is_taken_where_the_time_does_not_count),
		cmocka_unit_test(a_chain_out_of_order_is_refused),
		cmocka_unit_test(what_is_no_pem_is_refused),
		cmocka_unit_test(a_key_that_others_may_read_is_refused),
		cmocka_unit_test(something_else_than_a_file_is_refused),
		cmocka_unit_test(the_certificate_answers_that_has_the_name_asked_for),
		cmocka_unit_test(a_certificate_answers_for_all_its_names_however_many),
		cmocka_unit_test(a_certificate_answers_for_the_names_it_is_given),
		cmocka_unit_test(a_certificate_that_is_not_there_is_not_given),
		cmocka_unit_test(a_name_that_is_none_cannot_be_expected),
		cmocka_unit_test(a_reload_drops_no_handshake),
		cmocka_unit_test(only_the_suites_and_versions_that_are_wanted_are_spoken),
		cmocka_unit_test(every_refusal_has_a_name_of_its_own_and_words),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
