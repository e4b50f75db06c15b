// SPDX-License-Identifier: BSD-3-Clause
// The queue of a connection's receiving half: the bytes of the peer that the user has not consumed,
// in order up to the first hole, then what lies beyond it, and what SACK says of that (RFC 2018,
// RFC 2883). Bytes beyond a hole are bounded. Trimming to the window is the receiver's, its only
// caller.
//
// Thread: the engine's.

#pragma once

#include "lib/base/reason.h"
#include "lib/tcp/chunk.h"
#include "lib/tcp/segment.h"

struct tcp;

#define TCP_RECENT_BLOCKS 3

struct tcp_reassembly {
	tcp_chunk_id first, last_in_order, last; // one list by seq: in order up to last_in_order
	uint16_t n_out_of_order;                 // chunks beyond a hole
	bool has_forgotten_runs;                 // more than recent holds
	struct tcp_sack_block duplicate;         // D-SACK of the next ACK (RFC 2883)
	// Runs beyond a hole, that which changed last first. from == to: none.
	struct tcp_sack_block recent[TCP_RECENT_BLOCKS];
};

// Bytes of the peer, and where they begin.
struct tcp_text {
	uint32_t seq;
	struct view bytes;
};
static inline void tcp_text_skip(struct tcp_text *x, uint32_t n)
{
	x->seq += n;
	x->bytes.at += n;
	x->bytes.len -= n;
}

// Gives all chunks back. What SACK says stays.
void tcp_reassembly_clear(struct tcp *t, struct tcp_reassembly *q);

// Queues what of x, no byte of it left of nxt, is not there yet. REASON_none, or why it stopped at
// x->seq. Nothing becomes readable before tcp_reassembly_advance().
enum reason tcp_reassembly_put(
	struct tcp *t, struct tcp_reassembly *q, uint32_t nxt, struct tcp_text *x);
// The two in one, of text at nxt that goes as it is into the last chunk, or into the first one,
// with nothing beyond a hole. False, and nothing has changed, where it does not.
bool tcp_reassembly_append(struct tcp *t, struct tcp_reassembly *q, uint32_t nxt, struct view text);
// Takes what has no hole before it any more in order. The new RCV.NXT.
uint32_t tcp_reassembly_advance(struct tcp *t, struct tcp_reassembly *q, uint32_t nxt);
// Takes the bytes from seq on, none of them in order, out again.
void tcp_reassembly_cut_off(struct tcp *t, struct tcp_reassembly *q, uint32_t seq);

// Bytes came that were there: the next ACK tells of the first such since the last ACK.
void tcp_reassembly_note_duplicate(struct tcp_reassembly *q, uint32_t from, uint32_t to);
// Bytes beyond a hole came: their run is told first (RFC 2018 §4).
void tcp_reassembly_note_run(
	const struct tcp *t, struct tcp_reassembly *q, struct tcp_sack_block block);
// Runs left of nxt, which has moved on, are told no more.
void tcp_reassembly_forget_runs(struct tcp_reassembly *q, uint32_t nxt);
void tcp_reassembly_fill_sack(const struct tcp_reassembly *q, struct tcp_options *o);

// The first bytes in order, as far as one chunk holds them.
struct view tcp_reassembly_peek(const struct tcp *t, const struct tcp_reassembly *q);
// Copies n_bytes from offset on. All of them are in order.
void tcp_reassembly_copy(const struct tcp *t, const struct tcp_reassembly *q, uint32_t offset,
	uint8_t *out, uint32_t n_bytes);
// Drops the first n_bytes. All of them are in order.
void tcp_reassembly_consume(struct tcp *t, struct tcp_reassembly *q, uint32_t n_bytes);
