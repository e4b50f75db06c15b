// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/reassembly.h"

#include "lib/tcp/conn.h"

static struct tcp_chunk *chunk_at(const struct tcp *t, tcp_chunk_id id)
{
	return tcp_chunk_at(&t->chunks, id);
}

static uint32_t chunk_end(const struct tcp_chunk *c)
{
	return c->seq + c->len;
}

void tcp_reassembly_clear(struct tcp *t, struct tcp_reassembly *q)
{
	tcp_chunk_put_all(&t->chunks, q->first, TCP_CHUNK_RECEIVES);
	q->first = q->last = q->last_in_order = 0;
	q->n_out_of_order = 0;
}

void tcp_reassembly_note_duplicate(struct tcp_reassembly *q, uint32_t from, uint32_t to)
{
	// RFC 2883 §4: the first one since the last ACK.
	if (q->duplicate.from == q->duplicate.to)
		q->duplicate = (struct tcp_sack_block){from, to};
}

// The last quarter is not for text that may never be of use: who sends finds half of that, and what
// comes in order the rest.
static bool memory_is_for_others(const struct tcp *t)
{
	return t->chunks.n - t->chunks.n_used < t->chunks.n / 4;
}

// A chunk behind at, or in front with 0.
static tcp_chunk_id add_chunk(
	struct tcp *t, struct tcp_reassembly *q, tcp_chunk_id at, uint32_t seq)
{
	tcp_chunk_id id = tcp_chunk_get(&t->chunks, TCP_CHUNK_RECEIVES);
	struct tcp_chunk *chunk;

	if (id == 0)
		return 0;
	chunk = chunk_at(t, id);
	chunk->seq = seq;
	if (at == 0) {
		chunk->next = q->first;
		q->first = id;
	} else {
		chunk->next = chunk_at(t, at)->next;
		chunk_at(t, at)->next = id;
	}
	if (q->last == at)
		q->last = id;
	q->n_out_of_order++;
	return id;
}

// Puts n bytes of x, none of which is there, behind chunk *at, which is left the one they end in.
// REASON_none, or why some of them had no place; x is moved on by those that had.
static enum reason put_bytes(struct tcp *t, struct tcp_reassembly *q, tcp_chunk_id *at,
	struct tcp_text *x, uint32_t n, bool in_order)
{
	while (n > 0) {
		struct tcp_chunk *chunk = *at == 0 ? NULL : chunk_at(t, *at);
		uint32_t part;

		if (chunk == NULL || chunk_end(chunk) != x->seq ||
			chunk->from + chunk->len == t->chunks.room) {
			tcp_chunk_id id;

			if (!in_order && q->n_out_of_order >= t->n_out_of_order_max)
				return REASON_tcp_out_of_order_full;
			if (!in_order && memory_is_for_others(t))
				return REASON_tcp_no_chunk;
			id = add_chunk(t, q, *at, x->seq);
			if (id == 0)
				return REASON_tcp_no_chunk;
			*at = id;
			chunk = chunk_at(t, id);
		}
		part = tcp_min(n, t->chunks.room - chunk->from - chunk->len);
		memcpy(tcp_chunk_from(&t->chunks, *at) + chunk->len, x->bytes.at, part);
		chunk->len = (uint16_t)(chunk->len + part);
		tcp_text_skip(x, part);
		n -= part;
	}
	return REASON_none;
}

enum reason tcp_reassembly_put(
	struct tcp *t, struct tcp_reassembly *q, uint32_t nxt, struct tcp_text *x)
{
	bool in_order = x->seq == nxt;
	tcp_chunk_id at = q->last_in_order;

	// Most come behind everything.
	if (!in_order && q->last != 0 && seq_ge(x->seq, chunk_end(chunk_at(t, q->last))))
		at = q->last;
	while (x->bytes.len > 0) {
		tcp_chunk_id next = at == 0 ? q->first : chunk_at(t, at)->next;
		uint32_t n = (uint32_t)x->bytes.len;
		enum reason reason;

		while (next != 0 && seq_le(chunk_end(chunk_at(t, next)), x->seq)) {
			at = next;
			next = chunk_at(t, at)->next;
		}
		if (next != 0 && seq_le(chunk_at(t, next)->seq, x->seq)) {
			n = tcp_min(n, chunk_end(chunk_at(t, next)) - x->seq);
			tcp_reassembly_note_duplicate(q, x->seq, x->seq + n);
			tcp_text_skip(x, n);
			at = next;
			continue;
		}
		if (next != 0)
			n = tcp_min(n, chunk_at(t, next)->seq - x->seq);
		reason = put_bytes(t, q, &at, x, n, in_order);
		if (reason != REASON_none)
			return reason;
	}
	return REASON_none;
}

