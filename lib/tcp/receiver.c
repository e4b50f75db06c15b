// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/conn.h"

// RFC 9293 §3.8.6.3 allows 500; most peers' minimum RTO is 200.
#define DELAYED_ACK_MS 40
// Segments acknowledged at once while a new peer's window grows from ACK to ACK.
#define N_QUICK 10
// RFC 9293 §3.7.1: a segment of this size can be expected of anybody.
#define DEFAULT_MSS 536

#define SYN_WINDOW_MAX 65535u // RFC 7323 §2.2: never scaled

// Text of a segment as far as it is new to the queue: what lies left of RCV.NXT and right of the
// window is cut off before anything is queued.
struct text {
	uint32_t seq;
	struct view bytes;
	bool fin, cut;
};

static struct tcp_chunk *chunk_at(const struct tcp *t, tcp_chunk_id id)
{
	return tcp_chunk_at(&t->chunks, id);
}

static uint32_t chunk_end(const struct tcp_chunk *c)
{
	return c->seq + c->len;
}

static uint32_t min32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t window_max(const struct tcp *t, const struct tcp_conn *c)
{
	return min32(t->config.receive_bytes_max, SYN_WINDOW_MAX << c->receiver.window_scale);
}

void tcp_receiver_begin(struct tcp *t, struct tcp_conn *c, uint32_t irs)
{
	struct tcp_receiver *r = &c->receiver;

	if ((c->flags & TCP_CONN_WINDOW_SCALE) == 0)
		r->window_scale = 0;
	r->irs = irs;
	r->nxt = r->acked = r->consumed = irs + 1;
	r->adv = r->nxt + min32(window_max(t, c), SYN_WINDOW_MAX);
	r->mss = DEFAULT_MSS;
	r->n_quick = N_QUICK;
}

void tcp_receiver_end(struct tcp *t, struct tcp_conn *c)
{
	struct tcp_receiver *r = &c->receiver;

	tcp_chunk_put_all(&t->chunks, r->first);
	r->first = r->last = r->last_in_order = 0;
	r->n_out_of_order = 0;
	r->ack = TCP_ACK_NONE;
}

// How far beyond what the user has consumed the window may reach: less, the less memory is left
// for all.
static uint32_t window_by_memory(const struct tcp *t, const struct tcp_conn *c)
{
	uint32_t n = t->chunks.n, n_free = n - t->chunks.n_used, max = window_max(t, c);

	if (n_free >= n / 4)
		return max;
	if (n_free >= n / 8)
		return max / 4;
	if (n_free >= n / 16)
		return max / 16;
	return 0;
}

uint32_t tcp_receiver_window(const struct tcp *t, const struct tcp_conn *c)
{
	const struct tcp_receiver *r = &c->receiver;
	uint32_t edge = r->consumed + window_by_memory(t, c);

	// RFC 9293 §3.8.6.2.2: it moves by something worth a segment, or not at all.
	if (seq_lt(edge, r->adv + min32(window_max(t, c) / 2, r->mss)))
		edge = r->adv;
	return edge - r->nxt;
}

bool tcp_receiver_accepts(const struct tcp_conn *c, const struct tcp_segment *s)
{
	const struct tcp_receiver *r = &c->receiver;
	uint32_t length = tcp_segment_length(s), last;

	// With a closed window too: its ACK or RST is valid, and its text will be cut off.
	if (s->seq == r->nxt)
		return true;
	// A peer that has filled the window, and lost some of it, acknowledges with a sequence
	// number at its right edge: those ACKs must not be lost as well.
	if (length == 0)
		return seq_gt(s->seq, r->nxt) &&
			((s->flags & TCP_RST) == 0 ? seq_le(s->seq, r->adv)
						   : seq_lt(s->seq, r->adv));
	last = s->seq + length - 1;
	return (seq_gt(s->seq, r->nxt) && seq_lt(s->seq, r->adv)) ||
		(seq_ge(last, r->nxt) && seq_lt(last, r->adv)) ||
		(seq_lt(s->seq, r->nxt) && seq_ge(last, r->adv) && r->adv != r->nxt);
}

