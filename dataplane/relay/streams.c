// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/relay/streams_state.h"

#include <errno.h>
#include <stdlib.h>

// A turn of the worker stays short: bursts relayed in one.
#define BURSTS_A_POLL 4
// How long a peer that has finished waits for what it has asked (RFC 3261 §17.1: 64 T1), and how
// long one that we have closed may take to finish.
#define LINGER_MS 32000
#define CLOSE_MS  5000
// Identities of TLS connections: 17 MB of cards.
#define CARDS_MAX 16384
// Domains that connections are of: four MB of them.
#define SENDERS_MAX 16384

void streams_config_default(struct streams_config *config, uint32_t n_conns)
{
	*config = (struct streams_config){
		.n_workers = 1,
		.n_conns = n_conns,
		.message_bytes_max = 64000,
		.n_holding = 64,
		.n_again = 1024,
		.again_of_target = 512,
		.n_waiting = 4096,
		.waiting_of_target = 2048,
		.rests_weight = 1024,
		.n_cards = n_conns < CARDS_MAX ? n_conns : CARDS_MAX,
		.n_pending = 4096, // 4 ms of a million a second, in 32 KB of cache
		.n_senders = n_conns < SENDERS_MAX ? n_conns : SENDERS_MAX,
		.silence_s = 32, // 64 T1: the transaction of a message that comes later is over
	};
}

struct streams *streams_new(const struct streams_config *config)
{
	struct streams *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL)
		return NULL;
	s->config = *config;
	// An index is less than that, so no id becomes 0.
	s->salt = config->salt | UINT64_C(1) << 31;
	s->list = calloc(config->n_conns, sizeof(*s->list));
	s->n_pauses = calloc(config->n_conns, sizeof(*s->n_pauses));
	s->scratch_bytes = 4 * (config->message_bytes_max + STREAMS_OPEN_BYTES);
	s->scratch_bytes -= s->scratch_bytes % STREAMS_LINE_BYTES;
	s->scratch = aligned_alloc(STREAMS_LINE_BYTES, s->scratch_bytes);
	r = s->list != NULL && s->n_pauses != NULL && s->scratch != NULL
		? again_init(&s->again, config->n_again)
		: -ENOMEM;
	if (r == 0)
		r = pending_init(&s->pending, config->n_pending);
	if (r == 0)
		r = senders_init(&s->senders, config->n_senders);
	if (r == 0)
		r = secure_init(s);
	if (r == 0)
		r = large_init(s);
	if (r == 0)
		r = streams_open_egress(s);
	if (r == 0) {
		wheel_init(&s->wheel, &s->list[0].timer, sizeof(s->list[0]), 0);
		return s;
	}
	streams_free(s);
	errno = -r;
	return NULL;
}

void streams_free(struct streams *s)
{
	if (s == NULL)
		return;
	if (s->egress != NULL)
		egress_free(s->egress);
	large_fini(s);
	secure_fini(s);
	again_fini(s);
	pending_fini(&s->pending);
	senders_fini(&s->senders);
	free(s->scratch);
	free(s->n_pauses);
	free(s->list);
	free(s);
}

void stream_activate(struct streams *s, struct stream *st)
{
	uint32_t index = stream_index(s, st) + 1;

	if ((st->flags & (STREAM_ACTIVE | STREAM_PAUSED)) != 0)
		return;
	st->flags |= STREAM_ACTIVE;
	st->next_active = 0;
	if (s->last_active != 0)
		s->list[s->last_active - 1].next_active = index;
	else
		s->first_active = index;
	s->last_active = index;
}

void stream_set_timer(struct streams *s, struct stream *st, uint32_t ms)
{
	wheel_set(&s->wheel, stream_index(s, st), s->tick + streams_ticks(ms) + 1);
}

static void release(struct streams *s, struct stream *st)
{
	if ((st->flags & (STREAM_HOLDING | STREAM_TAKING)) == 0)
		return;
	if ((st->flags & STREAM_TAKING) != 0)
		large_drop(s, st);
	if ((st->flags & STREAM_HOLDING) != 0)
		s->n_holding--;
	st->flags &= (uint16_t)~STREAM_HOLDING;
}

