// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/dataplane/session/world.h"

#include <stdlib.h>

#define MS     UINT64_C(1000000)
#define MTU    1500
#define BUDGET 64

static struct endpoint endpoint(const char *text)
{
	struct endpoint e;

	assert_int_equal(endpoint_parse(view_string(text), 0, TRANSPORT_TCP, &e), 0);
	return e;
}

static struct tcp *new_engine(void **memory, uint64_t counters[], uint64_t now, uint64_t key)
{
	struct tcp_config config;
	struct tcp *tcp;
	size_t n;

	tcp_config_default(&config, 16);
	config.key = (struct siphash_key){key, 7};
	n = tcp_memory_bytes(&config);
	*memory = aligned_alloc(64, (n + 63) & ~(size_t)63);
	assert_non_null(*memory);
	memset(*memory, 0, n);
	tcp = tcp_init(*memory, &config, counters, now);
	assert_non_null(tcp);
	return tcp;
}

static bool tell(void *arg, const struct link_message *m, bool last)
{
	struct desk *d = arg;
	struct link_message copy;

	if (!last && d->ring_room == 0)
		return false;
	d->ring_room -= d->ring_room > 0;
	assert_true(d->n_told < DESK_TOLD);
	memset(&copy, 0, sizeof(copy));
	memcpy(&copy, m, m->n_bytes);
	copy.epoch = 9;
	// Whatever a worker says passes the check of its receiver.
	assert_null(link_message_check(&copy, LINK_TO_CONTROL, 9));
	d->told[d->n_told++] = copy;
	return true;
}

static void changed(
	void *arg, tcp_conn_id conn, enum session_news news, enum reason reason, uint64_t now)
{
	struct desk *d = arg;

	assert_int_equal(conn, d->conn);
	assert_true(d->n_news < DESK_NEWS);
	d->news[d->n_news++] = (struct desk_news){news, reason};
	if (news == SESSION_NEWS_OVER)
		session_close(d->sessions, conn, now);
}

static struct link_target target_of(void *arg, tcp_conn_id conn)
{
	struct desk *d = arg;
	struct link_target t = {.remote = d->remote, .listener = 1};

	(void)conn;
	t.remote.transport = TRANSPORT_TLS;
	return t;
}

static void carry(struct desk *d, struct tcp *from, struct tcp *to)
{
	struct tcp_packet packet;

	while (tcp_output(from, d->now, TCP_OUTPUT_ALL, 0, &packet)) {
		uint8_t bytes[TCP_HEADER_BYTES_MAX + MTU];
		size_t n = packet.header_bytes;
		struct tcp_segment s;

		memcpy(bytes, packet.header, n);
		for (unsigned i = 0; i < packet.n_parts; i++) {
			memcpy(bytes + n, packet.parts[i].at, packet.parts[i].len);
			n += packet.parts[i].len;
		}
		assert_int_equal(tcp_segment_parse(view_of(bytes, n), &s), REASON_none);
		s.remote.ip = packet.local;
		s.local.ip = packet.remote;
		tcp_input_burst(to, &s, 1, d->now);
	}
}

static void take_worker_event(struct desk *d, const struct tcp_event *event)
{
	if ((event->what & TCP_OPENED) != 0) {
		d->conn = event->conn;
		assert_true(session_begin(d->sessions, d->conn, d->role, 1, &d->remote));
	}
	if ((event->what & TCP_READABLE) != 0)
		session_received(d->sessions, event->conn, d->now);
	if ((event->what & TCP_CLOSED) != 0)
		session_end(d->sessions, event->conn, event->reason);
}

static void take_peer_event(struct desk *d, const struct tcp_event *event)
{
	uint32_t n = tcp_readable(d->peer, event->conn);

	if ((event->what & TCP_OPENED) != 0)
		d->peer_conn = event->conn;
	if ((event->what & TCP_PEER_FINISHED) != 0)
		d->peer_finished = true;
	assert_true(d->n_got + n <= DESK_BYTES);
	(void)tcp_copy(d->peer, event->conn, 0, d->got + d->n_got, n);
	tcp_consume(d->peer, event->conn, n);
	d->n_got += n;
}

