// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/lib/link/honest.h"

#include "tests/unit/test.h"

void honest_card(struct card *c)
{
	uint8_t fingerprint[CARD_FINGERPRINT_BYTES];

	memset(fingerprint, 0x5a, sizeof(fingerprint));
	card_init(c, fingerprint, VIEW("CN=fabrikam.example"), VIEW("CN=Test CA,O=Example"),
		VIEW("0a1b2c"));
	c->trusted = 1;
	assert_int_equal(card_add_name(c, VIEW("fabrikam.example"), CARD_SAN_URI), 0);
	assert_int_equal(card_add_name(c, VIEW("sip.fabrikam.example"), CARD_SAN_DNS), 0);
}

void honest_secrets(struct record_secrets *s)
{
	memset(s, 0, sizeof(*s));
	s->version = RECORD_TLS13;
	s->suite = RECORD_AES_128_GCM;
	memset(s->receive.traffic, 0x11, 32);
	memset(s->send.traffic, 0x22, 32);
}

static void fill_target(struct link_target *t)
{
	t->listener = 3;
	t->slot = 1;
	t->certificate = 77;
	assert_int_equal(endpoint_parse(VIEW("198.51.100.7"), 5061, TRANSPORT_TLS, &t->remote), 0);
}

static void fill_target_message(struct link_message *m)
{
	// They all begin with the target.
	fill_target(&m->target_wanted.target);
	if (m->type == LINK_TARGET_OPEN)
		m->target_open.address = m->target_open.target.remote;
	if (m->type == LINK_TARGET_REFUSED)
		m->target_refused.retry_ms = 1000;
}

static void fill_session_message(struct link_message *m)
{
	// They all begin with the connection.
	m->session_opened.conn = 0x100000002;
	if (m->type == LINK_SESSION_OPENED) {
		m->session_opened.role = RECORD_OPENED;
		m->session_opened.listener = 3;
		fill_target(&m->session_opened.target);
		m->session_opened.remote = m->session_opened.target.remote;
	} else if (m->type == LINK_SESSION_BYTES || m->type == LINK_SESSION_SEND) {
		assert_true(link_message_append(m, "some bytes", 10));
	} else if (m->type == LINK_SESSION_ESTABLISHED) {
		m->session_established.card = 9;
		honest_secrets(&m->session_established.secrets);
	} else if (m->type == LINK_SESSION_IS) {
		m->session_is.card = 9;
		m->session_is.version = RECORD_TLS13;
		m->session_is.suite = RECORD_AES_128_GCM;
		m->session_is.state = LINK_SESSION_UP;
		m->session_is.role = RECORD_OPENED;
		fill_target(&m->session_is.target);
		m->session_is.remote = m->session_is.target.remote;
	}
}

void honest_message(struct link_message *m, enum link_type type)
{
	link_message_init(m, type);
	m->epoch = HONEST_EPOCH;
	if (type >= LINK_TARGET_WANTED && type <= LINK_TARGET_TRY)
		fill_target_message(m);
	else if ((type >= LINK_SESSION_OPENED && type <= LINK_SESSION_CLOSE) ||
		type == LINK_SESSION_IS)
		fill_session_message(m);
	else if (type == LINK_CARD || type == LINK_CARD_ADD || type == LINK_CARD_WANTED)
		m->card.card = 9;
	if (type == LINK_CARD || type == LINK_CARD_ADD)
		honest_card(&m->card.is);
}

enum link_direction honest_direction(enum link_type type)
{
	static const enum link_direction of[LINK_N] = {
#define LINK_MESSAGE(name, direction, payload, n_tail) [LINK_##name] = LINK_##direction,
#include "lib/link/message.def"
#undef LINK_MESSAGE
	};

	return of[type];
}
