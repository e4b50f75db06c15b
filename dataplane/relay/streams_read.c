// SPDX-License-Identifier: BSD-3-Clause
// Bytes to whole messages. What lies whole in one piece is read where it lies, by the parser alone;
// what lies in several is copied into scratch memory; what is not all there stays in the engine's
// receive queue, of which struct sip_frame remembers how far it has been looked at.

#include "dataplane/relay/streams_state.h"

// Of one stream in a burst, while others wait.
#define SHARE 8
// Copied at first, of a message that crosses the end of its piece.
#define CROSSING_BYTES 4096
// A part of a message up to there costs no more than an idle window does.
#define PART_BYTES 4096
// Until one that does not read is looked at again.
#define PAUSE_MS 20
// Of answers that are not read, until the connection is ended: timers B and F (RFC 3261 §17.1).
#define UNREAD_MS 32000
// Of a refused body, thrown away so that the stream goes on; beyond, it is closed. More than any
// limit of bodies that a policy can say.
#define SKIPPED_BYTES_MAX (32U << 20)

// A stream being read.
struct reader {
	struct stream *st;
	tcp_conn_id conn;
	struct view piece; // the first bytes, as far as they lie in one
	uint32_t readable; // all that have come
	uint32_t at;       // up to there they are taken
	uint32_t n_pings;
	enum reason end; // it is to be closed
};

enum outcome {
	TAKEN, // go on
	WAITS, // more bytes are needed
	LATER, // there is more, for the next burst
};

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

// Bytes from at + offset on, as one: where they lie, or copied. Empty where scratch memory is full.
static struct view bytes_at(
	struct streams *s, const struct reader *r, uint32_t offset, uint32_t n_bytes, bool *copied)
{
	uint64_t from = (uint64_t)r->at + offset;
	uint8_t *to = s->scratch + s->burst.n_scratch;

	*copied = from + n_bytes > r->piece.len;
	if (!*copied)
		return view_of(r->piece.at + from, n_bytes);
	if (n_bytes > s->scratch_bytes - s->burst.n_scratch)
		return VIEW_NONE;
	return view_of(to, tcp_copy(s->config.tcp, r->conn, (uint32_t)from, to, n_bytes));
}

// The message becomes number n of the burst, as relay_read() has just read it.
static bool add(struct streams *s, const struct reader *r, struct view bytes, enum reason fault)
{
	const struct relay_host *host = s->config.host;
	struct streams_burst *b = &s->burst;
	struct parcel *p = host->get(host->arg, bytes.len + RELAY_GROWTH_BYTES);
	struct relay_in *in = &b->in[b->n];

	if (p == NULL)
		return false;
	*in = (struct relay_in){
		.payload = bytes,
		.source = stream_remote(r->st),
		.conn = r->conn ^ s->salt,
		.listener = r->st->listener,
		.fault = (uint16_t)fault,
		.is_read = true,
	};
	in->card = stream_card(s, r->st, &in->card_serial);
	b->out[b->n].bytes = p->bytes;
	b->out[b->n].room = p->room;
	b->parcels[b->n++] = p;
	return true;
}

// Of what lies behind the first piece nothing can be seen before that is consumed.
static enum outcome progress(const struct reader *r)
{
	return r->at < r->piece.len ? TAKEN : r->at < r->readable ? LATER : WAITS;
}

// Takes a whole message. LATER where packet memory is empty: it waits in the engine.
static enum outcome take_message(struct streams *s, struct reader *r, struct view bytes,
	uint32_t n_bytes, enum reason fault, bool copied)
{
	if (!add(s, r, bytes, fault))
		return LATER;
	if (copied)
		s->burst.n_scratch += (uint32_t)bytes.len;
	r->at += n_bytes;
	if ((r->st->flags & STREAM_SECURE) != 0)
		session_count_message(s->sessions, r->conn);
	stream_end_part(s, r->st);
	r->st->flags |= STREAM_HEARD;
	return progress(r);
}

// It is answered as far as it can be, and closed.
static enum outcome lose(struct streams *s, struct reader *r, enum reason fault)
{
	uint32_t n = least(r->readable - r->at, SIP_HEAD_BYTES_MAX);
	struct view bytes;
	size_t n_read;
	bool copied;

	n = least(n, s->scratch_bytes - s->burst.n_scratch);
	bytes = bytes_at(s, r, 0, n, &copied);
	(void)relay_read(s->config.relay, s->burst.n, bytes, &n_read);
	if (add(s, r, bytes, fault) && copied)
		s->burst.n_scratch += (uint32_t)bytes.len;
	r->at = r->readable;
	r->end = REASON_sip_stream_lost;
	return WAITS;
}