void desk_run(struct desk *d, unsigned ms)
{
	struct tcp_event event;

	for (; ms > 0; ms--) {
		d->now += MS;
		tcp_timers(d->worker, d->now, BUDGET);
		tcp_timers(d->peer, d->now, BUDGET);
		sessions_timers(d->sessions, BUDGET);
		carry(d, d->peer, d->worker);
		while (tcp_next_event(d->worker, &event))
			take_worker_event(d, &event);
		carry(d, d->worker, d->peer);
		while (tcp_next_event(d->peer, &event))
			take_peer_event(d, &event);
	}
}

static void open_sessions(struct desk *d)
{
	const struct record_crypto_config crypto = {
		.provider = RECORD_PROVIDER_EVP, .n_keys = RECORD_N_KEYS_DEFAULT};
	struct sessions_config config = {
		.tcp = d->worker,
		.n_conns = 16,
		.n_cards = 4,
		.counters = d->counters,
		.tell_control = tell,
		.changed = changed,
		.target_of = target_of,
		.arg = d,
	};

	d->crypto = record_crypto_new(&crypto);
	d->peer_crypto = record_crypto_new(&crypto);
	assert_non_null(d->crypto);
	assert_non_null(d->peer_crypto);
	config.crypto = d->crypto;
	d->sessions = sessions_new(&config);
	assert_non_null(d->sessions);
}

struct desk *desk_new(enum record_role role)
{
	struct endpoint relay = endpoint("192.0.2.1:5061"), peer = endpoint("198.51.100.1:5061");
	struct desk *d = calloc(1, sizeof(*d));
	bool accepts = role == RECORD_ACCEPTED;

	assert_non_null(d);
	d->now = 1000 * MS;
	d->role = role;
	d->ring_room = UINT32_MAX;
	d->worker = new_engine(&d->worker_memory, d->counters, d->now, 1);
	d->peer = new_engine(&d->peer_memory, d->peer_counters, d->now, 2);
	open_sessions(d);
	if (accepts)
		peer.port = 40000;
	else
		relay.port = 40000;
	d->remote = peer;
	d->remote.transport = TRANSPORT_TLS;
	assert_int_equal(
		tcp_listen(accepts ? d->worker : d->peer, accepts ? &relay : &peer, MTU, 1), 0);
	if (accepts)
		assert_int_equal(
			tcp_open(d->peer, &peer, &relay, MTU, 1, d->now, &d->peer_conn), 0);
	else
		assert_int_equal(tcp_open(d->worker, &relay, &peer, MTU, 1, d->now, &d->conn), 0);
	desk_run(d, 5);
	assert_int_not_equal(d->conn, 0);
	assert_int_not_equal(d->peer_conn, 0);
	return d;
}

void desk_free(struct desk *d)
{
	sessions_free(d->sessions);
	record_crypto_free(d->crypto);
	record_crypto_free(d->peer_crypto);
	free(d->worker_memory);
	free(d->peer_memory);
	free(d);
}

void desk_say(struct desk *d, const void *bytes, size_t n)
{
	assert_int_equal(tcp_write(d->peer, d->peer_conn, bytes, (uint32_t)n), 0);
	desk_run(d, 3);
}

void desk_say_sealed(struct desk *d, const char *text)
{
	struct view part = view_string(text);
	size_t n = record_sealed_bytes(&d->tls, d->peer_crypto, part.len);
	uint8_t *out = malloc(n);

	assert_non_null(out);
	n = record_seal(&d->tls, d->peer_crypto, &part, 1, out);
	assert_int_not_equal(n, 0);
	desk_say(d, out, n);
	free(out);
}

void desk_hear(struct desk *d, const struct link_message *m)
{
	sessions_hear(d->sessions, m, d->now);
	desk_run(d, 3);
}

void desk_hear_consumed(struct desk *d, uint32_t offset)
{
	struct link_message m;

	link_message_init(&m, LINK_SESSION_CONSUMED);
	m.session_consumed.conn = d->conn;
	m.session_consumed.offset = offset;
	desk_hear(d, &m);
}

