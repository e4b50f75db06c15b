// SPDX-License-Identifier: BSD-3-Clause
// Full mutual TLS 1.3 handshakes (P-256 certificates, X25519) as a server, by one thread: control's
// step by step, next to a bare OpenSSL accept loop over memory BIOs. Only the server's time counts,
// of its object's making to its freeing; the clients are OpenSSL's for both.

#include "control/tls/handshake.h"
#include "tests/bench/bench.h"
#include "tests/pki/pki.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

#define N_CLIENTS    16
#define N_HANDSHAKES 400
#define FLIGHT_MAX   65536

struct world {
	struct pki ca, server, clients[N_CLIENTS];
	SSL_CTX *bare, *client_ctx[N_CLIENTS];
	struct tls_cache *cache;
	struct tls_context *fresh, *known; // without a cache, with one
};

// A client under way, and what it has sent.
struct client {
	SSL *ssl;
	BIO *in, *out;
	uint8_t flight[FLIGHT_MAX];
	size_t n;
};

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "handshakes: %s\n", what);
	exit(1);
}

static void client_step(struct client *c, struct view bytes)
{
	char *out;
	long n;

	if (bytes.len > 0)
		BIO_write(c->in, bytes.at, (int)bytes.len);
	SSL_do_handshake(c->ssl);
	n = BIO_get_mem_data(c->out, &out);
	must(n >= 0 && n <= FLIGHT_MAX, "flight");
	if (n > 0)
		memcpy(c->flight, out, (size_t)n);
	c->n = (size_t)n;
	(void)BIO_reset(c->out);
}

static void client_start(struct client *c, SSL_CTX *ctx)
{
	c->ssl = SSL_new(ctx);
	c->in = BIO_new(BIO_s_mem());
	c->out = BIO_new(BIO_s_mem());
	BIO_set_mem_eof_return(c->in, -1);
	SSL_set_bio(c->ssl, c->in, c->out);
	SSL_set_connect_state(c->ssl);
	client_step(c, VIEW_NONE);
}

static uint64_t handshake_bare(struct world *w, struct client *c)
{
	uint64_t start_ns = bench_cpu_ns(), spent_ns = 0;
	SSL *ssl = SSL_new(w->bare);
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	bool done = false;

	BIO_set_mem_eof_return(in, -1);
	SSL_set_bio(ssl, in, out);
	SSL_set_accept_state(ssl);
	for (int i = 0; i < 2; i++) {
		char *bytes;
		long n;

		BIO_write(in, c->flight, (int)c->n);
		done = SSL_do_handshake(ssl) == 1;
		spent_ns += bench_cpu_ns() - start_ns;
		n = BIO_get_mem_data(out, &bytes);
		if (!done)
			client_step(c, view_of(bytes, (size_t)n));
		(void)BIO_reset(out);
		start_ns = bench_cpu_ns();
	}
	must(done, "the bare handshake is not done");
	SSL_free(ssl);
	return spent_ns + bench_cpu_ns() - start_ns;
}

static uint64_t handshake_ours(struct tls_context *context, struct client *c)
{
	static const struct tls_params params = {.role = TLS_SERVER};
	uint64_t start_ns = bench_cpu_ns(), spent_ns = 0;
	struct tls_handshake *h = tls_handshake_new(context, &params, PKI_NOW_S);
	enum tls_step step = TLS_WANTS_RECORD;
	struct record_secrets secrets;

	for (int flight = 0; flight < 2; flight++) {
		size_t at = 0;

		while (at < c->n && step == TLS_WANTS_RECORD) {
			size_t n = TLS_RECORD_HEADER_BYTES +
				((size_t)c->flight[at + 3] << 8 | c->flight[at + 4]);

			step = tls_handshake_step(h, view_of(c->flight + at, n));
			at += n;
		}
		spent_ns += bench_cpu_ns() - start_ns;
		if (step == TLS_WANTS_RECORD)
			client_step(c, tls_handshake_output(h));
		start_ns = bench_cpu_ns();
	}
	must(step == TLS_DONE, "our handshake is not done");
	must(tls_handshake_finish(h, &secrets) == 0, "no secrets");
	bench_keep(secrets.send.traffic[0]);
	tls_handshake_free(h);
	return spent_ns + bench_cpu_ns() - start_ns;
}