// Its head alone is judged, or refused for that fault; its body is thrown away as it comes, unless
// large_begin() has another use for it.
static enum outcome judge_by_head(struct streams *s, struct reader *r, enum reason fault)
{
	struct sip_frame *f = &r->st->frame;
	uint32_t n_left = f->body_bytes, n_head = f->n_bytes;
	struct streams_burst *b = &s->burst;
	enum outcome outcome;
	struct view head;
	bool copied;

	if (n_left > SKIPPED_BYTES_MAX || n_head > s->config.message_bytes_max)
		return lose(s, r, fault != REASON_none ? fault : REASON_sip_body_too_large);
	head = bytes_at(s, r, 0, n_head, &copied);
	if (head.len == 0)
		return LATER;
	// Where the parser sees another end than the frame did, what follows would be read as
	// another message.
	if (relay_read_head(s->config.relay, b->n, head) != n_left && fault == REASON_none)
		fault = REASON_sip_bad_content_length;
	outcome = take_message(s, r, head, n_head, fault, copied);
	if (r->at == 0 || f->n_bytes > 0)
		return outcome;
	f->body_bytes = n_left;
	r->st->flags |= STREAM_SKIPPING;
	if (fault != REASON_none)
		return outcome;
	b->in[b->n - 1].is_head = true;
	return LATER;
}

// Enough of a long message has come that it is counted. False: there are too many.
static bool hold(struct streams *s, struct stream *st, uint32_t n_bytes)
{
	if (n_bytes <= PART_BYTES || (st->flags & STREAM_HOLDING) != 0)
		return true;
	if (s->n_holding >= s->config.n_holding)
		return false;
	st->flags |= STREAM_HOLDING;
	s->n_holding++;
	return true;
}

// Looks at bytes of the head that nobody has looked at.
static enum reason look_on(struct streams *s, struct reader *r)
{
	struct sip_frame *f = &r->st->frame;
	enum reason fault = REASON_none;

	while (!f->ended && fault == REASON_none && r->at + f->n_bytes < r->readable) {
		uint32_t left = r->readable - r->at - f->n_bytes;
		bool copied;
		struct view bytes =
			bytes_at(s, r, f->n_bytes, least(left, CROSSING_BYTES), &copied);

		if (bytes.len == 0)
			break;
		fault = sip_frame_feed(f, bytes);
	}
	return fault;
}

// The way of what the parser could not read at once: a part, or what is malformed.
static enum outcome read_on(struct streams *s, struct reader *r)
{
	struct sip_frame *f = &r->st->frame;
	enum reason fault = look_on(s, r);
	uint32_t left = r->readable - r->at;
	struct view bytes;
	uint64_t n_bytes;
	size_t n_read;
	bool copied;

	if (fault != REASON_none)
		return lose(s, r, fault);
	n_bytes = (uint64_t)f->n_bytes + f->body_bytes;
	if (f->ended && n_bytes > s->config.message_bytes_max)
		return judge_by_head(s, r,
			bodies_can_hold(s->large.bodies, f->body_bytes)
				? REASON_none
				: REASON_sip_body_beyond_memory);
	if (!f->ended && f->n_bytes < left)
		return LATER; // scratch memory is full
	if (!f->ended || n_bytes > left) {
		if (hold(s, r->st, left))
			return WAITS;
		return f->ended ? judge_by_head(s, r, REASON_sip_streams_full)
				: lose(s, r, REASON_sip_streams_full);
	}
	bytes = bytes_at(s, r, 0, (uint32_t)n_bytes, &copied);
	if (bytes.len == 0)
		return LATER;
	fault = relay_read(s->config.relay, s->burst.n, bytes, &n_read);
	return take_message(s, r, bytes, (uint32_t)n_bytes, fault, copied);
}

// The way of most: all of it is there.
static enum outcome read_at_once(struct streams *s, struct reader *r)
{
	struct view rest = view_of(r->piece.at + r->at, r->piece.len - r->at);
	uint32_t left = r->readable - r->at;
	size_t n_read;
	bool copied = false;

	if (relay_read(s->config.relay, s->burst.n, rest, &n_read) == REASON_none)
		return take_message(
			s, r, view_of(rest.at, n_read), (uint32_t)n_read, REASON_none, false);
	if (left > rest.len) {
		rest = bytes_at(s, r, 0, least(left, CROSSING_BYTES), &copied);
		if (rest.len == 0)
			return LATER;
		if (relay_read(s->config.relay, s->burst.n, rest, &n_read) == REASON_none)
			return take_message(s, r, view_of(rest.at, n_read), (uint32_t)n_read,
				REASON_none, copied);
	}
	return read_on(s, r);
}