bool tcp_reassembly_append(struct tcp *t, struct tcp_reassembly *q, uint32_t nxt, struct view text)
{
	tcp_chunk_id id = q->last;
	struct tcp_chunk *chunk;

	if (q->n_out_of_order > 0)
		return false;
	if (id == 0) {
		if (text.len > t->chunks.room ||
			(id = tcp_chunk_get(&t->chunks, TCP_CHUNK_RECEIVES)) == 0)
			return false;
		chunk_at(t, id)->seq = nxt;
		q->first = q->last = q->last_in_order = id;
	}
	chunk = chunk_at(t, id);
	if (chunk->from + chunk->len + text.len > t->chunks.room)
		return false;
	memcpy(tcp_chunk_from(&t->chunks, id) + chunk->len, text.at, text.len);
	chunk->len = (uint16_t)(chunk->len + text.len);
	return true;
}

// The chunk behind the last in order follows it without a hole. Small ones are joined, so that
// memory stays in proportion to bytes however they came.
static void take_in_order(struct tcp *t, struct tcp_reassembly *q, tcp_chunk_id id)
{
	struct tcp_chunk *chunk = chunk_at(t, id), *before;

	q->n_out_of_order--;
	if (q->last_in_order == 0) {
		q->last_in_order = id;
		return;
	}
	before = chunk_at(t, q->last_in_order);
	if (before->from + before->len + chunk->len > t->chunks.room) {
		q->last_in_order = id;
		return;
	}
	memcpy(tcp_chunk_from(&t->chunks, q->last_in_order) + before->len,
		tcp_chunk_from(&t->chunks, id), chunk->len);
	before->len = (uint16_t)(before->len + chunk->len);
	before->next = chunk->next;
	if (q->last == id)
		q->last = q->last_in_order;
	tcp_chunk_put(&t->chunks, id, TCP_CHUNK_RECEIVES);
}

uint32_t tcp_reassembly_advance(struct tcp *t, struct tcp_reassembly *q, uint32_t nxt)
{
	for (;;) {
		tcp_chunk_id next = q->first;

		if (q->last_in_order != 0) {
			nxt = chunk_end(chunk_at(t, q->last_in_order));
			next = chunk_at(t, q->last_in_order)->next;
		}
		if (next == 0 || chunk_at(t, next)->seq != nxt)
			return nxt;
		take_in_order(t, q, next);
	}
}

void tcp_reassembly_cut_off(struct tcp *t, struct tcp_reassembly *q, uint32_t seq)
{
	tcp_chunk_id at = q->last_in_order, next;

	if (q->last == 0 || seq_le(chunk_end(chunk_at(t, q->last)), seq))
		return;
	for (;;) {
		next = at == 0 ? q->first : chunk_at(t, at)->next;
		if (next == 0 || seq_ge(chunk_at(t, next)->seq, seq))
			break;
		at = next;
		if (seq_gt(chunk_end(chunk_at(t, at)), seq))
			chunk_at(t, at)->len = (uint16_t)(seq - chunk_at(t, at)->seq);
	}
	while (next != 0) {
		tcp_chunk_id after = chunk_at(t, next)->next;

		tcp_chunk_put(&t->chunks, next, TCP_CHUNK_RECEIVES);
		q->n_out_of_order--;
		next = after;
	}
	if (at == 0)
		q->first = 0;
	else
		chunk_at(t, at)->next = 0;
	q->last = at;
	for (unsigned i = 0; i < TCP_RECENT_BLOCKS; i++) {
		struct tcp_sack_block *b = &q->recent[i];

		if (b->from == b->to)
			continue;
		b->from = seq_min(b->from, seq);
		b->to = seq_min(b->to, seq);
	}
}