static void note_duplicate(struct tcp_receiver *r, uint32_t from, uint32_t to)
{
	// RFC 2883 §4: the first one since the last ACK.
	if (r->duplicate.from == r->duplicate.to)
		r->duplicate = (struct tcp_sack_block){from, to};
}

void tcp_receiver_duplicate(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s)
{
	struct tcp_receiver *r = &c->receiver;
	uint32_t end = s->seq + (uint32_t)s->payload.len;

	// No older than what can have been in flight: else nobody has sent it twice.
	if (s->payload.len > 0 && seq_le(end, r->nxt) && r->nxt - s->seq <= window_max(t, c))
		note_duplicate(r, s->seq, end);
}

static void skip(struct text *x, uint32_t n)
{
	x->seq += n;
	x->bytes.at += n;
	x->bytes.len -= n;
}

// Both edges.
static struct text trim(struct tcp_receiver *r, const struct tcp_segment *s)
{
	struct text x = {s->seq, s->payload, (s->flags & TCP_FIN) != 0, false};
	uint32_t edge = r->adv, len;

	if (seq_lt(x.seq, r->nxt)) {
		uint32_t n_old = min32(r->nxt - x.seq, (uint32_t)x.bytes.len);

		x.cut = true;
		if (n_old > 0)
			note_duplicate(r, x.seq, x.seq + n_old);
		skip(&x, n_old);
		if (seq_lt(x.seq, r->nxt))
			x.fin = false;
	}
	// Nothing comes behind a FIN, and the first one counts.
	if (r->has_fin_seq && seq_lt(r->fin_seq, edge))
		edge = r->fin_seq;
	len = seq_lt(x.seq, edge) ? edge - x.seq : 0;
	if (x.bytes.len > len) {
		x.bytes.len = len;
		x.fin = false;
		x.cut = true;
	}
	if (x.fin && seq_ge(x.seq + (uint32_t)x.bytes.len, r->adv)) {
		x.fin = false;
		x.cut = true;
	}
	return x;
}

// The last quarter is not for text that may never be of use: who sends finds half of that, and what
// comes in order the rest.
static bool memory_is_for_others(const struct tcp *t)
{
	return t->chunks.n - t->chunks.n_used < t->chunks.n / 4;
}

// A chunk behind at, or in front with 0.
static tcp_chunk_id add_chunk(struct tcp *t, struct tcp_receiver *r, tcp_chunk_id at, uint32_t seq)
{
	tcp_chunk_id id = tcp_chunk_get(&t->chunks);
	struct tcp_chunk *chunk;

	if (id == 0)
		return 0;
	chunk = chunk_at(t, id);
	chunk->seq = seq;
	if (at == 0) {
		chunk->next = r->first;
		r->first = id;
	} else {
		chunk->next = chunk_at(t, at)->next;
		chunk_at(t, at)->next = id;
	}
	if (r->last == at)
		r->last = id;
	r->n_out_of_order++;
	return id;
}

// Puts n bytes of x, none of which is there, behind chunk *at, which is left the one they end in.
// REASON_none, or why some of them had no place; x is moved on by those that had.
static enum reason put_bytes(struct tcp *t, struct tcp_receiver *r, tcp_chunk_id *at,
	struct text *x, uint32_t n, bool in_order)
{
	while (n > 0) {
		struct tcp_chunk *chunk = *at == 0 ? NULL : chunk_at(t, *at);
		uint32_t part;

		if (chunk == NULL || chunk_end(chunk) != x->seq ||
			chunk->from + chunk->len == t->chunks.room) {
			tcp_chunk_id id;

			if (!in_order && r->n_out_of_order >= t->n_out_of_order_max)
				return REASON_tcp_out_of_order_full;
			if (!in_order && memory_is_for_others(t))
				return REASON_tcp_no_chunk;
			id = add_chunk(t, r, *at, x->seq);
			if (id == 0)
				return REASON_tcp_no_chunk;
			*at = id;
			chunk = chunk_at(t, id);
		}
		part = min32(n, t->chunks.room - chunk->from - chunk->len);
		memcpy(chunk->bytes + chunk->from + chunk->len, x->bytes.at, part);
		chunk->len = (uint16_t)(chunk->len + part);
		skip(x, part);
		n -= part;
	}
	return REASON_none;
}

