// SPDX-License-Identifier: BSD-3-Clause
// A handshake against an attacker. Byte 0 says how: bit 0 our role, bit 1 TLS 1.2 only, bit 2 the
// rest is what the peer sends, else a real peer is there and the rest is edits of its records:
// {record, offset high, offset low, XOR}. Bits 4 to 7: how records are cut out of the bytes.
// Whatever comes: a step ends, in bounds, and only an unedited handshake is done.

#include "control/tls/handshake.h"
#include "tests/pki/pki.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#define STEPS_MAX 200
#define EDIT      4

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static struct pki ca, ours, partner;
static struct tls_context *context;
static SSL_CTX *peer_ctx[2]; // any version, TLS 1.2

static void must(bool good)
{
	if (!good)
		abort();
}

static int accept_any(X509_STORE_CTX *ctx, void *arg)
{
	(void)ctx, (void)arg;
	return 1;
}

static SSL_CTX *open_peer(int version_max)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());

	must(ctx != NULL && SSL_CTX_set_max_proto_version(ctx, version_max) == 1 &&
		SSL_CTX_use_certificate(ctx, partner.certificate) == 1 &&
		SSL_CTX_use_PrivateKey(ctx, partner.key) == 1);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, accept_any, NULL);
	SSL_CTX_set_num_tickets(ctx, 0);
	return ctx;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct view chain, key, root;
	struct errors errors;

	(void)argc, (void)argv;
	ca = pki_issue(NULL, &(struct pki_spec){.cn = "CA", .ca = true});
	ours = pki_issue(&ca, &(struct pki_spec){.san = "DNS:contoso.example"});
	partner = pki_issue(&ca, &(struct pki_spec){.san = "DNS:fabrikam.example"});
	chain = pki_chain_pem(&ours);
	key = pki_key_pem(&ours);
	root = pki_certificate_pem(&ca);
	errors_init(&errors, "fuzz");
	context = tls_context_new(
		&(struct tls_context_config){
			.certificates =
				&(struct tls_certificate_config){
					.id = 1, .chain = {.bytes = chain}, .key = {.bytes = key}},
			.n_certificates = 1,
			.trust = &(struct tls_pem){.path = "ca.pem", .bytes = root},
			.n_trust = 1,
		},
		&errors);
	must(context != NULL);
	pki_text_free(&chain);
	pki_text_free(&key);
	pki_text_free(&root);
	peer_ctx[0] = open_peer(TLS1_3_VERSION);
	peer_ctx[1] = open_peer(TLS1_2_VERSION);
	return 0;
}

// A copy of its own size, so that a look behind its end is seen.
static enum tls_step step(struct tls_handshake *h, struct view record)
{
	uint8_t *copy = malloc(record.len + 1);
	enum tls_step result;

	must(copy != NULL);
	if (record.len > 0)
		memcpy(copy + 1, record.at, record.len);
	result = tls_handshake_step(h, view_of(copy + 1, record.len));
	free(copy);
	must((result == TLS_FAILED) == (tls_handshake_refusal(h) != TLS_REFUSAL_none));
	must(tls_handshake_card(h) == NULL || card_check(tls_handshake_card(h)) == NULL);
	return result;
}

// Records as their headers say, or as the sender of the datagram pleases.
static void feed_bytes(struct tls_handshake *h, struct view bytes, unsigned cut)
{
	enum tls_step result = TLS_WANTS_RECORD;

	for (int i = 0; i < STEPS_MAX && bytes.len > 0 && result == TLS_WANTS_RECORD; i++) {
		size_t n = bytes.len;

		if (n >= TLS_RECORD_HEADER_BYTES && cut == 0)
			n = TLS_RECORD_HEADER_BYTES + ((size_t)bytes.at[3] << 8 | bytes.at[4]);
		else if (cut > 0)
			n = cut * 5;
		n = n < bytes.len ? n : bytes.len;
		result = step(h, view_of(bytes.at, n));
		// Nobody finishes without knowing our key share.
		must(result != TLS_DONE);
		bytes = view_of(bytes.at + n, bytes.len - n);
	}
}

