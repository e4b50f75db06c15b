// SPDX-License-Identifier: BSD-3-Clause
// Records sealed and opened, TLS 1.3 unless said otherwise, next to OpenSSL's EVP by itself: one
// context that gets key and nonce anew for each record, and does nothing else of a record layer.
// Then many sessions in turn, in an order of chance: what the expanded keys that are kept save.

#include "lib/record/record.h"
#include "tests/bench/bench.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASELINE    "EVP re-keyed"
#define BYTES_A_RUN (UINT64_C(24) << 20)
#define N_SESSIONS  10000
#define KEYS_OF_ALL 32768

static const char *const suite_names[RECORD_SUITE_N] = {
	[RECORD_AES_128_GCM] = "AES-128-GCM",
	[RECORD_AES_256_GCM] = "AES-256-GCM",
	[RECORD_CHACHA20_POLY1305] = "ChaCha20-Poly1305",
};

struct end {
	struct record_crypto *crypto;
	struct record_session session;
};

struct work {
	struct end sender, receiver;
	EVP_CIPHER_CTX *evp;
	uint8_t text[RECORD_TEXT_BYTES_MAX], sealed[RECORD_BYTES_MAX], out[RECORD_BYTES_MAX];
	size_t n_text, n_sealed;
	unsigned n_records;
};

_Noreturn static void die(const char *what)
{
	fprintf(stderr, "record: %s\n", what);
	exit(1);
}

static void make_secrets(struct record_secrets *send, struct record_secrets *receive,
	enum record_version version, enum record_suite suite)
{
	struct record_secret one = {0}, two;

	if (version == RECORD_TLS13)
		memset(one.traffic, 0x5a, suite == RECORD_AES_256_GCM ? 48 : 32);
	else
		memset(one.key, 0x5a, suite == RECORD_AES_128_GCM ? 16 : 32);
	two = one;
	two.traffic[0] ^= version == RECORD_TLS13;
	two.key[0] ^= version == RECORD_TLS12;
	*send = (struct record_secrets){
		.version = (uint8_t)version, .suite = (uint8_t)suite, .send = one, .receive = two};
	*receive = *send;
	receive->send = two;
	receive->receive = one;
}

static void begin(struct end *e, uint32_t n_keys, enum record_provider provider,
	const struct record_secrets *secrets, enum record_role role)
{
	const struct record_crypto_config config = {.provider = provider, .n_keys = n_keys};

	e->crypto = record_crypto_new(&config);
	if (e->crypto == NULL || record_session_begin(&e->session, e->crypto, secrets, role) != 0)
		die("no session");
}

static struct work *work_new(
	enum record_version version, enum record_suite suite, enum record_provider provider)
{
	struct work *w = calloc(1, sizeof(*w));
	struct record_secrets send, receive;
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, suite_names[suite], NULL);

	if (w == NULL || cipher == NULL)
		die("no memory");
	make_secrets(&send, &receive, version, suite);
	begin(&w->sender, RECORD_N_KEYS_DEFAULT, provider, &send, RECORD_OPENED);
	begin(&w->receiver, RECORD_N_KEYS_DEFAULT, provider, &receive, RECORD_ACCEPTED);
	w->evp = EVP_CIPHER_CTX_new();
	if (w->evp == NULL ||
		EVP_CipherInit_ex(w->evp, cipher, NULL, w->sender.session.send.key,
			w->sender.session.send.iv, 1) != 1)
		die("no EVP");
	EVP_CIPHER_free(cipher);
	memset(w->text, 'x', sizeof(w->text));
	return w;
}

static void work_free(struct work *w)
{
	record_session_end(&w->sender.session, w->sender.crypto);
	record_session_end(&w->receiver.session, w->receiver.crypto);
	record_crypto_free(w->sender.crypto);
	record_crypto_free(w->receiver.crypto);
	EVP_CIPHER_CTX_free(w->evp);
	free(w);
}

static void seal(struct work *w)
{
	const struct view text = view_of(w->text, w->n_text);

	w->n_sealed = record_seal(&w->sender.session, w->sender.crypto, &text, 1, w->sealed);
	if (w->n_sealed == 0)
		die("not sealed");
}

static void seal_in_place(struct work *w)
{
	if (record_seal_in_place(&w->sender.session, w->sender.crypto, w->out, w->n_text) == 0)
		die("not sealed");
}

