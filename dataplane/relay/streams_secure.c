// SPDX-License-Identifier: BSD-3-Clause
// Streams that are TLS. What their peers send are records: whole ones are opened into scratch
// memory, behind what was left of an unfinished message, and the messages in it are read where they
// lie. What is left again is kept in a parcel.

#include "dataplane/relay/streams_state.h"

#include <errno.h>
#include <stdlib.h>

// From the connection to the hand-over.
#define NEGOTIATE_MS 10000
// Room that a growing rest gets beyond its need, so that it is seldom moved.
#define REST_SLACK 2048

static void changed(
	void *arg, tcp_conn_id conn, enum session_news news, enum reason reason, uint64_t now)
{
	struct streams *s = arg;
	struct stream *st = stream_of(s, conn);

	if (st == NULL)
		return;
	if (news == SESSION_NEWS_OVER) {
		stream_close(s, st, reason, now);
		return;
	}
	if ((st->flags & STREAM_OURS) != 0)
		egress_session_news(s->egress, conn, news, now);
	if (news != SESSION_NEWS_ESTABLISHED)
		return;
	// From here on it is a stream as others: its first message is waited for.
	if ((st->flags & STREAM_OURS) == 0)
		stream_set_timer(s, st, s->config.silence_s * 1000);
	stream_activate(s, st);
}

static bool tell_control(void *arg, const struct link_message *m, bool last)
{
	struct streams *s = arg;

	return s->config.tell_control(s->config.arg, m, last);
}

static struct link_target target_of(void *arg, tcp_conn_id conn)
{
	struct streams *s = arg;

	return egress_target(s->egress, conn);
}

int secure_init(struct streams *s)
{
	const struct sessions_config config = {
		.tcp = s->config.tcp,
		.crypto = s->config.crypto,
		.n_conns = s->config.n_conns,
		.n_cards = s->config.n_cards,
		.counters = s->config.counters,
		.tell_control = tell_control,
		.changed = changed,
		.target_of = target_of,
		.arg = s,
	};

	s->rests = calloc(s->config.n_conns, sizeof(struct parcel *));
	if (s->rests == NULL)
		return -ENOMEM;
	s->sessions = sessions_new(&config);
	return s->sessions != NULL ? 0 : -errno;
}

static void drop_rest(struct streams *s, struct stream *st)
{
	struct parcel **rest = &s->rests[stream_index(s, st)];

	if (*rest == NULL)
		return;
	s->rests_weight -= (*rest)->weight;
	s->config.host->put(s->config.host->arg, *rest);
	*rest = NULL;
}

void secure_fini(struct streams *s)
{
	for (uint32_t i = 0; s->rests != NULL && i < s->config.n_conns; i++)
		drop_rest(s, &s->list[i]);
	free(s->rests);
	sessions_free(s->sessions);
}

void secure_begin(struct streams *s, struct stream *st, uint64_t now)
{
	bool is_ours = (st->flags & STREAM_OURS) != 0;
	struct endpoint remote;

	st->flags |= STREAM_SECURE;
	remote = stream_remote(st);
	if (!session_begin(s->sessions, stream_conn(s, st),
		    is_ours ? RECORD_OPENED : RECORD_ACCEPTED, st->listener, &remote)) {
		stream_close(s, st, REASON_session_control_away, now);
		return;
	}
	// Of ours, egress bounds each step.
	if (!is_ours)
		stream_set_timer(s, st, NEGOTIATE_MS);
}

bool secure_event(struct streams *s, struct stream *st, const struct tcp_event *event, uint64_t now)
{
	if ((st->flags & STREAM_CLOSING) != 0 || session_is_established(s->sessions, event->conn))
		return true;
	if ((event->what & TCP_PEER_FINISHED) != 0) {
		// Should it become established nevertheless: its first read finds that out.
		st->flags |= STREAM_FINISHED;
		session_finished(s->sessions, event->conn, now);
	} else if ((event->what & TCP_READABLE) != 0) {
		session_received(s->sessions, event->conn, now);
	}
	return false;
}

void secure_end(struct streams *s, struct stream *st, tcp_conn_id conn, enum reason reason)
{
	if ((st->flags & STREAM_SECURE) == 0)
		return;
	drop_rest(s, st);
	session_end(s->sessions, conn, reason);
}

bool secure_timed_out(struct streams *s, struct stream *st, uint64_t now)
{
	if ((st->flags & STREAM_SECURE) == 0 ||
		session_is_established(s->sessions, stream_conn(s, st)))
		return false;
	stream_close(s, st, REASON_session_timed_out, now);
	return true;
}

bool secure_open(struct streams *s, struct stream *st, struct secure_read *read, uint64_t now)
{
	const struct parcel *rest = s->rests[stream_index(s, st)];
	uint32_t n_rest = rest != NULL ? rest->len : 0;
	uint8_t *at = s->scratch + s->burst.n_scratch;
	struct session_read opened;

	if (s->burst.n_scratch + n_rest + STREAMS_OPEN_BYTES + STREAMS_LINE_BYTES >
		s->scratch_bytes)
		return false;
	if (n_rest > 0)
		memcpy(at, rest->bytes, n_rest);
	session_read(
		s->sessions, stream_conn(s, st), at + n_rest, STREAMS_OPEN_BYTES, &opened, now);
	if (opened.finished)
		st->flags |= STREAM_FINISHED;
	*read = (struct secure_read){
		.text = view_of(at, n_rest + opened.n_bytes),
		.more = opened.more,
		.fault = opened.fault,
		.wear = opened.wear,
	};
	s->burst.n_scratch += (uint32_t)read->text.len;
	s->burst.n_scratch =
		(s->burst.n_scratch + STREAMS_LINE_BYTES - 1) & ~(STREAMS_LINE_BYTES - 1);
	return true;
}

// Within the bound of all rests: large buffers are few, and count by how few.
static struct parcel *get_rest(struct streams *s, size_t n_bytes)
{
	const struct relay_host *host = s->config.host;
	struct parcel *p = host->get(host->arg, n_bytes);

	if (p == NULL || p->weight <= s->config.rests_weight - s->rests_weight)
		return p;
	host->put(host->arg, p);
	return NULL;
}

bool secure_keep(struct streams *s, struct stream *st, struct view rest)
{
	struct parcel **kept = &s->rests[stream_index(s, st)], *p = *kept;

	if (rest.len == 0) {
		drop_rest(s, st);
		return true;
	}
	if (p == NULL || p->room < rest.len) {
		drop_rest(s, st);
		p = get_rest(s, rest.len + REST_SLACK);
		if (p == NULL)
			p = get_rest(s, rest.len);
		if (p == NULL)
			return false;
		*kept = p;
		s->rests_weight += p->weight;
	}
	memcpy(p->bytes, rest.at, rest.len);
	p->len = (uint32_t)rest.len;
	return true;
}
