// SPDX-License-Identifier: BSD-3-Clause

#include "tests/wire/links.h"

static uint32_t link_write(void *stream, const uint8_t *bytes, uint32_t n_bytes)
{
	struct link *l = stream;
	struct tcp *tcp = l->of->tcp;
	uint32_t room = tcp_room(tcp, l->id);

	if (n_bytes > room && room < l->of->buffer_bytes / 2) {
		// Refused, so that it is told when there is more.
		tcp_write(tcp, l->id, bytes, n_bytes);
		return 0;
	}
	n_bytes = n_bytes < room ? n_bytes : room;
	return tcp_write(tcp, l->id, bytes, n_bytes) == 0 ? n_bytes : 0;
}

static uint32_t link_read(void *stream, uint8_t *bytes, uint32_t n_bytes)
{
	struct link *l = stream;
	uint32_t n = tcp_copy(l->of->tcp, l->id, 0, bytes, n_bytes);

	tcp_consume(l->of->tcp, l->id, n);
	return n;
}

static bool link_at_end(void *stream)
{
	struct link *l = stream;

	return l->eof && tcp_readable(l->of->tcp, l->id) == 0;
}

static void link_finish(void *stream)
{
	struct link *l = stream;

	tcp_close(l->of->tcp, l->id, l->of->tcp_now);
}

static void link_reset(void *stream)
{
	struct link *l = stream;

	tcp_abort(l->of->tcp, l->id, REASON_tcp_aborted);
}

static const struct chat_stream ops = {link_write, link_read, link_at_end, link_finish, link_reset};

void links_add(struct links *s, tcp_conn_id id, const struct chat_request *request)
{
	unsigned i = 0;

	while (i < s->n && s->at[i].used)
		i++;
	if (i == LINKS_MAX) {
		tcp_abort(s->tcp, id, REASON_tcp_aborted);
		return;
	}
	if (i == s->n)
		s->n++;
	s->at[i] = (struct link){.of = s, .used = true, .id = id};
	tcp_set_user(s->tcp, id, i + 1);
	chat_begin(&s->at[i].chat, &ops, &s->at[i], request, s->now);
}

static void step(struct links *s, struct link *l)
{
	enum chat_outcome before = l->chat.outcome;

	chat_step(&l->chat, s->now);
	if (before == CHAT_GOES_ON && l->chat.outcome != CHAT_GOES_ON)
		ask_note(s->ask, &l->chat);
}

static void end(struct links *s, struct link *l, enum reason reason)
{
	bool went_on = l->chat.outcome == CHAT_GOES_ON;

	chat_gone(&l->chat, reason != REASON_tcp_closed, reason_name(reason));
	if (went_on)
		ask_note(s->ask, &l->chat);
	chat_end(&l->chat);
	l->used = false;
}

void links_take_events(struct links *s)
{
	struct tcp_event e;

	while (tcp_next_event(s->tcp, &e)) {
		uint64_t user = e.user;
		struct link *l;

		if (user == 0 && (e.what & TCP_OPENED) && !(e.what & TCP_CLOSED)) {
			links_add(s, e.conn, NULL);
			user = tcp_user(s->tcp, e.conn);
		}
		if (user == 0)
			continue;
		l = &s->at[user - 1];
		l->eof |= (e.what & TCP_PEER_FINISHED) != 0;
		step(s, l);
		if (e.what & TCP_CLOSED)
			end(s, l, e.reason);
	}
}

uint64_t links_step_due(struct links *s, uint64_t until)
{
	for (unsigned i = 0; i < s->n; i++) {
		struct link *l = &s->at[i];

		if (l->used && l->chat.next_ns <= s->now)
			step(s, l);
		if (l->used && l->chat.next_ns < until)
			until = l->chat.next_ns;
	}
	return until;
}
