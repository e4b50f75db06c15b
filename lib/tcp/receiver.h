// SPDX-License-Identifier: BSD-3-Clause
// The receiving half of a connection: the window that is offered, what of a segment lies in it, and
// when an ACK is due (RFC 9293 §3.8.6, RFC 5681 §4.2). Bytes are trimmed at both edges before
// reassembly.h queues them.

#pragma once

#include "lib/tcp/reassembly.h"
#include "lib/tcp/segment.h"

struct tcp;
struct tcp_conn;

// In RFC 9293's words.
struct tcp_receiver {
	uint32_t irs, nxt;
	uint32_t adv;         // right edge of the window last offered: never moves back
	uint32_t acked;       // RCV.NXT when the last ACK went out
	uint32_t consumed;    // what the user has taken, as a sequence number
	uint16_t mss;         // the largest payload that came, and at least RFC 9293's 536
	uint8_t window_scale; // of the window we offer
	uint8_t ack;          // enum tcp_ack_need
	uint8_t n_quick;      // segments still to be acknowledged at once
	bool fin;             // received, in order
	bool has_fin_seq;     // a FIN, perhaps beyond a hole
	uint32_t fin_seq;
	struct tcp_reassembly queue;
};

enum tcp_ack_need {
	TCP_ACK_NONE,
	TCP_ACK_DELAYED,
	TCP_ACK_NOW,
};

// After the peer's SYN. c->flags say what was agreed. What is offered begins with the window of a
// SYN, which is not scaled.
void tcp_receiver_begin(struct tcp *t, struct tcp_conn *c, uint32_t irs);
void tcp_receiver_end(struct tcp *t, struct tcp_conn *c); // gives memory back

// The window to offer now, in bytes: by what the user has not consumed, by how much memory is left
// for all, and with silly windows avoided (RFC 9293 §3.8.6.2.2). Never left of what was offered.
uint32_t tcp_receiver_window(const struct tcp *t, const struct tcp_conn *c);
// RFC 9293 §3.10.7.4, first check, against what was offered.
bool tcp_receiver_accepts(const struct tcp_conn *c, const struct tcp_segment *s);

// The seventh and eighth check: text and FIN of an acceptable segment without SYN. REASON_tcp_
// segment_taken, or why its text was dropped. *events: bits of enum tcp_event_bit, what the user
// can be told: TCP_PEER_FINISHED when a FIN, this one or one kept, is now in order. The state is
// input.c's.
enum reason tcp_receiver_input(
	struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s, uint8_t *events);

// What most of them do: text alone, at RCV.NXT, that lies in the window whole. False, and nothing
// has changed, where there is more to it: then the former says what.
bool tcp_receiver_take_next(struct tcp *t, struct tcp_conn *c, struct view text);

// Text of s, which is not acceptable, came before: the next ACK says so (RFC 2883).
void tcp_receiver_duplicate(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s);

void tcp_receiver_want_ack(struct tcp *t, struct tcp_conn *c, enum tcp_ack_need need);
// output.c: sets ACK, window and SACK blocks of s (of a SYN in SYN_SENT: the window alone), with
// SYN or not as s->flags say. It goes out now: no ACK is due any more.
void tcp_receiver_fill(struct tcp *t, struct tcp_conn *c, struct tcp_segment *s);

uint32_t tcp_receiver_readable(const struct tcp_conn *c);
struct view tcp_receiver_peek(const struct tcp *t, const struct tcp_conn *c);
uint32_t tcp_receiver_copy(const struct tcp *t, const struct tcp_conn *c, uint32_t offset,
	uint8_t *out, uint32_t n_bytes);
// Opens the window again, and has that told where it is worth a segment.
void tcp_receiver_consume(struct tcp *t, struct tcp_conn *c, uint32_t n_bytes);