// A peer's whole flight, what of it we were not yet given, and how many records that were.
struct peer {
	SSL *ssl;
	BIO *in, *out;
	uint8_t flight[65536];
	size_t n;
	unsigned n_records;
	bool edited;
};

static void peer_go_on(struct peer *p, struct view bytes)
{
	char *out;
	long n;

	if (bytes.len > 0)
		BIO_write(p->in, bytes.at, (int)bytes.len);
	SSL_do_handshake(p->ssl);
	n = BIO_get_mem_data(p->out, &out);
	must(n >= 0 && p->n + (size_t)n <= sizeof(p->flight));
	if (n > 0)
		memcpy(p->flight + p->n, out, (size_t)n);
	p->n += (size_t)n;
	(void)BIO_reset(p->out);
}

static void edit(struct peer *p, size_t n_record, struct view edits)
{
	for (size_t i = 0; i + EDIT <= edits.len; i += EDIT) {
		const uint8_t *e = edits.at + i;
		size_t offset = (size_t)e[1] << 8 | e[2];

		// A length must stay, or what we are given is no record; bytes fuzz that.
		if (e[0] != p->n_records || offset >= n_record || offset == 3 || offset == 4 ||
			e[3] == 0)
			continue;
		p->flight[offset] ^= e[3];
		p->edited = true;
	}
	p->n_records++;
}

static void play(struct tls_handshake *h, struct peer *p, struct view edits, bool we_begin)
{
	enum tls_step result = TLS_WANTS_RECORD;
	struct record_secrets secrets;

	if (we_begin)
		result = step(h, VIEW_NONE);
	peer_go_on(p, we_begin ? tls_handshake_output(h) : VIEW_NONE);
	for (int i = 0; i < STEPS_MAX && result == TLS_WANTS_RECORD && p->n > 0; i++) {
		size_t n = TLS_RECORD_HEADER_BYTES + ((size_t)p->flight[3] << 8 | p->flight[4]);

		must(n <= p->n);
		edit(p, n, edits);
		result = step(h, view_of(p->flight, n));
		p->n -= n;
		memmove(p->flight, p->flight + n, p->n);
		peer_go_on(p, tls_handshake_output(h));
	}
	must(result == TLS_DONE || p->edited);
	must((result == TLS_DONE) == (tls_handshake_finish(h, &secrets) == 0));
	if (result == TLS_DONE)
		must(record_secrets_check(&secrets) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
	static struct peer p;
	bool client = n_bytes > 0 && (bytes[0] & 1) != 0;
	const struct tls_params params = {.role = client ? TLS_CLIENT : TLS_SERVER,
		.match = client ? TLS_MATCH_DOMAIN : TLS_MATCH_NONE,
		.name = VIEW("fabrikam.example")};
	struct tls_handshake *h;
	struct view rest;

	if (n_bytes < 1)
		return 0;
	rest = view_of(bytes + 1, n_bytes - 1);
	h = tls_handshake_new(context, &params, PKI_NOW_S);
	must(h != NULL);
	if ((bytes[0] & 4) != 0) {
		if (client)
			step(h, VIEW_NONE);
		feed_bytes(h, rest, bytes[0] >> 4);
		tls_handshake_free(h);
		return 0;
	}
	p = (struct peer){.ssl = SSL_new(peer_ctx[(bytes[0] & 2) != 0]),
		.in = BIO_new(BIO_s_mem()),
		.out = BIO_new(BIO_s_mem())};
	BIO_set_mem_eof_return(p.in, -1);
	SSL_set_bio(p.ssl, p.in, p.out);
	if (client)
		SSL_set_accept_state(p.ssl);
	else
		SSL_set_connect_state(p.ssl);
	play(h, &p, rest, client);
	SSL_free(p.ssl);
	tls_handshake_free(h);
	ERR_clear_error();
	return 0;
}