// Queues what of x is not there yet. REASON_none, or why it stopped at x->seq.
static enum reason store(struct tcp *t, struct tcp_receiver *r, struct text *x)
{
	bool in_order = x->seq == r->nxt;
	tcp_chunk_id at = r->last_in_order;

	// Most come behind everything.
	if (!in_order && r->last != 0 && seq_ge(x->seq, chunk_end(chunk_at(t, r->last))))
		at = r->last;
	while (x->bytes.len > 0) {
		tcp_chunk_id next = at == 0 ? r->first : chunk_at(t, at)->next;
		uint32_t n = (uint32_t)x->bytes.len;
		enum reason reason;

		while (next != 0 && seq_le(chunk_end(chunk_at(t, next)), x->seq)) {
			at = next;
			next = chunk_at(t, at)->next;
		}
		if (next != 0 && seq_le(chunk_at(t, next)->seq, x->seq)) {
			n = min32(n, chunk_end(chunk_at(t, next)) - x->seq);
			note_duplicate(r, x->seq, x->seq + n);
			skip(x, n);
			at = next;
			continue;
		}
		if (next != 0)
			n = min32(n, chunk_at(t, next)->seq - x->seq);
		reason = put_bytes(t, r, &at, x, n, in_order);
		if (reason != REASON_none)
			return reason;
	}
	return REASON_none;
}

// The chunk behind the last in order follows it without a hole. Small ones are joined, so that
// memory stays in proportion to bytes however they came.
static void take_in_order(struct tcp *t, struct tcp_receiver *r, tcp_chunk_id id)
{
	struct tcp_chunk *chunk = chunk_at(t, id), *before;

	r->n_out_of_order--;
	if (r->last_in_order == 0) {
		r->last_in_order = id;
		return;
	}
	before = chunk_at(t, r->last_in_order);
	if (before->from + before->len + chunk->len > t->chunks.room) {
		r->last_in_order = id;
		return;
	}
	memcpy(before->bytes + before->from + before->len, chunk->bytes + chunk->from, chunk->len);
	before->len = (uint16_t)(before->len + chunk->len);
	before->next = chunk->next;
	if (r->last == id)
		r->last = r->last_in_order;
	tcp_chunk_put(&t->chunks, id);
}

// RCV.NXT over everything that has no hole before it.
static void advance(struct tcp *t, struct tcp_receiver *r)
{
	for (;;) {
		tcp_chunk_id next = r->first;

		if (r->last_in_order != 0) {
			r->nxt = chunk_end(chunk_at(t, r->last_in_order));
			next = chunk_at(t, r->last_in_order)->next;
		}
		if (next == 0 || chunk_at(t, next)->seq != r->nxt)
			return;
		take_in_order(t, r, next);
	}
}

// The run of chunks that holds block, where blocks have been forgotten.
static struct tcp_sack_block find_run(
	const struct tcp *t, const struct tcp_receiver *r, struct tcp_sack_block block)
{
	tcp_chunk_id id = r->last_in_order == 0 ? r->first : chunk_at(t, r->last_in_order)->next;
	struct tcp_sack_block run = block;

	for (bool begun = false; id != 0; id = chunk_at(t, id)->next) {
		const struct tcp_chunk *chunk = chunk_at(t, id);

		if (!begun || chunk->seq != run.to) {
			if (begun && seq_gt(run.to, block.from))
				return run;
			run.from = chunk->seq;
			begun = true;
		}
		run.to = chunk_end(chunk);
	}
	return run;
}

