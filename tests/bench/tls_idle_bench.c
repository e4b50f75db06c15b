// SPDX-License-Identifier: BSD-3-Clause
// A hundred thousand TLS 1.3 sessions that are established and idle, in the streams of a worker:
// how much memory each takes, of all that there is by connection (engine, streams, sessions) and of
// what they share (identity cards, expanded keys, tables of fixed size), by establishing them one
// and all. Of ten thousand partners, so that each has ten; control's part is the bench's.

#include "dataplane/relay/streams.h"
#include "lib/record/crypto.h"
#include "tests/bench/bench.h"
#include "tests/bench/control_end.h"
#include "tests/bench/idle.h"
#include "tests/bench/tcp_pair.h"

#include <malloc.h>
#include <stdlib.h>

#define N_SESSIONS 100000
#define N_PARTNERS 10000
#define N_CHUNKS   64 // idle connections hold none
#define SECOND_NS  UINT64_C(1000000000)

// What is under way between worker and control.
static uint64_t opened[IDLE_AT_ONCE];
static unsigned n_opened;

static uint64_t counters[REASON_N];

static bool tell_control(void *arg, const struct link_message *m, bool last)
{
	(void)arg;
	(void)last;
	pair_require(m->type == LINK_SESSION_OPENED && n_opened < IDLE_AT_ONCE,
		"the worker says what it should not");
	opened[n_opened++] = m->session_opened.conn;
	return true;
}

static void hand_over(struct streams *s, uint64_t conn, uint64_t now)
{
	const uint32_t partner = (uint32_t)conn % N_PARTNERS;
	struct link_message m;

	link_message_init(&m, LINK_CARD_ADD);
	m.card.card = partner + 1;
	control_end_card(partner, &m.card.is);
	streams_hear(s, &m, now);
	link_message_init(&m, LINK_SESSION_ESTABLISHED);
	m.session_established.conn = conn;
	m.session_established.card = partner + 1;
	control_end_secrets(RECORD_ACCEPTED, &m.session_established.secrets);
	streams_hear(s, &m, now);
}

static struct tcp *open_engine(
	const struct endpoint *server, uint32_t n_conns, size_t *n_bytes, uint64_t now)
{
	struct tcp_config config;
	struct tcp *t = NULL;
	void *memory;

	tcp_config_default(&config, n_conns);
	config.n_chunks = N_CHUNKS;
	*n_bytes = tcp_memory_bytes(&config);
	memory = aligned_alloc(4096, (*n_bytes + 4095) / 4096 * 4096);
	if (memory != NULL) {
		memset(memory, 0, *n_bytes);
		t = tcp_init(memory, &config, counters, now);
	}
	pair_require(t != NULL && tcp_listen(t, server, PAIR_MTU, 0) == 0, "no engine");
	return t;
}

static struct streams *open_streams(struct tcp *t, uint32_t n_conns)
{
	static const struct record_crypto_config crypto = {.n_keys = RECORD_N_KEYS_DEFAULT};
	static const struct relay_host host = {0};
	struct streams_config config;
	struct streams *s = NULL;

	streams_config_default(&config, n_conns);
	config.tcp = t;
	config.host = &host;
	config.counters = counters;
	config.secure = 1;
	config.crypto = record_crypto_new(&crypto);
	config.tell_control = tell_control;
	if (config.crypto != NULL)
		s = streams_new(&config);
	pair_require(s != NULL, "no streams");
	return s;
}

static size_t allocated_bytes(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

int main(int argc, char **argv)
{
	struct endpoint server = {.port = PAIR_PORT,
		.transport = TRANSPORT_TCP,
		.ip = {.family = IP_V4, .bytes = {192, 0, 2, 1}}};
	size_t allocated = allocated_bytes(), resident = idle_resident_bytes(), n_engine;
	uint64_t now = SECOND_NS, started;
	struct bench_samples setup = {0};
	struct streams *s;
	unsigned n;
	struct tcp *t;

	bench_init(argc, argv, "tls_idle");
	n = (bench_quick() ? N_SESSIONS / 100 : N_SESSIONS) / IDLE_AT_ONCE * IDLE_AT_ONCE;
	t = open_engine(&server, n, &n_engine, now);
	s = open_streams(t, n);
	started = bench_now_ns();
	for (unsigned i = 0; i < n; i += IDLE_AT_ONCE) {
		idle_establish(t, &server, i, now);
		streams_poll(s, now);
		while (n_opened > 0)
			hand_over(s, opened[--n_opened], now);
		now += IDLE_AT_ONCE * 1000;
	}
	pair_require(counters[REASON_session_established] == n, "a session is missing");
	bench_add(&setup, (double)(bench_now_ns() - started) / n);
	bench_report("to accept one, without handshake", &setup, 1e9, "sessions/s", NULL, NULL);
	bench_report_size("of it TCP's tables, each", (double)n_engine / n, "bytes");
	bench_report_size(
		"memory each, of all tables", (double)(allocated_bytes() - allocated) / n, "bytes");
	bench_report_size("resident each, of the process",
		(double)(idle_resident_bytes() - resident) / n, "bytes");
	streams_free(s);
	return 0;
}
