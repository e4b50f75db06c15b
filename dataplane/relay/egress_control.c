// SPDX-License-Identifier: BSD-3-Clause
// What egress and control say to each other: whether a target may be connected to, and what came of
// it.

#include "dataplane/relay/egress_state.h"

#define MS UINT64_C(1000000)

struct link_target slot_target(const struct slot *s)
{
	return (struct link_target){
		.remote = s->key.remote,
		.listener = s->key.listener,
		.slot = s->key.index,
		.certificate = s->key.certificate,
	};
}

void slot_ask(struct egress *e, struct slot *s, uint64_t now)
{
	struct link_message m;

	link_message_init(&m, LINK_TARGET_WANTED);
	m.target_wanted.target = slot_target(s);
	(void)link_message_append(&m, slot_name(e, s)->text, slot_name(e, s)->len);
	// One that is not heard is asked again as one that is not answered.
	(void)e->config.tell_control(e->config.arg, &m);
	s->due = now + e->ask_again_ns;
	slot_set_busy(e, s);
}

void slot_tell(struct egress *e, struct slot *s, uint64_t now)
{
	struct link_message m;

	link_message_init(&m, LINK_TARGET_STATE);
	m.target_state.target = slot_target(s);
	if (s->state == SLOT_UP) {
		m.target_state.state = LINK_TARGET_UP;
		m.target_state.since_ms = (now - s->state_since) / MS;
	} else {
		m.target_state.state = s->failed ? LINK_TARGET_FAILED : LINK_TARGET_ENDED;
		m.target_state.reason = s->reason;
		m.target_state.lost_bytes = s->lost_bytes;
	}
	s->untold = !e->config.tell_control(e->config.arg, &m);
	if (s->untold)
		slot_set_busy(e, s);
}

static void take_answer(struct egress *e, const struct link_message *m, uint64_t now)
{
	const struct link_target *t =
		m->type == LINK_TARGET_OPEN ? &m->target_open.target : &m->target_refused.target;
	struct slot_key key = slot_key(e, &t->remote, t->listener, t->certificate, t->slot);
	struct slot *s = slot_find(e, &key);

	// Too late, or never asked for.
	if (s == NULL || s->state != SLOT_ASKED)
		return;
	// Control may not know yet what has been published since.
	if (m->type == LINK_TARGET_OPEN && slot_has_hop(e, s)) {
		slot_open(e, s, &m->target_open.address, now);
	} else if (slot_step(s, SLOT_ON_REFUSED, now)) {
		if (m->type == LINK_TARGET_REFUSED)
			s->due = now + m->target_refused.retry_ms * MS;
		slot_refuse_all(e, s, REASON_egress_down, now);
	}
}

// Control wants to see how it goes: what it asked for a message it asks for this.
static void try_target(struct egress *e, const struct link_target_wanted *m, uint64_t now)
{
	const struct link_target *t = &m->target;
	struct slot_key key = slot_key(e, &t->remote, t->listener, t->certificate, t->slot);
	struct slot *s;

	if (slot_owner(e, &key) != e->config.worker ||
		!e->config.has_hop(e->config.arg, &t->remote, view_of(m->name, m->name_len)))
		return;
	s = slot_get(e, &key, now);
	if (s == NULL)
		return;
	slot_set_name(e, s, view_of(m->name, m->name_len));
	if (s->state == SLOT_UP)
		slot_tell(e, s, now);
	(void)slot_step(s, SLOT_ON_BACKED_OFF, now);
	s->wanted_until = now + e->waiting_ns;
	if (slot_step(s, SLOT_ON_WANTED, now))
		slot_ask(e, s, now);
}

void egress_hear(struct egress *e, const struct link_message *m, uint64_t now)
{
	if (m->type == LINK_TARGET_TRY)
		try_target(e, &m->target_wanted, now);
	else
		take_answer(e, m, now);
}

void egress_attached(struct egress *e)
{
	for (uint32_t i = 0; i < e->n_used; i++) {
		struct slot *s = &e->slots[i];

		if (s->state == SLOT_ASKED)
			s->due = 0;
		else if (s->state == SLOT_UP)
			s->untold = true;
		else
			continue;
		slot_set_busy(e, s);
	}
}
