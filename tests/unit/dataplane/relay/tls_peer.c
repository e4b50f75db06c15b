// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/test.h"

#include "tests/unit/dataplane/relay/tls_peer.h"

static struct record_secret secret(enum record_version version, uint8_t byte)
{
	struct record_secret s = {0};

	if (version == RECORD_TLS13) {
		memset(s.traffic, byte, 32);
		return s;
	}
	memset(s.key, byte, 16);
	memset(s.iv, byte, 4);
	s.sequence = 1; // behind the Finished
	return s;
}

static struct record_secrets secrets_of(enum record_version version, enum record_role role)
{
	struct record_secret client = secret(version, 0x11), server = secret(version, 0x22);

	return (struct record_secrets){
		.version = (uint8_t)version,
		.suite = RECORD_AES_128_GCM,
		.explicit_nonce = version == RECORD_TLS12 ? 1 : 0,
		.receive = role == RECORD_ACCEPTED ? client : server,
		.send = role == RECORD_ACCEPTED ? server : client,
	};
}

static void add_card(struct town *t, const char *domain)
{
	static const uint8_t fingerprint[CARD_FINGERPRINT_BYTES] = {1};
	struct link_message m;

	link_message_init(&m, LINK_CARD_ADD);
	m.card.card = TLS_PEER_CARD;
	card_init(&m.card.is, fingerprint, VIEW("CN=peer"), VIEW("CN=authority"), VIEW("01"));
	m.card.is.trusted = 1;
	assert_int_equal(card_add_name(&m.card.is, view_string(domain), CARD_SAN_DNS), 0);
	streams_hear(t->workers[0].streams, &m, t->now);
}

void tls_peer_establish(struct tls_peer *p, struct town *t, struct town_peer *peer,
	enum record_version version, enum record_role role, const char *domain, uint32_t n_bytes)
{
	enum record_role other = role == RECORD_OPENED ? RECORD_ACCEPTED : RECORD_OPENED;
	struct record_secrets secrets = secrets_of(version, role);
	struct link_message m;

	assert_int_not_equal(t->workers[0].session, 0);
	*p = (struct tls_peer){.town = t, .peer = peer, .n_opened = peer->n};
	p->crypto =
		record_crypto_new(&(struct record_crypto_config){.n_keys = RECORD_N_KEYS_DEFAULT});
	assert_non_null(p->crypto);
	assert_int_equal(record_session_begin(&p->tls, p->crypto, &secrets, role), 0);
	add_card(t, domain);
	link_message_init(&m, LINK_SESSION_ESTABLISHED);
	m.session_established.conn = t->workers[0].session;
	m.session_established.card = TLS_PEER_CARD;
	m.session_established.offset = n_bytes;
	m.session_established.secrets = secrets_of(version, other);
	streams_hear(t->workers[0].streams, &m, t->now);
	town_run(t, 5);
}

void tls_peer_end(struct tls_peer *p)
{
	record_session_end(&p->tls, p->crypto);
	record_crypto_free(p->crypto);
}

void tls_peer_say(struct tls_peer *p, const char *text)
{
	struct view part = view_string(text);
	uint8_t out[8192];
	size_t n;

	assert_true(record_sealed_bytes(&p->tls, p->crypto, part.len) <= sizeof(out));
	n = record_seal(&p->tls, p->crypto, &part, 1, out);
	assert_int_not_equal(n, 0);
	town_say_bytes(p->town, p->peer, out, n);
	town_run(p->town, 10);
}

void tls_peer_finish(struct tls_peer *p)
{
	uint8_t alert[RECORD_ANSWER_BYTES];
	size_t n = record_close(&p->tls, p->crypto, alert);

	assert_int_not_equal(n, 0);
	town_say_bytes(p->town, p->peer, alert, n);
	town_finish(p->town, p->peer);
	town_run(p->town, 10);
}

const char *tls_peer_read(struct tls_peer *p)
{
	struct record_opened opened;
	size_t n;

	for (;;) {
		struct view rest = view_of(
			(const uint8_t *)p->peer->text + p->n_opened, p->peer->n - p->n_opened);

		n = record_length(&p->tls, rest);
		if (n == 0 || n > rest.len)
			break;
		assert_true(p->n + n < sizeof(p->text));
		rest.len = n;
		record_open(&p->tls, p->crypto, &rest, 1, (uint8_t *)p->text + p->n, &opened);
		assert_true(opened.kind != RECORD_REFUSED && opened.kind != RECORD_PEER_FAILED);
		p->said_goodbye = p->said_goodbye || opened.kind == RECORD_PEER_CLOSED;
		p->n += opened.text.len;
		p->text[p->n] = '\0';
		p->n_opened += n;
	}
	return p->text;
}
