// SPDX-License-Identifier: BSD-3-Clause
// The sending half of a connection: what is queued and in flight, what an acknowledgement does to
// it, how much may go out, and what to do when none comes.
//
//   sender.c     the queue: write, FIN, acknowledged and split chunks
//   ack.c        an acceptable ACK: SND.UNA, window, SACK, and what follows from them, in order
//   rtt.c        RFC 6298, RFC 7323 §4
//   sack.c       scoreboard: RFC 2018, RFC 6675, D-SACK
//   rack.c       RACK-TLP (RFC 8985)
//   congestion.c RFC 5681, 6582, 6928, PRR (6937), CUBIC (9438)
//   persist.c    zero windows; mtu.c: RFC 8201 and black holes; alive.c: keepalive

#pragma once

#include "lib/tcp/chunk.h"
#include "lib/tcp/segment.h"

struct tcp;
struct tcp_conn;
struct tcp_packet;

// What TCP_DUE_SEND is for. They exclude one another.
enum tcp_send_timer {
	TCP_TIMER_RTO,     // also of SYN and SYN-ACK
	TCP_TIMER_PROBE,   // TLP (RFC 8985 §7)
	TCP_TIMER_REORDER, // RACK's reordering window (§6.2)
	TCP_TIMER_PERSIST, // zero window
};

// In RFC 9293's words; those of the RFCs named for the rest. Bytes unless said.
struct tcp_sender {
	uint32_t iss, una, nxt, wnd, wl1, wl2;
	uint32_t end;                   // seq after the last byte queued, FIN included
	uint32_t max_wnd;               // SND.WND's largest
	tcp_chunk_id first, next, last; // the queue; next: first not yet sent
	uint16_t mss;                   // Eff.snd.MSS without options (RFC 9293 §3.7.1)
	uint8_t window_scale;           // of the window they offer
	uint8_t timer;                  // enum tcp_send_timer
	uint8_t n_backoff;              // times the RTO was doubled
	uint8_t n_duplicates;           // ACKs
	bool fin_queued, fin_sent;
	uint8_t recovery; // the sender's own: open, disorder, recovery, loss
	// The rest is the sender's files' own.
	uint32_t srtt_us, rttvar_us, rto_ms;
	uint32_t cwnd, ssthresh;
	uint32_t n_retransmitted;
};

// A handshake begins: ISS chosen, SYN or SYN-ACK to be sent by output.c.
void tcp_sender_begin(struct tcp *t, struct tcp_conn *c, uint32_t iss);
// The peer's SYN has come: MSS, window scale, whether SACK and timestamps are agreed are in s and
// in c.
void tcp_sender_peer_syn(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *syn);
// Our SYN was acknowledged by s: first window, RTT sample, initial window (RFC 6928).
void tcp_sender_established(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s);
void tcp_sender_end(struct tcp *t, struct tcp_conn *c);

// The fifth check's work (RFC 9293 §3.10.7.4) for SND.UNA ≤ SEG.ACK ≤ SND.NXT in a synchronized
// state, or an older one that RFC 5961 §5.2 lets pass: window, SACK, congestion. TCP_SENDER_...
// bits.
enum tcp_sender_news {
	TCP_SENDER_FIN_ACKED = 1,
	TCP_SENDER_ROOM = 2, // more is free than before
};
unsigned tcp_sender_ack(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s);

int tcp_sender_write(struct tcp *t, struct tcp_conn *c, const void *bytes, uint32_t n_bytes);
uint32_t tcp_sender_room(const struct tcp *t, const struct tcp_conn *c);
void tcp_sender_finish(struct tcp *t, struct tcp_conn *c); // FIN after what is queued

// TCP_DUE_SEND has come. REASON_none, or why the connection must end.
enum reason tcp_sender_timer(struct tcp *t, struct tcp_conn *c);
// An ICMP message that was believed said so; a smaller one only, at least 1280 or 552.
void tcp_sender_set_mtu(struct tcp *t, struct tcp_conn *c, uint16_t mtu);

// output.c: whether there is anything to send besides an ACK; the next segment, its bytes counted
// as sent. payload_max as in tcp_output(); 0: none.
bool tcp_sender_next(struct tcp *t, struct tcp_conn *c, uint32_t payload_max,
	struct tcp_packet *out, struct tcp_segment *s);