static void skip_body(struct reader *r)
{
	struct stream *st = r->st;
	uint32_t n = least(st->frame.body_bytes, r->readable - r->at);

	r->at += n;
	st->frame.body_bytes -= n;
	if (st->frame.body_bytes == 0)
		st->flags &= (uint16_t)~STREAM_SKIPPING;
}

// A TLS stream's bytes lie all in one piece; others', from at on, in the engine.
static enum outcome take_body(struct streams *s, struct reader *r)
{
	uint32_t n_here = r->at < r->piece.len ? (uint32_t)r->piece.len - r->at : 0;
	uint32_t n = least(r->st->frame.body_bytes, r->readable - r->at);
	bool is_here = n_here >= n;

	n = large_store(s, r->st, is_here ? r->piece.at + r->at : NULL, r->at, n);
	r->at += n;
	return n > 0 ? progress(r) : LATER;
}

// What may be a CR and its LF in two pieces is looked at as one.
static void skip_blank(struct streams *s, struct reader *r)
{
	struct stream *st = r->st;
	bool half = (st->flags & STREAM_HALF_PING) != 0, copied;
	uint32_t left = r->readable - r->at, n = (uint32_t)r->piece.len - r->at;

	if (n == 1)
		n = least(left, 2);
	r->at += (uint32_t)sip_frame_skip_blank(bytes_at(s, r, 0, n, &copied), &half, &r->n_pings);
	st->flags &= (uint16_t)~STREAM_HALF_PING;
	if (half)
		st->flags |= STREAM_HALF_PING;
}

// Whether all that is left is a CR whose LF has not come.
static bool is_lone_cr(const struct reader *r)
{
	return r->at + 1 == r->readable && r->at < r->piece.len && r->piece.at[r->at] == '\r';
}

static enum outcome read_next(struct streams *s, struct reader *r)
{
	uint32_t from = r->at;

	if ((r->st->flags & (STREAM_SKIPPING | STREAM_TAKING)) != 0) {
		if ((r->st->flags & STREAM_TAKING) != 0)
			return take_body(s, r);
		skip_body(r);
		return progress(r);
	}
	if (r->st->frame.n_bytes > 0)
		return read_on(s, r);
	if (r->piece.at[r->at] == '\r' || (r->st->flags & STREAM_HALF_PING) != 0)
		skip_blank(s, r);
	// Again: what is left may begin with a CR whose LF lies in the next piece.
	if (r->at > from)
		return progress(r);
	return is_lone_cr(r) ? WAITS : read_at_once(s, r);
}

// Where a message is being written, its answer may not come in between.
static void answer_ping_behind(struct streams *s, const struct reader *r, uint64_t now)
{
	const struct relay_host *host = s->config.host;
	struct parcel *p = host->get(host->arg, 2);

	if (p == NULL)
		return;
	memcpy(p->bytes, "\r\n", 2);
	p->len = 2;
	p->kind = PARCEL_REQUEST;
	p->is_response = true; // nobody is to be told of its end
	if (backlogs_write(s->backlogs, r->conn, p, now) < 0)
		parcel_put(host, p);
}

// RFC 5626 §4.4.1: one CRLF for a double one; several that came at once are one ping. It is a
// keepalive's answer: where there is no room for it, there is no need for it either.
static void answer_ping(struct streams *s, struct reader *r, uint64_t now)
{
	r->st->flags |= STREAM_HEARD;
	streams_count(s, REASON_sip_keepalive);
	if ((r->st->flags & STREAM_WRITING) != 0)
		answer_ping_behind(s, r, now);
	else
		(void)session_write(s->sessions, r->conn, "\r\n", 2);
}

// It begins to be silent with a part of a message.
static void watch(struct streams *s, struct stream *st)
{
	if ((st->flags & STREAM_FINISHED) == 0 && !wheel_has(&s->wheel, stream_index(s, st)))
		stream_set_timer(s, st, s->config.silence_s * 1000);
}

// Whoever does not read the answers to what it has asked is not asked for more: its own window
// closes, and nobody else's. It holds memory that all share, and not for long: egress ends its own.
static bool must_pause(struct streams *s, struct stream *st, tcp_conn_id conn)
{
	uint16_t *n_pauses = &s->n_pauses[stream_index(s, st)];

	// A backlog bounds itself: with a body in flight that much says nothing of who reads.
	if ((st->flags & (STREAM_SAID | STREAM_WRITING)) != 0 ||
		tcp_unacked(s->config.tcp, conn) < STREAMS_UNREAD_BYTES) {
		*n_pauses = 0;
		return false;
	}
	if ((st->flags & STREAM_OURS) == 0 && ++*n_pauses > UNREAD_MS / PAUSE_MS) {
		tcp_abort(s->config.tcp, conn, REASON_sip_stream_stuck);
		return true;
	}
	st->flags |= STREAM_PAUSED;
	stream_set_timer(s, st, PAUSE_MS);
	return true;
}