void stream_end_part(struct streams *s, struct stream *st)
{
	memset(&st->frame, 0, sizeof(st->frame));
	release(s, st);
	if (wheel_has(&s->wheel, stream_index(s, st)) && !stream_is_ending(st))
		wheel_del(&s->wheel, stream_index(s, st));
}

void stream_close(struct streams *s, struct stream *st, enum reason reason, uint64_t now)
{
	tcp_conn_id conn = stream_conn(s, st);

	if ((st->flags & STREAM_CLOSING) != 0)
		return;
	stream_end_part(s, st);
	st->flags |= STREAM_CLOSING;
	st->flags &= (uint16_t)~STREAM_PAUSED;
	// An alert or close_notify is to reach the peer.
	if ((st->flags & (STREAM_OURS | STREAM_SECURE)) == (STREAM_OURS | STREAM_SECURE)) {
		if (reason != REASON_none)
			streams_count(s, reason);
		egress_give_up(
			s->egress, conn, reason != REASON_none ? reason : REASON_tcp_closed, now);
		stream_set_timer(s, st, CLOSE_MS);
		stream_activate(s, st);
		return;
	}
	// Egress learns it by the event, and opens another one if need be.
	if ((st->flags & STREAM_OURS) != 0) {
		tcp_abort(s->config.tcp, conn, reason);
		return;
	}
	if (reason != REASON_none)
		streams_count(s, reason);
	session_close(s->sessions, conn, now);
	stream_set_timer(s, st, CLOSE_MS);
	stream_activate(s, st);
}

void stream_close_if_done(struct streams *s, struct stream *st, uint64_t now)
{
	bool is_part =
		st->frame.n_bytes > 0 || (st->flags & (STREAM_SKIPPING | STREAM_TAKING)) != 0;
	bool is_ours = (st->flags & STREAM_OURS) != 0;

	if (worn_leave(s, st, now) || (st->flags & STREAM_FINISHED) == 0 ||
		(st->flags & (STREAM_ACTIVE | STREAM_PAUSED | STREAM_CLOSING | STREAM_WRITING)) !=
			0)
		return;
	if (is_part)
		stream_close(s, st, REASON_sip_stream_cut, now);
	else if (is_ours && (st->flags & STREAM_SECURE) == 0)
		return; // egress has closed it
	else if (is_ours || st->n_pending == 0 || (st->flags & STREAM_SAID) != 0)
		stream_close(s, st, REASON_none, now);
	else if (!wheel_has(&s->wheel, stream_index(s, st)))
		stream_set_timer(s, st, LINGER_MS);
}

// By the listener that it came to, or the hop that it was opened for.
static bool is_secure(const struct streams *s, const struct tcp_event *event)
{
	if ((event->user & EGRESS_USER) == 0)
		return (s->config.secure >> event->listener & 1) != 0;
	return egress_target(s->egress, event->conn).remote.transport == TRANSPORT_TLS;
}

static struct stream *begin(struct streams *s, const struct tcp_event *event, uint64_t now)
{
	struct stream *st = &s->list[(uint32_t)event->conn];
	struct tcp_status status;
	uint32_t next = st->next_active;
	uint16_t active = st->flags & STREAM_ACTIVE;

	if (!tcp_describe(s->config.tcp, event->conn, &status))
		return NULL;
	*st = (struct stream){
		.generation = (uint32_t)(event->conn >> 32),
		.next_active = next,
		.flags = active,
		.listener = (uint8_t)event->listener,
		.port = status.remote.port,
		.family = status.remote.ip.family,
	};
	memcpy(st->ip, status.remote.ip.bytes, sizeof(st->ip));
	if ((event->user & EGRESS_USER) != 0)
		st->flags |= STREAM_OURS;
	else
		stream_set_timer(s, st, s->config.silence_s * 1000);
	if (backlogs_has(s->backlogs, event->conn))
		st->flags |= STREAM_WRITING;
	if (is_secure(s, event))
		secure_begin(s, st, now);
	return st;
}

// The list is left to streams_gather(): what is in it may be in use again by then, and is then
// looked at once too often.
static void end(struct streams *s, struct stream *st)
{
	uint32_t next = st->next_active;
	uint16_t active = st->flags & STREAM_ACTIVE;

	release(s, st);
	senders_put(&s->senders, st->sender);
	wheel_del(&s->wheel, stream_index(s, st));
	memset(st, 0, sizeof(*st));
	st->flags = active;
	st->next_active = next;
}