// The same record again: its sequence number is turned back.
static void open_again(struct work *w)
{
	const struct view record = view_of(w->sealed, w->n_sealed);
	struct record_opened opened;

	w->receiver.session.receive.sequence = w->sender.session.send.sequence - 1;
	record_open(&w->receiver.session, w->receiver.crypto, &record, 1, w->out, &opened);
	if (opened.kind != RECORD_TEXT)
		die("not opened");
}

static void evp(struct work *w, int seals)
{
	const struct record_keys *keys = &w->sender.session.send;
	int n, final;

	if (EVP_CipherInit_ex(w->evp, NULL, NULL, keys->key, keys->iv, seals) != 1 ||
		EVP_CipherUpdate(w->evp, NULL, &n, w->text, RECORD_HEADER_BYTES) != 1 ||
		EVP_CipherUpdate(w->evp, w->out, &n, w->text, (int)w->n_text) != 1)
		die("EVP failed");
	if (!seals && EVP_CIPHER_CTX_ctrl(w->evp, EVP_CTRL_AEAD_SET_TAG, 16, w->text) != 1)
		die("EVP failed");
	final = EVP_CipherFinal_ex(w->evp, w->out + n, &n);
	bench_keep((uint64_t) final); // nothing here is authentic: the work is the same
	if (seals && EVP_CIPHER_CTX_ctrl(w->evp, EVP_CTRL_AEAD_GET_TAG, 16, w->out) != 1)
		die("EVP failed");
}

static void evp_seal(struct work *w)
{
	evp(w, 1);
}

static void evp_open(struct work *w)
{
	evp(w, 0);
}

static double timed(struct work *w, void (*once)(struct work *w))
{
	uint64_t started = bench_cpu_ns();

	for (unsigned i = 0; i < w->n_records; i++)
		once(w);
	return (double)(bench_cpu_ns() - started) / w->n_records;
}

struct samples {
	struct bench_samples seal, in_place, open, evp_seal, evp_open;
};

static void report(const struct work *w, const char *what, const struct samples *s)
{
	double bytes = (double)w->n_text;
	char name[96];

	snprintf(name, sizeof(name), "seal %zu B, %s", w->n_text, what);
	bench_report(name, &s->seal, bytes, "GB/s", BASELINE, &s->evp_seal);
	snprintf(name, sizeof(name), "seal in place %zu B, %s", w->n_text, what);
	bench_report(name, &s->in_place, bytes, "GB/s", BASELINE, &s->evp_seal);
	snprintf(name, sizeof(name), "open %zu B, %s", w->n_text, what);
	bench_report(name, &s->open, bytes, "GB/s", BASELINE, &s->evp_open);
	snprintf(name, sizeof(name), "%s seal %zu B, %s", BASELINE, w->n_text, what);
	bench_report(name, &s->evp_seal, bytes, "GB/s", NULL, NULL);
	snprintf(name, sizeof(name), "%s open %zu B, %s", BASELINE, w->n_text, what);
	bench_report(name, &s->evp_open, bytes, "GB/s", NULL, NULL);
}

static void one_session(enum record_version version, enum record_suite suite,
	enum record_provider provider, size_t n_text)
{
	struct work *w = work_new(version, suite, provider);
	struct samples s = {0};
	char what[64];

	w->n_text = n_text;
	w->n_records = (unsigned)(BYTES_A_RUN / (n_text + 256));
	if (bench_quick())
		w->n_records /= 20;
	for (unsigned run = 0; run < BENCH_RUNS; run++) {
		bench_add(&s.seal, timed(w, seal));
		bench_add(&s.open, timed(w, open_again));
		bench_add(&s.in_place, timed(w, seal_in_place));
		bench_add(&s.evp_seal, timed(w, evp_seal));
		bench_add(&s.evp_open, timed(w, evp_open));
	}
	snprintf(what, sizeof(what), "%s%s%s", suite_names[suite],
		version == RECORD_TLS12 ? ", TLS 1.2" : "",
		provider == RECORD_PROVIDER_EVP ? ", our EVP provider" : "");
	report(w, what, &s);
	work_free(w);
}

struct crowd {
	struct record_crypto *crypto;
	struct record_session *sessions;
	uint32_t *order;
	unsigned n;
	uint8_t text[512], sealed[RECORD_BYTES_MAX], out[RECORD_OPEN_BYTES];
	size_t n_sealed;
};