// Messages of what is there, as far as the burst and the stream's share of it take them.
static enum outcome read_messages(struct streams *s, struct reader *r, uint64_t now)
{
	enum outcome outcome = r->readable > 0 ? TAKEN : WAITS;

	for (unsigned i = 0; outcome == TAKEN; i++) {
		if (i == SHARE || s->burst.n == RELAY_BURST)
			outcome = LATER;
		else
			outcome = read_next(s, r);
	}
	if (r->n_pings > 0)
		answer_ping(s, r, now);
	return outcome;
}

// A TLS stream's: its records have been consumed when they were opened.
static void read_secure(struct streams *s, struct reader *r, uint64_t now)
{
	struct stream *st = r->st;
	struct secure_read read;
	enum outcome outcome;

	if (!secure_open(s, st, &read, now)) {
		stream_activate(s, st);
		return;
	}
	r->piece = read.text;
	r->readable = (uint32_t)read.text.len;
	outcome = read_messages(s, r, now);
	if (r->end == REASON_none &&
		!secure_keep(s, st, view_of(r->piece.at + r->at, r->readable - r->at)))
		r->end = REASON_sip_streams_full;
	if (r->end == REASON_none && outcome != LATER)
		r->end = read.fault;
	worn_note(s, st, read.wear);
	if (outcome == LATER || read.more)
		stream_activate(s, st);
	else if (r->at < r->readable)
		watch(s, st);
	r->at = 0;
}

static void read_plain(struct streams *s, struct reader *r, uint64_t now)
{
	enum outcome outcome;

	r->piece = tcp_peek(s->config.tcp, r->conn);
	r->readable = tcp_readable(s->config.tcp, r->conn);
	outcome = read_messages(s, r, now);
	if (outcome == LATER)
		stream_activate(s, r->st);
	else if (r->at < r->readable)
		watch(s, r->st);
}

static void read_stream(struct streams *s, struct stream *st, uint64_t now)
{
	struct streams_burst *b = &s->burst;
	struct reader r = {.st = st, .conn = stream_conn(s, st)};

	if ((st->flags & STREAM_CLOSING) != 0)
		r.at = tcp_readable(s->config.tcp, r.conn);
	else if (must_pause(s, st, r.conn))
		return;
	else if ((st->flags & STREAM_TAKING) != 0 && s->large.n_left < STREAMS_OPEN_BYTES)
		stream_activate(s, st); // its turn comes again
	else if ((st->flags & STREAM_SECURE) != 0)
		read_secure(s, &r, now);
	else
		read_plain(s, &r, now);
	b->read[b->n_read].conn = r.conn;
	b->read[b->n_read].n_bytes = r.at;
	b->read[b->n_read++].end = (uint16_t)r.end;
}

// What the next two streams are opened with, while this one is.
static void prefetch_next(const struct streams *s)
{
	uint32_t next = s->first_active, after;

	if (next == 0 || (s->list[next - 1].flags & STREAM_SECURE) == 0)
		return;
	session_prefetch_key(s->sessions, next - 1);
	after = s->list[next - 1].next_active;
	if (after != 0)
		session_prefetch(s->sessions, after - 1);
}

bool streams_gather(struct streams *s, uint64_t now)
{
	struct streams_burst *b = &s->burst;
	uint32_t last = s->last_active;

	b->n_scratch = 0;
	while (s->first_active != 0 && b->n < RELAY_BURST && b->n_read < RELAY_BURST) {
		uint32_t index = s->first_active;
		struct stream *st = &s->list[index - 1];

		s->first_active = st->next_active;
		if (s->first_active == 0)
			s->last_active = 0;
		prefetch_next(s);
		st->flags &= (uint16_t)~STREAM_ACTIVE;
		read_stream(s, st, now);
		if (index == last)
			break;
	}
	return b->n_read > 0;
}

void streams_consume(struct streams *s, uint64_t now)
{
	struct streams_burst *b = &s->burst;

	for (unsigned i = 0; i < b->n_read; i++) {
		struct stream *st;

		tcp_consume(s->config.tcp, b->read[i].conn, b->read[i].n_bytes);
		st = stream_of(s, b->read[i].conn);
		if (st == NULL)
			continue;
		if (b->read[i].end != REASON_none)
			stream_close(s, st, (enum reason)b->read[i].end, now);
		else
			stream_close_if_done(s, st, now);
	}
	b->n_read = 0;
}
