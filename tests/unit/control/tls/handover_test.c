// SPDX-License-Identifier: BSD-3-Clause
// Our handshake against a plain OpenSSL peer: every suite, version and role, what lies at the
// border to the record layer, and what bounds it.

#include "control/tls/handshake_state.h"
#include "tests/unit/control/tls/aead.h"
#include "tests/unit/control/tls/peer.h"

#include <errno.h>

#define CHANGE_CIPHER_SPEC 20
#define FINISHED           20

struct fixture {
	struct pki ca, ours, partner, ours_rsa, partner_rsa;
	struct tls_context *context, *context_rsa;
};

static int setup(void **state)
{
	static const struct pki_spec ca = {.cn = "test CA", .ca = true};
	static const struct pki_spec ours = {.cn = "ours", .san = "DNS:contoso.example"};
	static const struct pki_spec partner = {.cn = "partner", .san = "DNS:fabrikam.example"};
	struct pki_spec rsa;
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->ca = pki_issue(NULL, &ca);
	f->ours = pki_issue(&f->ca, &ours);
	f->partner = pki_issue(&f->ca, &partner);
	rsa = ours;
	rsa.key = PKI_RSA;
	f->ours_rsa = pki_issue(&f->ca, &rsa);
	rsa = partner;
	rsa.key = PKI_RSA;
	f->partner_rsa = pki_issue(&f->ca, &rsa);
	f->context = context_of(&f->ours, &f->ca, NULL);
	f->context_rsa = context_of(&f->ours_rsa, &f->ca, NULL);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	tls_context_put(f->context);
	tls_context_put(f->context_rsa);
	pki_free(&f->ca);
	pki_free(&f->ours);
	pki_free(&f->partner);
	pki_free(&f->ours_rsa);
	pki_free(&f->partner_rsa);
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

static enum tls_role other(enum tls_role role)
{
	return role == TLS_SERVER ? TLS_CLIENT : TLS_SERVER;
}

struct combination {
	int version;
	const char *suite;
	enum record_suite as;
	bool rsa;
};

static const struct combination combinations[] = {
	{TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256", RECORD_AES_128_GCM, false},
	{TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384", RECORD_AES_256_GCM, false},
	{TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256", RECORD_CHACHA20_POLY1305, false},
	{TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256", RECORD_AES_128_GCM, true},
	{TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", RECORD_AES_128_GCM, false},
	{TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384", RECORD_AES_256_GCM, false},
	{TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305", RECORD_CHACHA20_POLY1305, false},
	{TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", RECORD_AES_128_GCM, true},
	{TLS1_2_VERSION, "ECDHE-RSA-AES256-GCM-SHA384", RECORD_AES_256_GCM, true},
	{TLS1_2_VERSION, "ECDHE-RSA-CHACHA20-POLY1305", RECORD_CHACHA20_POLY1305, true},
};

#define N_COMBINATIONS (sizeof(combinations) / sizeof(combinations[0]))

// The peer's next record opens to this text.
static void must_open(struct peer *p, struct record_secrets *s, const char *text)
{
	struct view record = peer_record(p);
	uint8_t plaintext[16384], type;
	int n;

	assert_true(record.len > 0);
	n = aead_open(s, record, plaintext, &type);
	assert_int_equal(n, strlen(text));
	assert_int_equal(type, AEAD_TYPE_DATA);
	assert_memory_equal(plaintext, text, (size_t)n);
	peer_taken(p, record.len);
}

static void must_seal(struct peer *p, struct record_secrets *s, const char *text)
{
	uint8_t record[1200];
	size_t n = aead_seal(s, AEAD_TYPE_DATA, view_string(text), record);

	peer_feed(p, view_of(record, n));
	peer_must_read(p, text);
}

static void exchange(struct fixture *f, const struct combination *c, enum tls_role role)
{
	struct tls_handshake *h = start(c->rsa ? f->context_rsa : f->context, role);
	struct record_secrets s;
	struct tls_handshake_facts facts;
	struct peer p;

	peer_init(&p,
		&(struct peer_spec){.role = other(role),
			.shows = c->rsa ? &f->partner_rsa : &f->partner,
			.version = c->version,
			.suite = c->suite});
	assert_int_equal(peer_run(&p, h), TLS_DONE);
	assert_true(p.done);
	facts = tls_handshake_facts(h);
	assert_int_equal(facts.suite, c->as);
	assert_int_equal(facts.version, c->version == TLS1_3_VERSION ? RECORD_TLS13 : RECORD_TLS12);
	assert_int_equal(tls_handshake_finish(h, &s), 0);
	assert_int_equal(s.suite, c->as);
	assert_int_equal(s.receive.sequence, c->version == TLS1_3_VERSION ? 0 : 1);
	assert_int_equal(s.send.sequence, c->version == TLS1_3_VERSION ? 0 : 1);
	assert_int_equal(tls_handshake_finish(h, &s), -EINVAL);
	tls_handshake_free(h);
	// The session goes on without its handshake, in both directions.
	for (int i = 0; i < 3; i++) {
		peer_write(&p, "from the peer");
		must_open(&p, &s, "from the peer");
		must_seal(&p, &s, "from us");
	}
	peer_fini(&p);
}

static void every_suite_version_and_role_is_handed_over(void **state)
{
	for (size_t i = 0; i < N_COMBINATIONS; i++) {
		exchange(*state, &combinations[i], TLS_SERVER);
		exchange(*state, &combinations[i], TLS_CLIENT);
	}
}

static void data_right_behind_a_clients_finished_is_left_to_the_record_layer(void **state)
{
	struct fixture *f = *state;
	struct tls_handshake *h = start(f->context, TLS_SERVER);
	enum tls_step step = TLS_WANTS_RECORD;
	struct record_secrets s;
	struct peer p;

	peer_init(&p,
		&(struct peer_spec){
			.role = TLS_CLIENT, .shows = &f->partner, .version = TLS1_3_VERSION});
	peer_feed(&p, VIEW_NONE);
	assert_int_equal(tls_handshake_step(h, peer_record(&p)), TLS_WANTS_RECORD);
	peer_taken(&p, peer_record(&p).len);
	// Its whole last flight and what it says next lie there at once.
	peer_feed(&p, tls_handshake_output(h));
	assert_true(p.done);
	peer_write(&p, "first");
	peer_write(&p, "second");
	while (step == TLS_WANTS_RECORD) {
		size_t n = peer_record(&p).len;

		step = tls_handshake_step(h, peer_record(&p));
		peer_taken(&p, n);
	}
	assert_int_equal(step, TLS_DONE);
	assert_int_equal(tls_handshake_output(h).len, 0);
	assert_int_equal(tls_handshake_finish(h, &s), 0);
	must_open(&p, &s, "first");
	must_open(&p, &s, "second");
	assert_int_equal(p.n_sent, 0);
	tls_handshake_free(h);
	peer_fini(&p);
}

static void data_right_behind_a_tls12_servers_finished_is_left_to_the_record_layer(void **state)
{
	struct fixture *f = *state;
	struct tls_handshake *h = start(f->context, TLS_CLIENT);
	enum tls_step step;
	struct record_secrets s;
	struct peer p;

	peer_init(&p,
		&(struct peer_spec){
			.role = TLS_SERVER, .shows = &f->partner, .version = TLS1_2_VERSION});
	step = tls_handshake_step(h, VIEW_NONE);
	peer_feed(&p, tls_handshake_output(h));
	while (step == TLS_WANTS_RECORD && peer_record(&p).len > 0) {
		size_t n = peer_record(&p).len;

		step = tls_handshake_step(h, peer_record(&p));
		peer_taken(&p, n);
		if (!p.done)
			peer_feed(&p, tls_handshake_output(h));
		if (p.done && step == TLS_WANTS_RECORD && peer_record(&p).at[0] == 20)
			peer_write(&p, "welcome");
	}
	assert_int_equal(step, TLS_DONE);
	assert_int_equal(tls_handshake_finish(h, &s), 0);
	must_open(&p, &s, "welcome");
	assert_int_equal(p.n_sent, 0);
	tls_handshake_free(h);
	peer_fini(&p);
}

static void tickets_of_a_tls13_server_count_as_its_first_records(void **state)
{
	struct fixture *f = *state;
	struct tls_handshake *h = start(f->context, TLS_CLIENT);
	struct record_secrets s;
	uint8_t plaintext[16384], type;
	struct peer p;

	peer_init(&p,
		&(struct peer_spec){.role = TLS_SERVER,
			.shows = &f->partner,
			.version = TLS1_3_VERSION,
			.n_tickets = 2});
	assert_int_equal(peer_run(&p, h), TLS_DONE);
	assert_int_equal(tls_handshake_finish(h, &s), 0);
	peer_write(&p, "after tickets");
	for (int i = 0; i < 2; i++) {
		assert_true(aead_open(&s, peer_record(&p), plaintext, &type) > 0);
		assert_int_equal(type, AEAD_TYPE_HANDSHAKE);
		peer_taken(&p, peer_record(&p).len);
	}
	must_open(&p, &s, "after tickets");
	tls_handshake_free(h);
	peer_fini(&p);
}

static void secrets_are_not_given_before_the_end(void **state)
{
	struct fixture *f = *state;
	struct tls_handshake *h = start(f->context, TLS_SERVER);
	struct record_secrets s;

	assert_int_equal(tls_handshake_finish(h, &s), -EINVAL);
	assert_null(tls_handshake_card(h));
	tls_handshake_free(h);
}

// Puts a message more into the record of the client's Finished, with the keys that the client has.
static void add_message(struct peer *p, struct view message)
{
	struct tls_handshake client = {
		.ssl = p->ssl, .role = TLS_CLIENT, .sent_change_cipher_spec = true};
	struct view record = peer_record(p);
	struct record_secrets s, swapped;
	uint8_t plaintext[256], type;
	int n;

	assert_true(tls_extract(&client, &s));
	s.send.sequence = 0;
	swapped = s;
	swapped.receive = s.send;
	memcpy(client.explicit_nonce, record.at + TLS_RECORD_HEADER_BYTES, 8);
	s.explicit_nonce = 0;
	for (int i = 0; i < 8; i++)
		s.explicit_nonce = s.explicit_nonce << 8 | client.explicit_nonce[i];
	n = aead_open(&swapped, record, plaintext, &type);
	assert_int_equal(type, AEAD_TYPE_HANDSHAKE);
	assert_int_equal(plaintext[0], FINISHED);
	memcpy(plaintext + n, message.at, message.len);
	assert_int_equal(p->n_sent, record.len);
	p->n_sent = aead_seal(
		&s, AEAD_TYPE_HANDSHAKE, view_of(plaintext, (size_t)n + message.len), p->sent);
}

static enum tls_step finish_with(struct fixture *f, struct view message, enum tls_refusal *refusal)
{
	struct tls_handshake *h = start(f->context, TLS_SERVER);
	enum tls_step step = TLS_WANTS_RECORD;
	bool ciphered = false;
	struct view record;
	struct peer p;

	peer_init(&p,
		&(struct peer_spec){.role = TLS_CLIENT,
			.shows = &f->partner,
			.version = TLS1_2_VERSION,
			.suite = "ECDHE-ECDSA-AES128-GCM-SHA256"});
	peer_feed(&p, VIEW_NONE);
	while (step == TLS_WANTS_RECORD && (record = peer_record(&p)).len > 0) {
		if (ciphered && message.len > 0)
			add_message(&p, message);
		ciphered = record.at[0] == CHANGE_CIPHER_SPEC;
		record = peer_record(&p);
		step = tls_handshake_step(h, record);
		peer_taken(&p, record.len);
		peer_feed(&p, tls_handshake_output(h));
	}
	*refusal = tls_handshake_refusal(h);
	tls_handshake_free(h);
	peer_fini(&p);
	return step;
}

static void a_message_behind_finished_in_its_record_is_refused(void **state)
{
	static const uint8_t hello[] = {1, 0, 0, 2, 3, 3};
	enum tls_refusal refusal;

	assert_int_equal(finish_with(*state, VIEW_NONE, &refusal), TLS_DONE);
	assert_int_equal(finish_with(*state, view_of(hello, sizeof(hello)), &refusal), TLS_FAILED);
	assert_string_equal(tls_refusal_name(refusal), tls_refusal_name(TLS_REFUSAL_surplus));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_suite_version_and_role_is_handed_over),
		cmocka_unit_test(data_right_behind_a_clients_finished_is_left_to_the_record_layer),
		cmocka_unit_test(
			data_right_behind_a_tls12_servers_finished_is_left_to_the_record_layer),
		cmocka_unit_test(tickets_of_a_tls13_server_count_as_its_first_records),
		cmocka_unit_test(secrets_are_not_given_before_the_end),
		cmocka_unit_test(a_message_behind_finished_in_its_record_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