// RFC 2018 §4: the run that changed last is told first.
static void note_run(const struct tcp *t, struct tcp_receiver *r, struct tcp_sack_block block)
{
	struct tcp_sack_block kept[TCP_RECENT_BLOCKS] = {0};
	unsigned n = 1;

	for (unsigned i = 0; i < TCP_RECENT_BLOCKS; i++) {
		struct tcp_sack_block b = r->recent[i];

		if (b.from != b.to && seq_le(b.from, block.to) && seq_ge(b.to, block.from)) {
			block.from = seq_min(b.from, block.from);
			block.to = seq_max(b.to, block.to);
		}
	}
	if (r->has_forgotten_runs)
		block = find_run(t, r, block);
	kept[0] = block;
	for (unsigned i = 0; i < TCP_RECENT_BLOCKS; i++) {
		struct tcp_sack_block b = r->recent[i];

		if (b.from == b.to || (seq_ge(b.from, block.from) && seq_le(b.to, block.to)))
			continue;
		if (n < TCP_RECENT_BLOCKS)
			kept[n++] = b;
		else
			r->has_forgotten_runs = true;
	}
	for (unsigned i = 0; i < TCP_RECENT_BLOCKS; i++)
		r->recent[i] = kept[i];
}

// Runs that have come in order.
static void forget_runs(struct tcp_receiver *r)
{
	unsigned n = 0;

	for (unsigned i = 0; i < TCP_RECENT_BLOCKS; i++) {
		if (r->recent[i].from != r->recent[i].to && seq_gt(r->recent[i].to, r->nxt))
			r->recent[n++] = r->recent[i];
	}
	for (; n < TCP_RECENT_BLOCKS; n++)
		r->recent[n] = (struct tcp_sack_block){0, 0};
	if (r->n_out_of_order == 0)
		r->has_forgotten_runs = false;
}

// Text from seq on is taken out of the queue: none of it is in order.
static void cut_off(struct tcp *t, struct tcp_receiver *r, uint32_t seq)
{
	tcp_chunk_id at = r->last_in_order, next;

	for (;;) {
		next = at == 0 ? r->first : chunk_at(t, at)->next;
		if (next == 0 || seq_ge(chunk_at(t, next)->seq, seq))
			break;
		at = next;
		if (seq_gt(chunk_end(chunk_at(t, at)), seq))
			chunk_at(t, at)->len = (uint16_t)(seq - chunk_at(t, at)->seq);
	}
	while (next != 0) {
		tcp_chunk_id after = chunk_at(t, next)->next;

		tcp_chunk_put(&t->chunks, next);
		r->n_out_of_order--;
		next = after;
	}
	if (at == 0)
		r->first = 0;
	else
		chunk_at(t, at)->next = 0;
	r->last = at;
	for (unsigned i = 0; i < TCP_RECENT_BLOCKS; i++) {
		struct tcp_sack_block *b = &r->recent[i];

		if (b->from == b->to)
			continue;
		b->from = seq_min(b->from, seq);
		b->to = seq_min(b->to, seq);
	}
}

// A FIN at seq, at most at the right edge. Text that lies behind it is nobody's.
static void note_fin(struct tcp *t, struct tcp_receiver *r, uint32_t seq)
{
	if (r->has_fin_seq)
		return;
	r->has_fin_seq = true;
	r->fin_seq = seq;
	if (r->last != 0 && seq_gt(chunk_end(chunk_at(t, r->last)), seq))
		cut_off(t, r, seq);
}

// RFC 5681 §4.2, RFC 9293 §3.8.6.3.
static enum tcp_ack_need ack_need(struct tcp_receiver *r, bool at_once)
{
	if (at_once)
		return TCP_ACK_NOW;
	if (r->n_quick > 0) {
		r->n_quick--;
		return TCP_ACK_NOW;
	}
	return r->nxt - r->acked >= 2u * r->mss ? TCP_ACK_NOW : TCP_ACK_DELAYED;
}

