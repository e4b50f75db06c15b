// SPDX-License-Identifier: BSD-3-Clause
// TLS 1.2 connections whose keys are used up: TLS 1.2 cannot change them (RFC 8446 §5.5 says how
// long they hold), so another connection takes their place, and nothing is lost.
//
// One of ours: egress opens another one, and what is still under way on the old one has time to
// come. An accepted one is closed in a moment in which nothing is asked on it; where there is none
// until its keys are all but spent, it is not read for a little, so that there is one. What crosses
// our close is read and relayed, and its responses go by a new connection (RFC 3261 §18.2.2).

#include "dataplane/relay/streams_state.h"

// Timer C (RFC 3261 §16.6): an INVITE may ring so long before its final response comes.
#define RETIRE_MS 181000
// For responses to what was asked: most come within T1.
#define QUIET_MS 2000
// Until the peer has answered our close_notify with its own.
#define ANSWER_MS 5000

void worn_note(struct streams *s, struct stream *st, enum record_wear wear)
{
	if (wear == RECORD_FRESH || (st->flags & (STREAM_OURS | STREAM_SAID)) != 0)
		return;
	st->flags |= STREAM_WORN;
	if (wear == RECORD_SPENT && (st->flags & (STREAM_PAUSED | STREAM_FINISHED)) == 0) {
		st->flags |= STREAM_PAUSED;
		stream_set_timer(s, st, QUIET_MS);
	}
}

static void leave(struct streams *s, struct stream *st, uint64_t now)
{
	st->flags |= STREAM_SAID;
	st->flags &= (uint16_t)~STREAM_PAUSED;
	streams_count(s, REASON_session_worn);
	session_close(s->sessions, stream_conn(s, st), now);
	stream_set_timer(s, st, ANSWER_MS);
	stream_activate(s, st);
}

bool worn_leave(struct streams *s, struct stream *st, uint64_t now)
{
	const uint16_t not_now = STREAM_OURS | STREAM_SAID | STREAM_FINISHED | STREAM_CLOSING |
		STREAM_ACTIVE | STREAM_SKIPPING | STREAM_TAKING | STREAM_WRITING;

	if ((st->flags & STREAM_WORN) == 0 || (st->flags & not_now) != 0 || st->n_pending > 0 ||
		s->rests[stream_index(s, st)] != NULL)
		return false;
	leave(s, st, now);
	return true;
}

void worn_retire(void *arg, tcp_conn_id conn, uint64_t now)
{
	struct streams *s = arg;
	struct stream *st = stream_of(s, conn);

	(void)now;
	if (st == NULL || (st->flags & STREAM_CLOSING) != 0)
		return;
	st->flags |= STREAM_WORN;
	stream_set_timer(s, st, RETIRE_MS);
}

bool worn_timed_out(struct streams *s, struct stream *st, uint64_t now)
{
	bool is_ours = (st->flags & STREAM_OURS) != 0;

	if ((st->flags & STREAM_WORN) == 0)
		return false;
	if ((st->flags & STREAM_SAID) != 0) {
		stream_close(s, st, REASON_none, now);
	} else if (is_ours && (st->flags & STREAM_PAUSED) != 0) {
		st->flags &= (uint16_t)~STREAM_PAUSED;
		stream_activate(s, st);
		stream_set_timer(s, st, RETIRE_MS);
	} else if (is_ours) {
		stream_close(s, st, REASON_session_worn, now);
	} else if ((st->flags & STREAM_PAUSED) != 0 &&
		session_wear(s->sessions, stream_conn(s, st)) == RECORD_SPENT) {
		leave(s, st, now);
	} else {
		return false;
	}
	return true;
}
