// SPDX-License-Identifier: BSD-3-Clause
// Handshakes of TLS 1.2 whose messages somebody changes on the way: they are in the clear there.

#include "tests/unit/control/tls/peer.h"

#define CERTIFICATE        11
#define CERTIFICATE_VERIFY 15
#define HANDSHAKE          22
#define NAME               "fabrikam.example"

struct fixture {
	struct pki ca, ours, partner;
	struct tls_context *context;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->ca = pki_issue(NULL, &(struct pki_spec){.cn = "test CA", .ca = true});
	f->ours = pki_issue(&f->ca, &(struct pki_spec){.san = "DNS:contoso.example"});
	f->partner = pki_issue(&f->ca, &(struct pki_spec){.san = "DNS:" NAME});
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

// A byte of a message of the client's: from the message's start, or negative, from its end.
static enum tls_refusal tamper(const struct fixture *f, const struct pki *shows, uint8_t message,
	long offset, uint8_t flip)
{
	const struct tls_params params = {.role = TLS_SERVER};
	struct tls_handshake *h = tls_handshake_new(f->context, &params, PKI_NOW_S);
	enum tls_step step = TLS_WANTS_RECORD;
	enum tls_refusal refusal;
	struct view record;
	struct peer p;

	peer_init(&p,
		&(struct peer_spec){.role = TLS_CLIENT, .shows = shows, .version = TLS1_2_VERSION});
	peer_feed(&p, VIEW_NONE);
	while (step == TLS_WANTS_RECORD && (record = peer_record(&p)).len > 0) {
		uint8_t *body = p.sent + TLS_RECORD_HEADER_BYTES;

		if (record.at[0] == HANDSHAKE && body[0] == message)
			body[offset >= 0 ? offset
					 : (long)record.len - TLS_RECORD_HEADER_BYTES + offset] ^=
				flip;
		step = tls_handshake_step(h, record);
		peer_taken(&p, record.len);
		peer_feed(&p, tls_handshake_output(h));
	}
	refusal = tls_handshake_refusal(h);
	assert_int_equal(step, refusal == TLS_REFUSAL_none ? TLS_DONE : TLS_FAILED);
	tls_handshake_free(h);
	peer_fini(&p);
	return refusal;
}

static void expect(enum tls_refusal got, enum tls_refusal wanted)
{
	assert_string_equal(tls_refusal_name(got), tls_refusal_name(wanted));
}

static void nothing_changed_is_accepted(void **state)
{
	struct fixture *f = *state;

	expect(tamper(f, &f->partner, CERTIFICATE, -1, 0), TLS_REFUSAL_none);
}

static void a_certificate_whose_signature_is_wrong_is_refused(void **state)
{
	struct fixture *f = *state;

	expect(tamper(f, &f->partner, CERTIFICATE, -1, 1), TLS_REFUSAL_bad_signature);
}

static void a_certificate_that_cannot_be_read_is_refused(void **state)
{
	struct fixture *f = *state;

	// Behind the message's header and the lengths of list and certificate.
	expect(tamper(f, &f->partner, CERTIFICATE, 4 + 3 + 3, 0x10), TLS_REFUSAL_bad_certificate);
}

static void a_peer_without_its_certificates_key_is_refused(void **state)
{
	struct fixture *f = *state;

	expect(tamper(f, &f->partner, CERTIFICATE_VERIFY, -1, 1), TLS_REFUSAL_bad_proof);
}

static void a_message_of_another_length_breaks_the_protocol(void **state)
{
	struct fixture *f = *state;

	expect(tamper(f, &f->partner, CERTIFICATE, 6, 1), TLS_REFUSAL_protocol);
}

#define N_ISSUERS 10

static void a_chain_of_many_issuers_is_refused(void **state)
{
	struct fixture *f = *state;
	struct pki issuers[N_ISSUERS], leaf;
	char name[16];

	for (int i = 0; i < N_ISSUERS; i++) {
		snprintf(name, sizeof(name), "sub %d", i);
		issuers[i] = pki_issue(i > 0 ? &issuers[i - 1] : &f->ca,
			&(struct pki_spec){.cn = name, .ca = true});
	}
	leaf = pki_issue(&issuers[N_ISSUERS - 1], &(struct pki_spec){.san = "DNS:" NAME});
	expect(tamper(f, &leaf, CERTIFICATE, -1, 0), TLS_REFUSAL_chain_too_long);
	pki_free(&leaf);
	leaf = pki_issue(&issuers[5], &(struct pki_spec){.san = "DNS:" NAME});
	expect(tamper(f, &leaf, CERTIFICATE, -1, 0), TLS_REFUSAL_none);
	pki_free(&leaf);
	for (int i = 0; i < N_ISSUERS; i++)
		pki_free(&issuers[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_changed_is_accepted),
		cmocka_unit_test(a_certificate_whose_signature_is_wrong_is_refused),
		cmocka_unit_test(a_certificate_that_cannot_be_read_is_refused),
		cmocka_unit_test(a_peer_without_its_certificates_key_is_refused),
		cmocka_unit_test(a_message_of_another_length_breaks_the_protocol),
		cmocka_unit_test(a_chain_of_many_issuers_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
