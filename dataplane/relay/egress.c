// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/relay/egress_state.h"

#include <errno.h>
#include <stdlib.h>

#define MS UINT64_C(1000000)

// A message that finds its connection gone finds the next one, or waits: it goes round once.
#define TRIES 2

void egress_config_default(struct egress_config *config)
{
	config->n_slots = 4096;
	config->waiting_max = 1024;
	config->waiting_of_all = 4096;
	config->waiting_of_target = 2048;
	config->waiting_bytes = 1 << 20;
	config->waiting_ms = 4000; // well within timer F (RFC 3261 §17.1.2.2), after a SYN or two
	config->ask_again_ms = 250;
	config->open_ms = 10000;
	config->probe_ms = 500;
	config->stuck_ms = 32000; // timers B and F
	config->idle_ms = 900000;
}

static bool is_valid(const struct egress_config *c)
{
	return c->tcp != NULL && c->sessions != NULL && c->backlogs != NULL && c->n_workers > 0 &&
		c->n_workers <= EGRESS_WORKERS_MAX && c->worker < c->n_workers && c->n_slots > 0 &&
		c->n_slots <= 1 << 24 && c->waiting_max >= 2 && c->waiting_of_all >= 2;
}

static uint32_t buckets_for(uint32_t n_slots)
{
	uint32_t n = 1;

	while (n < 2 * n_slots)
		n *= 2;
	return n;
}

struct egress *egress_new(const struct egress_config *config)
{
	struct egress *e;

	if (!is_valid(config)) {
		errno = EINVAL;
		return NULL;
	}
	e = calloc(1, sizeof(*e));
	if (e == NULL)
		return NULL;
	e->config = *config;
	e->waiting_ns = config->waiting_ms * MS;
	e->ask_again_ns = config->ask_again_ms * MS;
	e->open_ns = config->open_ms * MS;
	e->probe_ns = config->probe_ms * MS;
	e->stuck_ns = config->stuck_ms * MS;
	e->idle_ns = config->idle_ms * MS;
	e->bucket_mask = buckets_for(config->n_slots) - 1;
	TAILQ_INIT(&e->recent);
	TAILQ_INIT(&e->busy);
	e->buckets = calloc((size_t)e->bucket_mask + 1, sizeof(struct slot *));
	e->slots = calloc(config->n_slots, sizeof(*e->slots));
	e->names = calloc(config->n_slots, sizeof(*e->names));
	if (e->buckets == NULL || e->slots == NULL || e->names == NULL) {
		egress_free(e);
		errno = ENOMEM;
		return NULL;
	}
	return e;
}

void egress_free(struct egress *e)
{
	struct parcel *p;

	if (e == NULL)
		return;
	for (uint32_t i = 0; i < e->n_used; i++) {
		while ((p = slot_pop(e, &e->slots[i])) != NULL)
			e->config.host->put(e->config.host->arg, p);
	}
	free(e->buckets);
	free(e->slots);
	free(e->names);
	free(e);
}

// What the slot's state says of a message. False: the state has changed, and is to be asked again.
static bool deliver(struct egress *e, struct slot *s, struct parcel *p, uint64_t now)
{
	switch ((enum slot_state)s->state) {
	case SLOT_UP:
		return slot_write(e, s, p, now);
	case SLOT_REFUSED:
		if (s->worn != 0)
			return slot_write(e, s, p, now);
		if (now >= s->due)
			return !slot_step(s, SLOT_ON_BACKED_OFF, now);
		egress_refuse(e, p, REASON_egress_down, now);
		return true;
	case SLOT_IDLE:
	case SLOT_ASKED:
	case SLOT_OPENING:
	case SLOT_NEGOTIATING:
	case SLOT_CONFIRMING:
	case SLOT_STATE_N:
		break;
	}
	if (s->worn != 0)
		return slot_write(e, s, p, now);
	if (!slot_wait(e, s, p, now))
		egress_refuse(e, p, REASON_egress_full, now);
	else if (slot_step(s, SLOT_ON_WANTED, now))
		slot_ask(e, s, now);
	return true;
}

static void take(struct egress *e, const struct slot_key *key, struct parcel *p, uint64_t now)
{
	struct slot *s;

	if (p->len > e->config.send_bytes_max || p->len > e->config.waiting_bytes) {
		egress_refuse(e, p, REASON_sip_too_large_for_hop, now);
		return;
	}
	s = slot_get(e, key, now);
	if (s != NULL)
		slot_set_name(e, s, view_of(p->bytes + p->len, p->names_hop ? p->n_domain : 0));
	for (unsigned i = 0; s != NULL && i < TRIES; i++) {
		if (deliver(e, s, p, now))
			return;
	}
	egress_refuse(e, p, REASON_egress_full, now);
}