// Of a session whose worker has the role: the same to both ends, crossed.
static struct record_secrets secrets_of(enum record_version version, enum record_role role)
{
	struct record_secrets s = {.version = (uint8_t)version, .suite = RECORD_AES_128_GCM};
	struct record_secret client = {0}, server = {0};

	if (version == RECORD_TLS13) {
		memset(client.traffic, 0x11, 32);
		memset(server.traffic, 0x22, 32);
	} else {
		memset(client.key, 0x33, 16);
		memset(server.key, 0x44, 16);
		memset(client.iv, 0x55, 4);
		memset(server.iv, 0x66, 4);
		client.sequence = server.sequence = 1;
		s.explicit_nonce = 1;
	}
	s.receive = role == RECORD_ACCEPTED ? client : server;
	s.send = role == RECORD_ACCEPTED ? server : client;
	return s;
}

void desk_hear_established(struct desk *d, enum record_version version, uint32_t offset)
{
	enum record_role other = d->role == RECORD_ACCEPTED ? RECORD_OPENED : RECORD_ACCEPTED;
	struct record_secrets secrets = secrets_of(version, other);
	struct link_message m;

	desk_add_card(d, DESK_CARD, "partner.example");
	assert_int_equal(record_session_begin(&d->tls, d->peer_crypto, &secrets, other), 0);
	link_message_init(&m, LINK_SESSION_ESTABLISHED);
	m.session_established.conn = d->conn;
	m.session_established.card = DESK_CARD;
	m.session_established.offset = offset;
	m.session_established.secrets = secrets_of(version, d->role);
	desk_hear(d, &m);
}

void desk_add_card(struct desk *d, uint64_t name, const char *domain)
{
	static const uint8_t fingerprint[CARD_FINGERPRINT_BYTES] = {1};
	struct link_message m;

	link_message_init(&m, LINK_CARD_ADD);
	m.card.card = name;
	card_init(&m.card.is, fingerprint, VIEW("CN=peer"), VIEW("CN=authority"), VIEW("01"));
	assert_int_equal(card_add_name(&m.card.is, view_string(domain), CARD_SAN_DNS), 0);
	desk_hear(d, &m);
}

unsigned desk_n_told(const struct desk *d, enum link_type type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < d->n_told; i++)
		n += d->told[i].type == type;
	return n;
}

const struct link_message *desk_told(const struct desk *d, enum link_type type, unsigned n)
{
	for (unsigned i = 0; i < d->n_told; i++) {
		if (d->told[i].type == type && n-- == 0)
			return &d->told[i];
	}
	fail_msg("control was not told");
	abort();
}

bool desk_has_news(const struct desk *d, enum session_news news)
{
	for (unsigned i = 0; i < d->n_news; i++) {
		if (d->news[i].news == news)
			return true;
	}
	return false;
}

const char *desk_read(struct desk *d, struct session_read *read)
{
	static uint8_t out[DESK_BYTES];

	session_read(d->sessions, d->conn, out, sizeof(out) - 1, read, d->now);
	out[read->n_bytes] = '\0';
	desk_run(d, 3);
	return (const char *)out;
}

const char *desk_open(struct desk *d, enum record_kind *kind)
{
	static uint8_t out[DESK_BYTES];
	size_t n = 0, at = 0, n_text = 0;

	*kind = RECORD_IGNORED;
	while ((n = record_length(&d->tls, view_of(d->got + at, d->n_got - at))) != 0 &&
		n <= d->n_got - at) {
		struct view record = view_of(d->got + at, n);
		struct record_opened opened;

		record_open(&d->tls, d->peer_crypto, &record, 1, out + n_text, &opened);
		*kind = opened.kind;
		n_text += opened.kind == RECORD_TEXT ? opened.text.len : 0;
		at += n;
	}
	memmove(d->got, d->got + at, d->n_got - at);
	d->n_got -= at;
	out[n_text] = '\0';
	return (const char *)out;
}
