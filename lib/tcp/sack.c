// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/flight.h"

void tcp_sack_delivered(struct tcp *t, struct tcp_conn *c, const struct tcp_chunk *chunk,
	const struct tcp_segment *s, struct tcp_news *news)
{
	struct tcp_flight *f = &c->sender.flight;
	uint32_t end = chunk->seq + chunk->len;

	news->delivered += chunk->len;
	if (chunk->flags & TCP_CHUNK_RETRANSMITTED)
		news->ambiguous = true;
	// RFC 8985 §6.2 step 3: what was sent once and comes after what was sent later. One ACK may
	// tell of many, in any order.
	f->fack = seq_max(f->fack, end);
	if (seq_lt(end, news->fack) && !(chunk->flags & TCP_CHUNK_RETRANSMITTED))
		f->flags |= TCP_FLIGHT_REORDERING;
	tcp_rack_delivered(t, c, chunk, s);
}

void tcp_sack_uncount(struct tcp_flight *f, const struct tcp_chunk *chunk, uint32_t n)
{
	if (chunk->flags & TCP_CHUNK_SACKED) {
		f->sacked -= n;
		f->n_sacked -= n == chunk->len;
	}
	if (chunk->flags & TCP_CHUNK_LOST)
		f->lost -= n;
}

void tcp_sack_lose(struct tcp *t, struct tcp_flight *f, tcp_chunk_id id)
{
	struct tcp_chunk *chunk = tcp_chunk_at(&t->chunks, id);

	chunk->flags |= TCP_CHUNK_LOST;
	f->lost += chunk->len;
	if (f->first_lost == 0 || seq_lt(chunk->seq, tcp_chunk_at(&t->chunks, f->first_lost)->seq))
		f->first_lost = id;
}

void tcp_sack_forget(struct tcp *t, struct tcp_sender *s)
{
	for (tcp_chunk_id id = s->first; id != s->next; id = tcp_chunk_at(&t->chunks, id)->next)
		tcp_chunk_at(&t->chunks, id)->flags &= (uint8_t)~TCP_CHUNK_SACKED;
	s->flight.sacked = 0;
	s->flight.n_sacked = 0;
	s->flight.highest_sacked = 0;
}

void tcp_sack_guess(struct tcp_conn *c, uint32_t n_bytes, struct tcp_news *news)
{
	struct tcp_sender *s = &c->sender;
	uint32_t most = 3u * s->mss, flight = s->nxt - s->una;

	// However many come: they tell of no more than was out when the first did (RFC 5681 §3.2),
	// and never of the segment that they ask for.
	if (s->recovery == TCP_RECOVERY)
		most = s->flight.recover - s->una;
	if (most >= flight)
		most = flight - 1;
	if (s->flight.sacked + n_bytes > most)
		return;
	s->flight.sacked += n_bytes;
	news->delivered += n_bytes;
}

static void take_chunk(struct tcp *t, struct tcp_conn *c, tcp_chunk_id id,
	const struct tcp_segment *s, struct tcp_news *news)
{
	struct tcp_flight *f = &c->sender.flight;
	struct tcp_chunk *chunk = tcp_chunk_at(&t->chunks, id);

	if (chunk->flags & TCP_CHUNK_LOST) {
		f->lost -= chunk->len;
		chunk->flags &= (uint8_t)~TCP_CHUNK_LOST;
	}
	chunk->flags |= TCP_CHUNK_SACKED;
	f->sacked += chunk->len;
	f->n_sacked++;
	if (f->highest_sacked == 0 ||
		seq_gt(chunk->seq, tcp_chunk_at(&t->chunks, f->highest_sacked)->seq))
		f->highest_sacked = id;
	tcp_sack_delivered(t, c, chunk, s, news);
}

// Chunks from one to a sequence number, of which those are taken that a block holds.
struct walk {
	tcp_chunk_id id;
	uint32_t end;
	struct tcp_sack_block block;
	unsigned *budget;
};

// A chunk is a segment, so a block holds it whole; one held in part, after segments became smaller,
// waits for the block that holds the rest. False where the budget ends before.
static bool take_chunks(struct tcp *t, struct tcp_conn *c, struct walk w,
	const struct tcp_segment *s, struct tcp_news *news)
{
	for (; w.id != c->sender.next; (*w.budget)--) {
		const struct tcp_chunk *chunk = tcp_chunk_at(&t->chunks, w.id);

		if (seq_ge(chunk->seq, w.end))
			break;
		if (*w.budget == 0)
			return false;
		if (!(chunk->flags & TCP_CHUNK_SACKED) && seq_ge(chunk->seq, w.block.from) &&
			seq_le(chunk->seq + chunk->len, w.block.to))
			take_chunk(t, c, w.id, s, news);
		w.id = chunk->next;
	}
	return true;
}

// What is above the highest chunk that has come: the block grows with each ACK, and only what is
// new of it is looked at, however much there is.
static void take_upper(struct tcp *t, struct tcp_conn *c, struct tcp_sack_block block,
	const struct tcp_segment *s, struct tcp_news *news)
{
	struct tcp_flight *f = &c->sender.flight;
	tcp_chunk_id highest = f->highest_sacked;
	struct walk w = {c->sender.first, block.to, block, &news->upper_budget};
	bool is_apart = true;

	if (highest != 0) {
		is_apart = seq_gt(block.from, tcp_chunk_at(&t->chunks, highest)->seq);
		w.id = highest;
	}
	take_chunks(t, c, w, s, news);
	if (is_apart && f->highest_sacked != highest)
		f->sacked_from = block.from;
}

// What is below it, and not of the block that holds it.
static void take_lower(struct tcp *t, struct tcp_conn *c, struct tcp_sack_block block,
	const struct tcp_segment *s, struct tcp_news *news)
{
	struct tcp_flight *f = &c->sender.flight;
	struct walk w = {c->sender.first, block.to, block, &news->budget};
	bool joins = seq_ge(block.to, f->sacked_from);

	if (f->highest_sacked == 0 || seq_ge(block.from, f->sacked_from))
		return;
	if (joins)
		w.end = f->sacked_from;
	if (take_chunks(t, c, w, s, news) && joins)
		f->sacked_from = block.from;
}

// RFC 2883 §4: the first block tells of a duplicate where it lies below the ACK, or in the second.
static bool is_duplicate(const struct tcp_segment *s)
{
	const struct tcp_sack_block *b = s->options.sack;

	if (seq_le(b[0].to, s->ack))
		return true;
	return s->options.n_sack_blocks > 1 && seq_ge(b[0].from, b[1].from) &&
		seq_le(b[0].to, b[1].to);
}

void tcp_sack_input(
	struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s, struct tcp_news *news)
{
	struct tcp_sender *q = &c->sender;
	unsigned i = 0;

	if (is_duplicate(s)) {
		const struct tcp_sack_block *b = &s->options.sack[0];

		// One of what was never sent, or long ago, says nothing.
		if (seq_lt(b->from, b->to) && seq_le(b->to, q->nxt) &&
			q->nxt - b->from <= q->nxt - q->una + q->max_wnd) {
			news->duplicate_data = true;
			news->n_duplicate = b->to - b->from;
			news->duplicate_end = b->to;
			news->delivered_again = b->to == q->flight.probe_end;
		}
		i = 1;
	}
	for (; i < s->options.n_sack_blocks; i++) {
		const struct tcp_sack_block *b = &s->options.sack[i];

		if (seq_ge(b->from, b->to) || seq_lt(b->from, q->una) || seq_gt(b->to, q->nxt))
			continue;
		take_upper(t, c, *b, s, news);
		take_lower(t, c, *b, s, news);
	}
}