// Nanoseconds a handshake; context NULL: the bare loop.
static double run(struct world *w, struct tls_context *context, unsigned n)
{
	static struct client c;
	uint64_t ns = 0;

	for (unsigned i = 0; i < n; i++) {
		client_start(&c, w->client_ctx[i % N_CLIENTS]);
		ns += context == NULL ? handshake_bare(w, &c) : handshake_ours(context, &c);
		SSL_free(c.ssl);
	}
	return (double)ns / n;
}

static SSL_CTX *open_bare(const struct pki *identity, const struct pki *ca)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());

	must(SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1 &&
			SSL_CTX_set1_groups_list(ctx, "X25519") == 1 &&
			SSL_CTX_use_certificate(ctx, identity->certificate) == 1 &&
			SSL_CTX_use_PrivateKey(ctx, identity->key) == 1 &&
			SSL_CTX_set_num_tickets(ctx, 0) == 1,
		"bare context");
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	if (ca == NULL)
		return ctx;
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca->certificate);
	X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(ctx), (time_t)PKI_NOW_S);
	return ctx;
}

static struct tls_context *open_ours(const struct world *w, struct tls_cache *cache)
{
	struct view chain = pki_chain_pem(&w->server), key = pki_key_pem(&w->server);
	struct view root = pki_certificate_pem(&w->ca);
	const struct tls_certificate_config certificate = {
		.id = 1, .chain = {.bytes = chain}, .key = {.bytes = key}};
	const struct tls_pem trust = {.path = "ca.pem", .bytes = root};
	struct tls_context *c;
	struct errors errors;

	errors_init(&errors, "handshakes");
	c = tls_context_new(&(struct tls_context_config){.certificates = &certificate,
				    .n_certificates = 1,
				    .trust = &trust,
				    .n_trust = 1,
				    .cache = cache},
		&errors);
	must(c != NULL, "context");
	pki_text_free(&chain);
	pki_text_free(&key);
	pki_text_free(&root);
	return c;
}

static void open_world(struct world *w)
{
	char san[64];

	w->ca = pki_issue(NULL, &(struct pki_spec){.cn = "bench CA", .ca = true});
	w->server = pki_issue(&w->ca,
		&(struct pki_spec){.cn = "relay",
			.san = "DNS:contoso.example",
			.eku = "serverAuth,clientAuth"});
	for (unsigned i = 0; i < N_CLIENTS; i++) {
		snprintf(san, sizeof(san), "DNS:partner%u.example", i);
		w->clients[i] = pki_issue(&w->ca,
			&(struct pki_spec){
				.cn = "partner", .san = san, .eku = "serverAuth,clientAuth"});
		w->client_ctx[i] = open_bare(&w->clients[i], NULL);
	}
	w->bare = open_bare(&w->server, &w->ca);
	w->cache = tls_cache_new();
	must(w->cache != NULL, "cache");
	w->fresh = open_ours(w, NULL);
	w->known = open_ours(w, w->cache);
}

static void close_world(struct world *w)
{
	tls_context_put(w->fresh);
	tls_context_put(w->known);
	tls_cache_free(w->cache);
	SSL_CTX_free(w->bare);
	for (unsigned i = 0; i < N_CLIENTS; i++) {
		SSL_CTX_free(w->client_ctx[i]);
		pki_free(&w->clients[i]);
	}
	pki_free(&w->server);
	pki_free(&w->ca);
}

int main(int argc, char **argv)
{
	static struct bench_samples bare, fresh, known;
	struct world w;
	unsigned n;

	bench_init(argc, argv, "handshakes");
	n = bench_quick() ? N_CLIENTS : N_HANDSHAKES;
	open_world(&w);
	run(&w, w.known, N_CLIENTS);
	for (unsigned i = 0; i < BENCH_RUNS; i++) {
		bench_add(&bare, run(&w, NULL, n));
		bench_add(&fresh, run(&w, w.fresh, n));
		bench_add(&known, run(&w, w.known, n));
	}
	bench_report("bare OpenSSL", &bare, 1e9, "handshakes/s", NULL, NULL);
	bench_report(
		"ours, unknown certificates", &fresh, 1e9, "handshakes/s", "bare OpenSSL", &bare);
	bench_report(
		"ours, known certificates", &known, 1e9, "handshakes/s", "bare OpenSSL", &bare);
	close_world(&w);
	return 0;
}