// The run of chunks that holds block, where blocks have been forgotten.
static struct tcp_sack_block find_run(
	const struct tcp *t, const struct tcp_reassembly *q, struct tcp_sack_block block)
{
	tcp_chunk_id id = q->last_in_order == 0 ? q->first : chunk_at(t, q->last_in_order)->next;
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

void tcp_reassembly_note_run(
	const struct tcp *t, struct tcp_reassembly *q, struct tcp_sack_block block)
{
	struct tcp_sack_block kept[TCP_RECENT_BLOCKS] = {0};
	unsigned n = 1;

	for (unsigned i = 0; i < TCP_RECENT_BLOCKS; i++) {
		struct tcp_sack_block b = q->recent[i];

		if (b.from != b.to && seq_le(b.from, block.to) && seq_ge(b.to, block.from)) {
			block.from = seq_min(b.from, block.from);
			block.to = seq_max(b.to, block.to);
		}
	}
	if (q->has_forgotten_runs)
		block = find_run(t, q, block);
	kept[0] = block;
	for (unsigned i = 0; i < TCP_RECENT_BLOCKS; i++) {
		struct tcp_sack_block b = q->recent[i];

		if (b.from == b.to || (seq_ge(b.from, block.from) && seq_le(b.to, block.to)))
			continue;
		if (n < TCP_RECENT_BLOCKS)
			kept[n++] = b;
		else
			q->has_forgotten_runs = true;
	}
	for (unsigned i = 0; i < TCP_RECENT_BLOCKS; i++)
		q->recent[i] = kept[i];
}

void tcp_reassembly_forget_runs(struct tcp_reassembly *q, uint32_t nxt)
{
	unsigned n = 0;

	for (unsigned i = 0; i < TCP_RECENT_BLOCKS; i++) {
		if (q->recent[i].from != q->recent[i].to && seq_gt(q->recent[i].to, nxt))
			q->recent[n++] = q->recent[i];
	}
	for (; n < TCP_RECENT_BLOCKS; n++)
		q->recent[n] = (struct tcp_sack_block){0, 0};
	if (q->n_out_of_order == 0)
		q->has_forgotten_runs = false;
}

void tcp_reassembly_fill_sack(const struct tcp_reassembly *q, struct tcp_options *o)
{
	o->n_sack_blocks = 0;
	if (q->duplicate.from != q->duplicate.to)
		o->sack[o->n_sack_blocks++] = q->duplicate;
	for (unsigned i = 0; i < TCP_RECENT_BLOCKS && q->recent[i].from != q->recent[i].to; i++)
		o->sack[o->n_sack_blocks++] = q->recent[i];
}

struct view tcp_reassembly_peek(const struct tcp *t, const struct tcp_reassembly *q)
{
	const struct tcp_chunk *chunk;

	if (q->last_in_order == 0)
		return VIEW_NONE;
	chunk = chunk_at(t, q->first);
	return view_of(tcp_chunk_from(&t->chunks, q->first), chunk->len);
}

void tcp_reassembly_copy(const struct tcp *t, const struct tcp_reassembly *q, uint32_t offset,
	uint8_t *out, uint32_t n_bytes)
{
	for (tcp_chunk_id id = q->first; n_bytes > 0; id = chunk_at(t, id)->next) {
		const struct tcp_chunk *chunk = chunk_at(t, id);
		uint32_t part;

		if (offset >= chunk->len) {
			offset -= chunk->len;
			continue;
		}
		part = tcp_min(n_bytes, chunk->len - offset);
		memcpy(out, tcp_chunk_from(&t->chunks, id) + offset, part);
		out += part;
		n_bytes -= part;
		offset = 0;
	}
}

static void drop_first(struct tcp *t, struct tcp_reassembly *q)
{
	tcp_chunk_id id = q->first;

	q->first = chunk_at(t, id)->next;
	if (q->last_in_order == id)
		q->last_in_order = 0;
	if (q->last == id)
		q->last = 0;
	tcp_chunk_put(&t->chunks, id, TCP_CHUNK_RECEIVES);
}

void tcp_reassembly_consume(struct tcp *t, struct tcp_reassembly *q, uint32_t n_bytes)
{
	while (n_bytes > 0) {
		struct tcp_chunk *chunk = chunk_at(t, q->first);
		uint32_t part = tcp_min(n_bytes, chunk->len);

		chunk->from = (uint16_t)(chunk->from + part);
		chunk->len = (uint16_t)(chunk->len - part);
		chunk->seq += part;
		n_bytes -= part;
		if (chunk->len == 0)
			drop_first(t, q);
	}
}