static struct slot_key key_of(const struct egress *e, const struct parcel *p)
{
	unsigned n =
		p->n_slots >= 1 && p->n_slots <= EGRESS_SLOTS_MAX ? p->n_slots : EGRESS_SLOTS_MAX;

	return slot_key(e, &p->destination, p->listener, p->certificate,
		slot_index_of_pair(e, p->pair_hash, n));
}

void egress_send(struct egress *e, struct parcel *p, uint64_t now)
{
	struct slot_key key = key_of(e, p);
	unsigned owner = slot_owner(e, &key);

	if (owner == e->config.worker)
		take(e, &key, p, now);
	else if (!e->config.host->hand_over(e->config.host->arg, owner, p))
		egress_refuse(e, p, REASON_egress_ring_full, now);
}

void egress_take(struct egress *e, struct parcel *p, uint64_t now)
{
	struct slot_key key = key_of(e, p);

	take(e, &key, p, now);
}

// That a connection was opened for; NULL where it is another target's by now.
static struct slot *slot_of_user(const struct egress *e, uint64_t user)
{
	uint32_t index = (uint32_t)user;
	struct slot *s = user >= EGRESS_USER && index < e->n_used ? &e->slots[index] : NULL;

	return s != NULL && slot_user(e, s) == user ? s : NULL;
}

// NULL also for a connection that its slot has given up.
static struct slot *slot_of(const struct egress *e, uint64_t user, tcp_conn_id conn)
{
	struct slot *s = slot_of_user(e, user);

	return s != NULL && slot_is_of(s, conn) ? s : NULL;
}

static void connected(struct egress *e, struct slot *s, uint64_t now)
{
	if (slot_is_secure(s)) {
		(void)slot_step(s, SLOT_ON_CONNECTED, now);
		s->due = now + e->open_ns;
	} else if (slot_step(s, SLOT_ON_OPENED, now)) {
		slot_tell(e, s, now);
	}
}

void egress_event(struct egress *e, const struct tcp_event *event, uint64_t now)
{
	struct slot *s = slot_of(e, event->user, event->conn);

	if ((event->what & TCP_CLOSED) != 0 && event->unacked > 0)
		e->config.counters[REASON_egress_lost]++;
	if (s == NULL)
		return;
	if ((event->what & TCP_CLOSED) != 0) {
		slot_lose(e, s, event->conn, event->reason, event->unacked, now);
		return;
	}
	if ((event->what & TCP_OPENED) != 0)
		connected(e, s, now);
	if ((event->what & (TCP_OPENED | TCP_WRITABLE)) != 0)
		slot_flush(e, s, now);
	// Whoever has finished will not read what comes now for long: it goes by another one. Of
	// TLS, the records that are there say first whether and why it has.
	if ((event->what & TCP_PEER_FINISHED) != 0 && s->conn == event->conn && !slot_is_secure(s))
		egress_give_up(e, event->conn, REASON_tcp_closed, now);
}

void egress_session_news(struct egress *e, tcp_conn_id conn, enum session_news news, uint64_t now)
{
	struct slot *s = slot_of(e, tcp_user(e->config.tcp, conn), conn);

	if (s == NULL || conn != s->conn)
		return;
	if (news == SESSION_NEWS_ESTABLISHED && slot_step(s, SLOT_ON_AGREED, now)) {
		s->due = now + e->open_ns;
		slot_provoke(e, s);
	} else if (news == SESSION_NEWS_CONFIRMED && slot_step(s, SLOT_ON_OPENED, now)) {
		slot_tell(e, s, now);
		slot_flush(e, s, now);
	}
}

void egress_give_up(struct egress *e, tcp_conn_id conn, enum reason reason, uint64_t now)
{
	struct slot *s = slot_of(e, tcp_user(e->config.tcp, conn), conn);

	session_close(e->config.sessions, conn, now);
	if (s != NULL)
		slot_lose(e, s, conn, reason, 0, now);
}

struct link_target egress_target(const struct egress *e, tcp_conn_id conn)
{
	const struct slot *s = slot_of_user(e, tcp_user(e->config.tcp, conn));

	return s != NULL ? slot_target(s) : (struct link_target){0};
}

void egress_usage(const struct egress *e, struct egress_usage *out)
{
	*out = (struct egress_usage){.n_waiting = e->n_waiting};
	for (uint32_t i = 0; i < e->n_used; i++) {
		out->n_slots++;
		out->n_up += e->slots[i].state == SLOT_UP;
	}
}
