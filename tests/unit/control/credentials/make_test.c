// SPDX-License-Identifier: BSD-3-Clause
// From a document and a folder to what handshakes go by.

#include "tests/unit/control/tls/peer.h"

#include "control/credentials/make.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
	struct pki ca, edge, lab, own_ca, partner;
	char dir[40];
	struct errors errors;
	struct tls_context *made[SIDE_N];
};

static const char *const files[] = {
	"edge.pem", "edge.key", "lab.pem", "lab.key", "ca.pem", "own-ca.pem", NULL};

static void write_file(const struct fixture *f, const char *name, struct view text, mode_t mode)
{
	char path[128];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	out = fopen(path, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(text.at, 1, text.len, out), text.len);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void write_pair(
	const struct fixture *f, const char *chain, const char *key, const struct pki *certificate)
{
	struct view text = pki_chain_pem(certificate);

	write_file(f, chain, text, 0644);
	pki_text_free(&text);
	if (key == NULL)
		return;
	text = pki_key_pem(certificate);
	write_file(f, key, text, 0600);
	pki_text_free(&text);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->ca = pki_issue(NULL, &(struct pki_spec){.cn = "partners' CA", .ca = true});
	f->own_ca = pki_issue(NULL, &(struct pki_spec){.cn = "own CA", .ca = true});
	f->edge = pki_issue(&f->ca, &(struct pki_spec){.san = "DNS:contoso.example"});
	f->lab = pki_issue(&f->ca, &(struct pki_spec){.san = "DNS:lab.example"});
	f->partner = pki_issue(&f->ca, &(struct pki_spec){.san = "DNS:fabrikam.example"});
	strcpy(f->dir, "/tmp/credentials-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	write_pair(f, "edge.pem", "edge.key", &f->edge);
	write_pair(f, "lab.pem", "lab.key", &f->lab);
	write_pair(f, "ca.pem", NULL, &f->ca);
	write_pair(f, "own-ca.pem", NULL, &f->own_ca);
	*state = f;
	return 0;
}

static void put_made(struct fixture *f)
{
	for (unsigned side = 0; side < SIDE_N; side++) {
		tls_context_put(f->made[side]);
		f->made[side] = NULL;
	}
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char path[128];

	put_made(f);
	for (unsigned i = 0; files[i] != NULL; i++) {
		snprintf(path, sizeof(path), "%s/%s", f->dir, files[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(f->dir), 0);
	pki_free(&f->ca);
	pki_free(&f->own_ca);
	pki_free(&f->edge);
	pki_free(&f->lab);
	pki_free(&f->partner);
	free(f);
	return 0;
}

// A document with these certificates and tls sections.
static int make(struct fixture *f, const char *certificates, const char *tls)
{
	const struct credentials_source source = {.folder = f->dir, .now_s = PKI_NOW_S};
	struct document *document;
	char text[2048];
	int error;

	snprintf(text, sizeof(text),
		"federation: {enabled: true, sip: true}\n"
		"%s%s"
		"local_domains:\n"
		"  - {domain: contoso.example, servers: [\"udp:10.0.0.2:5060\"]}\n",
		certificates, tls);
	errors_init(&f->errors, "document");
	document = document_parse(view_string(text), &f->errors);
	if (document == NULL)
		fail_msg("%s", f->errors.text[0]);
	error = credentials_make(&source, document, f->made, &f->errors);
	document_free(document);
	return error;
}

// Why a partner that shows that certificate is refused by a context.
static enum tls_refusal judge(struct tls_context *c, const struct pki *partner)
{
	const struct tls_params params = {.role = TLS_SERVER};
	const struct peer_spec spec = {.role = TLS_CLIENT, .shows = partner};
	struct tls_handshake *h = tls_handshake_new(c, &params, PKI_NOW_S);
	enum tls_refusal refusal;
	struct peer p;

	assert_non_null(h);
	peer_init(&p, &spec);
	refusal = peer_run(&p, h) == TLS_DONE ? TLS_REFUSAL_none : tls_handshake_refusal(h);
	tls_handshake_free(h);
	peer_fini(&p);
	return refusal;
}

#define BOTH                                                       \
	"certificates:\n"                                          \
	"  - {name: edge, certificate: edge.pem, key: edge.key}\n" \
	"  - {name: lab, certificate: lab.pem, key: lab.key}\n"

static void a_document_without_certificates_has_no_credentials(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(make(f, "", ""), 0);
	assert_null(f->made[SIDE_INSIDE]);
	assert_null(f->made[SIDE_OUTSIDE]);
}

static void certificates_are_known_by_their_names_on_both_sides(void **state)
{
	struct fixture *f = *state;
	uint32_t lab = image_certificate_id(VIEW("lab"));

	assert_int_equal(make(f, BOTH, "tls: {trust: [ca.pem]}\n"), 0);
	for (unsigned side = 0; side < SIDE_N; side++) {
		assert_non_null(f->made[side]);
		assert_true(card_proves(
			tls_context_certificate(f->made[side], 0), VIEW("contoso.example")));
		assert_true(card_proves(
			tls_context_certificate(f->made[side], lab), VIEW("lab.example")));
		assert_null(tls_context_certificate(f->made[side], lab + 1));
	}
}

static void a_missing_file_is_named(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(make(f,
				 "certificates:\n"
				 "  - {name: edge, certificate: gone.pem, key: edge.key}\n",
				 "tls: {trust: [ca.pem]}\n"),
		-EINVAL);
	assert_non_null(strstr(f->errors.text[0], "gone.pem"));
	assert_int_equal(make(f, BOTH, "tls: {trust: [gone.pem]}\n"), -EINVAL);
	assert_non_null(strstr(f->errors.text[0], "gone.pem"));
	assert_int_equal(make(f, BOTH, "tls: {trust: [ca.pem], crl: [gone.crl]}\n"), -EINVAL);
	assert_non_null(strstr(f->errors.text[0], "gone.crl"));
}

static void a_key_of_another_certificate_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(make(f,
				 "certificates:\n"
				 "  - {name: edge, certificate: edge.pem, key: lab.key}\n",
				 "tls: {trust: [ca.pem]}\n"),
		-EINVAL);
	assert_non_null(strstr(f->errors.text[0], "does not belong"));
}

static void a_key_that_others_may_read_is_refused(void **state)
{
	struct fixture *f = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/edge.key", f->dir);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(make(f, BOTH, "tls: {trust: [ca.pem]}\n"), -EINVAL);
	assert_non_null(strstr(f->errors.text[0], "edge.key"));
}

// What the outside trusts vouches for nobody inside that has roots of its own, and the other way.
static void each_side_has_its_own_roots(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(make(f, BOTH, "tls: {trust: [ca.pem], trust_inside: [own-ca.pem]}\n"), 0);
	assert_int_equal(judge(f->made[SIDE_OUTSIDE], &f->partner), TLS_REFUSAL_none);
	assert_int_equal(judge(f->made[SIDE_INSIDE], &f->partner), TLS_REFUSAL_unknown_ca);
	put_made(f);
	assert_int_equal(make(f, BOTH, "tls: {trust: [ca.pem]}\n"), 0);
	assert_int_equal(judge(f->made[SIDE_INSIDE], &f->partner), TLS_REFUSAL_none);
}

// Of a domain in the document, and of hosts that a partner is known by.
static void names_of_the_documents_partners_come_first_in_a_card(void **state)
{
	static const struct tls_params params = {.role = TLS_SERVER};
	static const char certificates[] =
		BOTH "partners:\n"
		     "  - {name: hosted, next_hops: [\"tls:192.0.2.2:5061\"], identity: host, "
		     "hosts: [proxy.example]}\n"
		     "allow:\n"
		     "  - {domain: B\xc3\xbc"
		     "cher.example, partner: hosted}\n";
	struct fixture *f = *state;
	char san[1024] = "";
	struct peer_outcome o;
	struct pki partner;
	size_t n = 0;

	for (int i = 0; i < 40; i++)
		n += (size_t)snprintf(san + n, sizeof(san) - n, "DNS:d%d.example,", i);
	snprintf(san + n, sizeof(san) - n,
		"DNS:other.example,DNS:proxy.example,DNS:xn--bcher-kva.example");
	partner = pki_issue(&f->ca, &(struct pki_spec){.san = san});
	assert_int_equal(make(f, certificates, "tls: {trust: [ca.pem]}\n"), 0);
	o = peer_shake(f->made[SIDE_OUTSIDE], &params, &partner, PKI_NOW_S, TLS1_3_VERSION);
	assert_int_equal(o.refusal, TLS_REFUSAL_none);
	assert_true(card_names(&o.card, VIEW("proxy.example")));
	assert_true(card_names(&o.card, VIEW("xn--bcher-kva.example")));
	assert_false(card_names(&o.card, VIEW("other.example")));
	assert_int_equal(o.card.n_left_out, 43 - CARD_NAMES_MAX);
	pki_free(&partner);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_document_without_certificates_has_no_credentials),
		CASE(certificates_are_known_by_their_names_on_both_sides),
		CASE(a_missing_file_is_named),
		CASE(a_key_of_another_certificate_is_refused),
		CASE(a_key_that_others_may_read_is_refused),
		CASE(each_side_has_its_own_roots),
		CASE(names_of_the_documents_partners_come_first_in_a_card),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
