// SPDX-License-Identifier: BSD-3-Clause
// The connection of a slot: opened, written to, ended.

#include "dataplane/relay/egress_state.h"

#include <errno.h>

// Half of what a message may wait.
#define SETTLE_NS UINT64_C(2000000000)

void slot_open(struct egress *e, struct slot *s, const struct endpoint *address, uint64_t now)
{
	const struct relay_host *host = e->config.host;
	tcp_conn_id conn;
	int error;

	if (!slot_step(s, SLOT_ON_ALLOWED, now))
		return;
	error = host->open(host->arg, s->key.listener, address, &conn);
	if (error < 0) {
		// No source port, or no connection, is left.
		slot_end(e, s, REASON_tcp_no_conns, 0, now);
		return;
	}
	s->conn = conn;
	(void)tcp_set_user(e->config.tcp, conn, slot_user(e, s));
	s->due = now + e->open_ns;
	slot_set_busy(e, s);
}

// What waits for one that was up goes on waiting, for another one; what waited for one that never
// came up will not get one soon.
void slot_end(struct egress *e, struct slot *s, enum reason reason, uint32_t lost, uint64_t now)
{
	s->failed = s->state != SLOT_UP;
	if (!slot_step(s, SLOT_ON_ENDED, now))
		return;
	s->conn = 0;
	s->full_since = 0;
	s->probed = false;
	memset(s->proved, 0, sizeof(s->proved));
	s->reason = (uint16_t)reason;
	s->lost_bytes = lost;
	slot_tell(e, s, now);
	if (s->failed && s->worn == 0)
		slot_refuse_all(e, s, REASON_egress_down, now);
	if (s->first != NULL && slot_step(s, SLOT_ON_WANTED, now))
		slot_ask(e, s, now);
}

// The worn one's end was told when another one was asked for.
static void lose_worn(struct egress *e, struct slot *s, uint64_t now)
{
	s->worn = 0;
	s->full_since = 0;
	if (s->state == SLOT_REFUSED)
		slot_refuse_all(e, s, REASON_egress_down, now);
	if (s->first != NULL && slot_step(s, SLOT_ON_WANTED, now))
		slot_ask(e, s, now);
}

void slot_lose(struct egress *e, struct slot *s, tcp_conn_id conn, enum reason reason,
	uint32_t lost, uint64_t now)
{
	if (conn == s->worn)
		lose_worn(e, s, now);
	else
		slot_end(e, s, reason, lost, now);
}

void slot_renew(struct egress *e, struct slot *s, uint64_t now)
{
	if (s->state == SLOT_UP) {
		s->worn = s->conn;
		slot_end(e, s, REASON_session_worn, 0, now);
	}
	if (slot_step(s, SLOT_ON_WANTED, now))
		slot_ask(e, s, now);
}

// What messages are written to now; 0: they wait. What was written to the worn one arrives before
// anything goes by the new one; a peer that does not acknowledge it is not waited for long.
static tcp_conn_id carrier(struct egress *e, struct slot *s, uint64_t now)
{
	tcp_conn_id worn = s->worn;

	if (s->state != SLOT_UP || worn == 0)
		return s->state == SLOT_UP ? s->conn : worn;
	if ((tcp_unacked(e->config.tcp, worn) > 0 || backlogs_has(e->config.backlogs, worn)) &&
		now - s->state_since < SETTLE_NS) {
		slot_set_busy(e, s);
		return 0;
	}
	s->worn = 0;
	memset(s->proved, 0, sizeof(s->proved));
	e->config.retire(e->config.arg, worn, now);
	return s->conn;
}

// What makes a peer say something that has taken us at our word: a keepalive (RFC 5626 §4.4.1), and
// later, since not everybody answers those, a request. Messages wait meanwhile: a TLS 1.3 server
// judges our certificate when we are done already.
void slot_provoke(struct egress *e, struct slot *s)
{
	(void)session_write(e->config.sessions, s->conn, "\r\n\r\n", 4);
	slot_set_busy(e, s);
}