// All with the same secrets, so that one record is everybody's; keys are kept for each by itself.
static struct crowd *crowd_new(unsigned n, uint32_t n_keys)
{
	const struct record_crypto_config config = {.n_keys = n_keys};
	struct crowd *c = calloc(1, sizeof(*c));
	struct record_secrets send, receive;
	struct end sender;
	struct view text;

	if (c == NULL || (c->sessions = calloc(n, sizeof(c->sessions[0]))) == NULL ||
		(c->order = calloc(n, sizeof(c->order[0]))) == NULL ||
		(c->crypto = record_crypto_new(&config)) == NULL)
		die("no memory");
	c->n = n;
	make_secrets(&send, &receive, RECORD_TLS13, RECORD_AES_128_GCM);
	for (unsigned i = 0; i < n; i++) {
		unsigned other = (unsigned)(random() % (i + 1));

		if (record_session_begin(&c->sessions[i], c->crypto, &receive, RECORD_ACCEPTED) !=
			0)
			die("no session");
		c->order[i] = c->order[other];
		c->order[other] = i;
	}
	begin(&sender, RECORD_N_KEYS_MIN, RECORD_PROVIDER_BEST, &send, RECORD_OPENED);
	memset(c->text, 'x', sizeof(c->text));
	text = view_of(c->text, sizeof(c->text));
	c->n_sealed = record_seal(&sender.session, sender.crypto, &text, 1, c->sealed);
	record_crypto_free(sender.crypto);
	return c;
}

static void crowd_free(struct crowd *c)
{
	record_crypto_free(c->crypto);
	free(c->sessions);
	free(c->order);
	free(c);
}

// Each session opens a record and seals one.
static double crowd_turn(struct crowd *c, unsigned n_records)
{
	const struct view record = view_of(c->sealed, c->n_sealed), text = view_of(c->text, 512);
	uint64_t started = bench_cpu_ns();
	struct record_opened opened;

	for (unsigned i = 0; i < n_records; i++) {
		struct record_session *s = &c->sessions[c->order[i % c->n]];

		s->receive.sequence = 0;
		record_open(s, c->crypto, &record, 1, c->out, &opened);
		if (opened.kind != RECORD_TEXT || record_seal(s, c->crypto, &text, 1, c->out) == 0)
			die("a session failed");
	}
	return (double)(bench_cpu_ns() - started) / n_records;
}

static void many_sessions(unsigned n, uint32_t n_keys)
{
	struct crowd *c = crowd_new(n, n_keys);
	struct bench_samples s = {0};
	char name[96];

	(void)crowd_turn(c, n);
	for (unsigned run = 0; run < BENCH_RUNS; run++)
		bench_add(&s, crowd_turn(c, bench_quick() ? N_SESSIONS : 4 * N_SESSIONS));
	snprintf(name, sizeof(name), "open + seal 512 B, %u session%s, %u keys", n,
		n == 1 ? "" : "s", n_keys);
	bench_report(name, &s, 1e9, "pairs/s", NULL, NULL);
	crowd_free(c);
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = {64, 256, 512, 800, 1024, 4096, 16384};

	bench_init(argc, argv, "record");
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		one_session(RECORD_TLS13, RECORD_AES_128_GCM, RECORD_PROVIDER_BEST, sizes[i]);
	one_session(RECORD_TLS12, RECORD_AES_128_GCM, RECORD_PROVIDER_BEST, 512);
	one_session(RECORD_TLS13, RECORD_AES_256_GCM, RECORD_PROVIDER_BEST, 512);
	one_session(RECORD_TLS13, RECORD_CHACHA20_POLY1305, RECORD_PROVIDER_BEST, 512);
	one_session(RECORD_TLS13, RECORD_AES_128_GCM, RECORD_PROVIDER_EVP, 512);
	many_sessions(1, RECORD_N_KEYS_DEFAULT);
	many_sessions(64, RECORD_N_KEYS_DEFAULT);
	many_sessions(N_SESSIONS, RECORD_N_KEYS_DEFAULT);
	many_sessions(N_SESSIONS, KEYS_OF_ALL);
	bench_report_size("a session", (double)sizeof(struct record_session), "B");
	return 0;
}