static void take_event(struct streams *s, const struct tcp_event *event, uint64_t now)
{
	struct stream *st = stream_of(s, event->conn);

	if ((event->user & EGRESS_USER) != 0)
		egress_event(s->egress, event, now);
	if ((event->what & TCP_OPENED) != 0 && st == NULL)
		st = begin(s, event, now);
	if (st == NULL)
		return;
	if ((event->what & TCP_CLOSED) != 0) {
		if ((st->flags & STREAM_WRITING) != 0)
			backlogs_end(s->backlogs, event->conn, now);
		secure_end(s, st, event->conn, event->reason);
		end(s, st);
		return;
	}
	if ((st->flags & STREAM_SECURE) != 0 && !secure_event(s, st, event, now))
		return;
	if ((event->what & TCP_PEER_FINISHED) != 0)
		st->flags |= STREAM_FINISHED;
	if ((event->what & (TCP_READABLE | TCP_PEER_FINISHED)) != 0)
		stream_activate(s, st);
}

bool streams_poll(struct streams *s, uint64_t now)
{
	struct streams_burst *b = &s->burst;
	struct tcp_event event;

	streams_set_now(s, now);
	s->large.n_left = STREAMS_STORED_BYTES;
	while (tcp_next_event(s->config.tcp, &event))
		take_event(s, &event, now);
	for (unsigned i = 0; i < BURSTS_A_POLL && streams_gather(s, now); i++) {
		if (b->n > 0)
			relay_burst(s->config.relay, b->in, b->out, b->n);
		streams_carry_burst(s, now);
		streams_consume(s, now);
	}
	return backlogs_poll(s->backlogs, now) || s->first_active != 0;
}

void streams_hear(struct streams *s, const struct link_message *m, uint64_t now)
{
	streams_set_now(s, now);
	if (m->type == LINK_TARGET_OPEN || m->type == LINK_TARGET_REFUSED ||
		m->type == LINK_TARGET_TRY)
		egress_hear(s->egress, m, now);
	else
		sessions_hear(s->sessions, m, now);
}

void streams_attached(struct streams *s, uint64_t now)
{
	streams_set_now(s, now);
	sessions_attached(s->sessions, now);
	egress_attached(s->egress);
}

// What it was set for.
static void timed_out(struct streams *s, struct stream *st, uint64_t now)
{
	tcp_conn_id conn = stream_conn(s, st);

	if ((st->flags & STREAM_CLOSING) != 0) {
		tcp_abort(s->config.tcp, conn, REASON_tcp_aborted);
	} else if (secure_timed_out(s, st, now) || worn_timed_out(s, st, now)) {
		return;
	} else if ((st->flags & STREAM_PAUSED) != 0) {
		st->flags &= (uint16_t)~STREAM_PAUSED;
		stream_activate(s, st);
	} else if ((st->flags & STREAM_FINISHED) != 0) {
		st->n_pending = 0;
		stream_close_if_done(s, st, now);
	} else if ((st->flags & STREAM_HEARD) == 0 || tcp_readable(s->config.tcp, conn) > 0 ||
		s->rests[stream_index(s, st)] != NULL || (st->flags & STREAM_SKIPPING) != 0) {
		stream_close(s, st, REASON_sip_stream_silent, now);
	}
}

void streams_timers(struct streams *s, uint64_t now, unsigned budget)
{
	uint32_t index;

	streams_set_now(s, now);
	large_timers(s, now);
	again_timers(s, &budget);
	while (budget > 0 && wheel_next(&s->wheel, s->tick, &budget, &index)) {
		budget--;
		timed_out(s, &s->list[index], now);
	}
	sessions_timers(s->sessions, budget);
	egress_timers(s->egress, now, budget);
	streams_recheck_on(s, now);
}

void streams_usage(const struct streams *s, struct streams_usage *out)
{
	*out = (struct streams_usage){
		.n_holding = s->n_holding,
		.n_intakes = s->large.n,
		.n_bodies = bodies_used(s->large.bodies),
	};
	for (uint32_t i = 0; i < s->config.n_conns; i++)
		out->n_streams += stream_is_used(&s->list[i]);
	for (uint32_t i = 0; i < s->again.n; i++)
		out->n_again += s->again.list[i].parcel != NULL;
	egress_usage(s->egress, &out->egress);
}