void slot_probe(struct egress *e, struct slot *s)
{
	uint8_t request[EGRESS_PROBE_BYTES];
	size_t n = e->config.write_probe(e->config.arg, s->conn, request);

	s->probed = true;
	if (n > 0)
		(void)session_write(e->config.sessions, s->conn, request, (uint32_t)n);
}

// Resets it, and tells nobody before slot_end(): the engine's own event finds no slot.
static void end_stuck(struct egress *e, struct slot *s, tcp_conn_id conn, uint64_t now)
{
	uint32_t lost = tcp_unacked(e->config.tcp, conn);

	tcp_abort(e->config.tcp, conn, REASON_egress_stuck); // counts it
	slot_lose(e, s, conn, REASON_egress_stuck, lost, now);
}

// It takes nothing more: it is gone, or its keys are.
static void give_up(struct egress *e, struct slot *s, tcp_conn_id conn, uint64_t now)
{
	session_close(e->config.sessions, conn, now);
	slot_lose(e, s, conn, REASON_tcp_closed, 0, now);
}

// Whether the other end may get it: its domain is proved, or need not be.
static bool may_have(struct egress *e, struct slot *s, tcp_conn_id conn, const struct parcel *p)
{
	uint32_t *proved = &s->proved[p->domain_hash % SLOT_PROVED];

	if (p->domain_hash == 0)
		return true;
	if (s->proved_by != e->policy) {
		memset(s->proved, 0, sizeof(s->proved));
		s->proved_by = e->policy;
	}
	if (*proved == p->domain_hash)
		return true;
	if (!e->config.proves(e->config.arg, conn, view_of(p->bytes + p->len, p->n_domain)))
		return false;
	if (p->domain_hash != PARCEL_PROVE_ALWAYS)
		*proved = p->domain_hash;
	return true;
}

void slot_flush(struct egress *e, struct slot *s, uint64_t now)
{
	tcp_conn_id conn = carrier(e, s, now);

	while (s->first != NULL && conn != 0) {
		struct parcel *p = slot_pop(e, s);
		int error;

		if (!may_have(e, s, conn, p)) {
			egress_refuse(e, p, REASON_egress_unproved, now);
			continue;
		}
		error = backlogs_write(e->config.backlogs, conn, p, now);
		if (error < 0)
			slot_unpop(e, s, p);
		if (error == -EPIPE)
			give_up(e, s, conn, now);
		if (error < 0)
			return;
	}
}

// A request finds the connection's own queue full: after stuck_ms of that every transaction in it
// is over (RFC 3261 §17.1: timers B and F are 32 s), and another connection serves better.
static bool is_stuck(struct egress *e, struct slot *s, uint64_t now)
{
	if (s->full_since == 0)
		s->full_since = now;
	return now - s->full_since >= e->stuck_ns;
}

bool slot_write(struct egress *e, struct slot *s, struct parcel *p, uint64_t now)
{
	const enum parcel_kind kind = (enum parcel_kind)p->kind;
	bool fits;
	int error = -ENOBUFS;
	tcp_conn_id conn;

	// What has waited for the worn one to be done goes first.
	if (s->worn != 0)
		slot_flush(e, s, now);
	conn = carrier(e, s, now);
	if (conn != 0 && !may_have(e, s, conn, p)) {
		egress_refuse(e, p, REASON_egress_unproved, now);
		return true;
	}
	fits = parcel_fits(p, tcp_unacked(e->config.tcp, conn), e->config.send_bytes_max);

	if (s->first == NULL && fits && conn != 0)
		error = backlogs_write(e->config.backlogs, conn, p, now);
	if (error == 0 && kind == PARCEL_REQUEST)
		s->full_since = 0;
	if (error == 0)
		return true;
	if (error == -EPIPE) {
		give_up(e, s, conn, now);
		return false;
	}
	if (!fits && (kind == PARCEL_KEEP || is_stuck(e, s, now))) {
		end_stuck(e, s, conn, now);
		return false;
	}
	// What is full is the memory of all: that passes.
	if ((kind != PARCEL_KEEP && conn != 0) || !slot_wait(e, s, p, now))
		egress_refuse(e, p, REASON_egress_full, now);
	return true;
}
