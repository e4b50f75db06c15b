// SPDX-License-Identifier: BSD-3-Clause
// Messages whose body no packet buffer holds. The relay judges such a one by its head, before
// anything of its body is stored: what policy refuses costs no memory. Then the body is taken out
// of the engine's queue as it comes, so that the window stays open, into memory set aside for all
// of it; and when it is whole the message goes on, head and body, as any other.

#include "dataplane/relay/streams_state.h"

#include <errno.h>

// Of the engine's buffer memory, for bodies in flight; and of the bound on what waits for
// connections, for what waits behind them.
#define IN_FLIGHT_SHARE 8
#define BEHIND_SHARE    4

static void changed(void *arg, tcp_conn_id conn, bool has_one, uint64_t now)
{
	struct streams *s = arg;
	struct stream *st = stream_of(s, conn);

	if (st == NULL)
		return;
	st->flags &= (uint16_t)~STREAM_WRITING;
	if (has_one)
		st->flags |= STREAM_WRITING;
	else
		stream_close_if_done(s, st, now);
}

// Its peer does not read. What was written of the message would be taken for its beginning, with
// whatever is written next behind it.
static void stuck(void *arg, tcp_conn_id conn)
{
	struct streams *s = arg;
	const struct stream *st = stream_of(s, conn);
	bool is_ours = st == NULL || (st->flags & STREAM_OURS) != 0;

	tcp_abort(s->config.tcp, conn, is_ours ? REASON_egress_stuck : REASON_sip_stream_stuck);
}

int large_init(struct streams *s)
{
	struct backlogs_config config;

	backlogs_config_default(&config);
	config.tcp = s->config.tcp;
	config.sessions = s->sessions;
	config.host = s->config.host;
	config.counters = s->config.counters;
	if (s->config.buffer_bytes > 0)
		config.in_flight_of_all = s->config.buffer_bytes / IN_FLIGHT_SHARE;
	config.behind_weight_of_all = s->config.n_waiting / BEHIND_SHARE;
	config.changed = changed;
	config.refuse = streams_refuse;
	config.stuck = stuck;
	config.arg = s;
	s->backlogs = backlogs_new(&config);
	s->large.bodies = bodies_new(s->config.bodies, s->config.n_bodies);
	return s->backlogs != NULL && s->large.bodies != NULL ? 0 : -ENOMEM;
}

void large_fini(struct streams *s)
{
	struct streams_large *l = &s->large;
	const struct relay_host *host = s->config.host;

	backlogs_free(s->backlogs);
	for (unsigned i = 0; i < l->n; i++)
		host->put(host->arg, l->list[i].parcel);
	while (l->first != NULL) {
		struct parcel *p = l->first;

		l->first = p->next;
		host->put(host->arg, p);
	}
	bodies_free(l->bodies);
}

static struct intake *find(struct streams *s, const struct stream *st)
{
	tcp_conn_id conn = stream_conn(s, st);

	for (unsigned i = 0; i < s->large.n; i++) {
		if (s->large.list[i].conn == conn)
			return &s->large.list[i];
	}
	return NULL;
}

static void forget(struct streams *s, struct intake *in)
{
	*in = s->large.list[--s->large.n];
}

static void refuse(struct streams *s, struct parcel *p, uint64_t now)
{
	streams_count(s, REASON_sip_bodies_full);
	if (p->is_response)
		parcel_put(s->config.host, p);
	else
		streams_refuse(s, p, REASON_sip_bodies_full, now);
}

void large_begin(struct streams *s, struct stream *st, struct parcel *p, uint64_t now)
{
	struct streams_large *l = &s->large;
	struct endpoint remote;

	// Gone within the burst, and counted.
	if (st == NULL || (st->flags & STREAM_CLOSING) != 0) {
		parcel_put(s->config.host, p);
		return;
	}
	remote = stream_remote(st);
	p->body = body_get(l->bodies, st->frame.body_bytes, &remote.ip, &p->destination);
	if (p->body == NULL) {
		refuse(s, p, now);
		return;
	}
	l->list[l->n++] = (struct intake){
		.conn = stream_conn(s, st),
		.parcel = p,
		.until = s->tick + streams_ticks(s->config.silence_s * 1000 + body_ms(p->body)),
	};
	st->flags &= (uint16_t)~STREAM_SKIPPING;
	st->flags |= STREAM_TAKING;
}

void large_drop(struct streams *s, struct stream *st)
{
	struct intake *in = find(s, st);

	st->flags &= (uint16_t)~STREAM_TAKING;
	if (in == NULL)
		return;
	parcel_put(s->config.host, in->parcel);
	forget(s, in);
}

// It is whole: to be carried when what is being read has been read.
static void finish(struct streams *s, struct stream *st, struct intake *in)
{
	struct streams_large *l = &s->large;
	struct parcel *p = in->parcel;

	forget(s, in);
	st->flags &= (uint16_t)~STREAM_TAKING;
	stream_end_part(s, st);
	p->next = NULL;
	if (l->first == NULL)
		l->first = p;
	else
		l->last->next = p;
	l->last = p;
}

uint32_t large_store(
	struct streams *s, struct stream *st, const uint8_t *from, uint32_t n_at, uint32_t n)
{
	struct intake *in = find(s, st);
	uint32_t n_stored = 0;

	if (n > s->large.n_left)
		n = s->large.n_left;
	while (in != NULL && n_stored < n) {
		uint8_t *at;
		uint32_t room = body_room(in->parcel->body, &at);
		uint32_t piece = room < n - n_stored ? room : n - n_stored;

		if (from != NULL)
			memcpy(at, from + n_stored, piece);
		else
			piece = tcp_copy(
				s->config.tcp, stream_conn(s, st), n_at + n_stored, at, piece);
		body_add(in->parcel->body, piece);
		n_stored += piece;
	}
	s->large.n_left -= n_stored;
	st->frame.body_bytes -= n_stored;
	if (in != NULL && st->frame.body_bytes == 0)
		finish(s, st, in);
	return n_stored;
}

void large_carry(struct streams *s, uint64_t now)
{
	struct streams_large *l = &s->large;

	while (l->first != NULL) {
		struct parcel *p = l->first;

		l->first = p->next;
		p->next = NULL;
		streams_carry(s, p, now);
	}
}

void large_timers(struct streams *s, uint64_t now)
{
	struct streams_large *l = &s->large;

	for (unsigned i = 0; i < l->n;) {
		struct stream *st = stream_of(s, l->list[i].conn);

		if ((int32_t)(s->tick - l->list[i].until) < 0)
			i++;
		else
			stream_close(s, st, REASON_sip_stream_silent, now); // drops it
	}
}
