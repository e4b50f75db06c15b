// SPDX-License-Identifier: BSD-3-Clause

#include "tests/bench/control_end.h"

#include "lib/base/wire.h"
#include "tests/bench/traffic.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CARD_NAME 1

struct control_end {
	struct worker_segment offer;
	struct link_consumer from_worker;
	struct link_producer to_worker;
};

__attribute__((noreturn)) static void give_up(const char *what)
{
	fprintf(stderr, "bench: control: %s\n", what);
	exit(1);
}

void control_end_secrets(enum record_role role, struct record_secrets *secrets)
{
	bool opened = role == RECORD_OPENED;

	memset(secrets, 0, sizeof(*secrets));
	secrets->version = RECORD_TLS13;
	secrets->suite = RECORD_AES_128_GCM;
	memset(secrets->send.traffic, opened ? 'c' : 's', 32);
	memset(secrets->receive.traffic, opened ? 's' : 'c', 32);
}

void control_end_card(uint32_t number, struct card *card)
{
	uint8_t fingerprint[CARD_FINGERPRINT_BYTES] = {1};

	wire_put32(fingerprint + 1, number);
	card_init(card, fingerprint, VIEW("CN=" CONTROL_END_HOST), VIEW("CN=bench"), VIEW("01"));
	card->trusted = 1;
	// Of a partner's edge, and of the local domain's server: what leaves by TLS goes to who has
	// proved the domain only.
	if (card_add_name(card, VIEW(CONTROL_END_HOST), CARD_SAN_DNS) < 0 ||
		card_add_name(card, VIEW(TRAFFIC_LOCAL_DOMAIN), CARD_SAN_DNS) < 0)
		give_up("no card");
}

struct control_end *control_end_open(struct worker *w)
{
	struct control_end *c = calloc(1, sizeof(*c));
	int fd;

	if (c == NULL)
		give_up("no memory");
	fd = link_segment_create(&c->offer.segment);
	if (fd < 0)
		give_up("no segment");
	close(fd);
	c->offer.epoch = 1;
	link_consumer_init(&c->from_worker, &c->offer.segment->to_control);
	link_producer_init(&c->to_worker, &c->offer.segment->to_worker);
	atomic_store_explicit(&w->offered_segment, &c->offer, memory_order_release);
	return c;
}

void control_end_close(struct control_end *c)
{
	link_segment_unmap(c->offer.segment);
	free(c);
}

static void say(struct control_end *c, struct link_message *m)
{
	m->epoch = c->offer.epoch;
	if (link_push(&c->to_worker, m) < 0)
		give_up("the worker does not hear");
}

static void allow(struct control_end *c, const struct link_target *target)
{
	struct link_message m;

	link_message_init(&m, LINK_TARGET_OPEN);
	m.target_open.target = *target;
	m.target_open.address = target->remote;
	say(c, &m);
}

static void hand_over(struct control_end *c, const struct link_session_opened *session)
{
	struct link_message m;

	link_message_init(&m, LINK_CARD_ADD);
	m.card.card = CARD_NAME;
	control_end_card(0, &m.card.is);
	say(c, &m);
	link_message_init(&m, LINK_SESSION_ESTABLISHED);
	m.session_established.conn = session->conn;
	m.session_established.card = CARD_NAME;
	control_end_secrets((enum record_role)session->role, &m.session_established.secrets);
	say(c, &m);
}

bool control_end_answer(struct control_end *c)
{
	struct link_message m;
	int n;

	while ((n = link_pop(&c->from_worker, &m, 1)) > 0) {
		if (m.type == LINK_TARGET_WANTED)
			allow(c, &m.target_wanted.target);
		else if (m.type == LINK_SESSION_OPENED)
			hand_over(c, &m.session_opened);
		else if (m.type == LINK_SESSION_BYTES)
			give_up("a peer has sent before its session was handed over");
	}
	if (n < 0)
		give_up("the worker has broken the ring");
	return atomic_load_explicit(&c->offer.segment->to_worker.tail, memory_order_acquire) !=
		c->to_worker.head;
}