// x has text, a FIN, or both.
static enum reason take(struct tcp *t, struct tcp_conn *c, struct text x, uint8_t *events)
{
	struct tcp_receiver *r = &c->receiver;
	bool had_hole = r->n_out_of_order > 0;
	uint32_t from = x.seq, end = x.seq + (uint32_t)x.bytes.len, was = r->nxt;
	enum reason reason;
	bool at_once;

	if (x.fin)
		note_fin(t, r, end);
	reason = store(t, r, &x);
	advance(t, r);
	if (r->nxt != was)
		*events |= TCP_READABLE;
	if (seq_gt(x.seq, from) && seq_gt(from, was))
		note_run(t, r, (struct tcp_sack_block){from, x.seq});
	if (had_hole)
		forget_runs(r);
	if (r->has_fin_seq && r->fin_seq == r->nxt) {
		r->nxt++;
		r->fin = true;
		*events |= TCP_PEER_FINISHED;
	}
	at_once = had_hole || r->n_out_of_order > 0 || x.cut || r->has_fin_seq ||
		reason != REASON_none;
	tcp_receiver_want_ack(t, c, ack_need(r, at_once));
	return reason == REASON_none || seq_gt(x.seq, from) ? REASON_tcp_segment_taken : reason;
}

enum reason tcp_receiver_input(
	struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s, uint8_t *events)
{
	struct tcp_receiver *r = &c->receiver;
	struct text x;

	*events = 0;
	if (r->fin)
		return REASON_tcp_not_acceptable;
	x = trim(r, s);
	if (s->payload.len > r->mss)
		r->mss = (uint16_t)min32((uint32_t)s->payload.len, UINT16_MAX);
	if (x.bytes.len == 0 && !x.fin) {
		// Such as the probe of a closed window.
		tcp_receiver_want_ack(t, c, TCP_ACK_NOW);
		return REASON_tcp_not_acceptable;
	}
	return take(t, c, x, events);
}

void tcp_receiver_want_ack(struct tcp *t, struct tcp_conn *c, enum tcp_ack_need need)
{
	if (need == TCP_ACK_NOW) {
		c->receiver.ack = TCP_ACK_NOW;
		tcp_conn_want_output(t, c);
	} else if (need == TCP_ACK_DELAYED && c->receiver.ack == TCP_ACK_NONE) {
		c->receiver.ack = TCP_ACK_DELAYED;
		tcp_conn_set_due(t, c, TCP_DUE_ACK, DELAYED_ACK_MS);
	}
}

// The window in units of its scale. Rounded up, or the right edge would move back by a part of a
// unit; but not for ever, or a peer that sends a byte at a time would get another unit each time.
static uint16_t scale_window(const struct tcp *t, const struct tcp_conn *c, uint32_t window)
{
	const struct tcp_receiver *r = &c->receiver;
	uint32_t unit = 1u << r->window_scale;
	uint32_t n = (window + unit - 1) >> r->window_scale;
	uint32_t edge = r->nxt + (n << r->window_scale);

	if (seq_ge(edge, r->consumed + window_max(t, c) + unit))
		n = window >> r->window_scale;
	return (uint16_t)min32(n, SYN_WINDOW_MAX);
}

static void fill_sack(struct tcp_conn *c, struct tcp_options *o)
{
	struct tcp_receiver *r = &c->receiver;

	o->n_sack_blocks = 0;
	if (r->duplicate.from != r->duplicate.to)
		o->sack[o->n_sack_blocks++] = r->duplicate;
	for (unsigned i = 0; i < TCP_RECENT_BLOCKS && r->recent[i].from != r->recent[i].to; i++)
		o->sack[o->n_sack_blocks++] = r->recent[i];
}

void tcp_receiver_fill(struct tcp *t, struct tcp_conn *c, struct tcp_segment *s)
{
	struct tcp_receiver *r = &c->receiver;
	uint32_t edge;

	if (c->state == TCP_STATE_SYN_SENT) {
		s->window = (uint16_t)min32(t->config.receive_bytes_max, SYN_WINDOW_MAX);
		return;
	}
	s->flags |= TCP_ACK;
	s->ack = r->nxt;
	if ((s->flags & TCP_SYN) != 0) {
		s->window = (uint16_t)min32(r->adv - r->nxt, SYN_WINDOW_MAX);
	} else {
		s->window = scale_window(t, c, tcp_receiver_window(t, c));
		edge = r->nxt + ((uint32_t)s->window << r->window_scale);
		r->adv = seq_max(r->adv, edge);
		if ((c->flags & TCP_CONN_SACK) != 0)
			fill_sack(c, &s->options);
	}
	r->duplicate = (struct tcp_sack_block){0, 0};
	r->acked = r->nxt;
	r->ack = TCP_ACK_NONE;
	tcp_conn_clear_due(t, c, TCP_DUE_ACK);
}

uint32_t tcp_receiver_readable(const struct tcp_conn *c)
{
	return c->receiver.nxt - c->receiver.consumed - c->receiver.fin;
}

struct view tcp_receiver_peek(const struct tcp *t, const struct tcp_conn *c)
{
	const struct tcp_chunk *chunk;

	if (c->receiver.last_in_order == 0)
		return VIEW_NONE;
	chunk = chunk_at(t, c->receiver.first);
	return view_of(chunk->bytes + chunk->from, chunk->len);
}

uint32_t tcp_receiver_copy(const struct tcp *t, const struct tcp_conn *c, uint32_t offset,
	uint8_t *out, uint32_t n_bytes)
{
	uint32_t readable = tcp_receiver_readable(c), n = 0;

	if (offset >= readable)
		return 0;
	n_bytes = min32(n_bytes, readable - offset);
	for (tcp_chunk_id id = c->receiver.first; n < n_bytes; id = chunk_at(t, id)->next) {
		const struct tcp_chunk *chunk = chunk_at(t, id);
		uint32_t part;

		if (offset >= chunk->len) {
			offset -= chunk->len;
			continue;
		}
		part = min32(n_bytes - n, chunk->len - offset);
		memcpy(out + n, chunk->bytes + chunk->from + offset, part);
		n += part;
		offset = 0;
	}
	return n;
}

static void drop_first(struct tcp *t, struct tcp_receiver *r)
{
	tcp_chunk_id id = r->first;

	r->first = chunk_at(t, id)->next;
	if (r->last_in_order == id)
		r->last_in_order = 0;
	if (r->last == id)
		r->last = 0;
	tcp_chunk_put(&t->chunks, id);
}

void tcp_receiver_consume(struct tcp *t, struct tcp_conn *c, uint32_t n_bytes)
{
	struct tcp_receiver *r = &c->receiver;

	n_bytes = min32(n_bytes, tcp_receiver_readable(c));
	r->consumed += n_bytes;
	while (n_bytes > 0) {
		struct tcp_chunk *chunk = chunk_at(t, r->first);
		uint32_t part = min32(n_bytes, chunk->len);

		chunk->from = (uint16_t)(chunk->from + part);
		chunk->len = (uint16_t)(chunk->len - part);
		chunk->seq += part;
		n_bytes -= part;
		if (chunk->len == 0)
			drop_first(t, r);
	}
	// While half of it is open, the next ACK is soon enough to say so.
	if (tcp_state_receives((enum tcp_state)c->state) &&
		r->adv - r->nxt < window_max(t, c) / 2 &&
		r->nxt + tcp_receiver_window(t, c) != r->adv)
		tcp_receiver_want_ack(t, c, TCP_ACK_NOW);
}
