// SPDX-License-Identifier: BSD-3-Clause
// The sending half of a connection: what is queued and in flight, what an acknowledgement does to
// it, how much may go out, and what to do when none comes.
//
//   sender.c     a handshake of ours, the queue: write, FIN, split chunks
//   next.c       what may go out now, in the order of its urgency
//   ack.c        an acceptable ACK: SND.UNA, window, SACK, and what follows from them, in order
//   rtt.c        RFC 6298, RFC 7323 §4
//   sack.c       scoreboard: RFC 2018, RFC 6675, D-SACK
//   rack.c       RACK (RFC 8985 §6); probe.c: TLP (§7)
//   congestion.c RFC 5681, 6582, 6928, PRR (6937); cubic.c: RFC 9438
//   undo.c       reductions that were for nothing: RFC 3522, 3708
//   retransmit.c the sender's timers
//   persist.c    zero windows; mtu.c: RFC 8201 and black holes; alive.c: keepalive
//
// flight.h is what these share. The FIN is no chunk: it has the last sequence number, goes out with
// the last bytes or by itself, and nothing but time finds it lost, for nothing is sent after it.

#pragma once

#include "lib/tcp/chunk.h"
#include "lib/tcp/segment.h"

struct tcp;
struct tcp_conn;
struct tcp_packet;
struct tcp_piece;

// What TCP_DUE_SEND is for. They exclude one another.
enum tcp_send_timer {
	TCP_TIMER_RTO,     // also of SYN and SYN-ACK
	TCP_TIMER_PROBE,   // TLP (RFC 8985 §7)
	TCP_TIMER_REORDER, // RACK's reordering window (§6.2)
	TCP_TIMER_PERSIST, // zero window, or one too small to be worth a segment
};

enum tcp_recovery {
	TCP_OPEN,
	TCP_RECOVERY, // fast recovery, until SND.UNA reaches flight.recover
	TCP_LOSS,     // after a retransmission timeout, until then too
};

// What output has been asked for besides what the queue says.
enum tcp_send_need {
	TCP_NEED_SYN = 1,
	TCP_NEED_FIRST = 2,  // the first lost segment, whatever the congestion window
	TCP_NEED_PROBE = 4,  // TLP
	TCP_NEED_WINDOW = 8, // a byte or more, whatever the window
	TCP_NEED_FIN = 16,   // again
	TCP_NEED_KEEPALIVE = 32,
};

enum tcp_flight_flag {
	TCP_FLIGHT_SYN = 1,           // ours is not yet acknowledged
	TCP_FLIGHT_SYN_SENT = 2,      // so a cookie's is not
	TCP_FLIGHT_RACK = 4,          // rack_... are of something delivered
	TCP_FLIGHT_REORDERING = 8,    // seen (RFC 8985 §6.2 step 3)
	TCP_FLIGHT_ROUND = 16,        // round is that of a D-SACK (step 4)
	TCP_FLIGHT_PROBED = 32,       // TLP.end_seq is set
	TCP_FLIGHT_PROBE_OLD = 64,    // TLP.is_retrans
	TCP_FLIGHT_LIMITED = 128,     // by cwnd, until SND.UNA passes limited_seq
	TCP_FLIGHT_EPOCH = 256,       // cubic_... are of a congestion avoidance that has begun
	TCP_FLIGHT_NO_WINDOW = 512,   // what is in flight lies beyond the window: probes
	TCP_FLIGHT_RECOVERED = 1024,  // recover is of this connection: RFC 6582 §3.2 step 1
	TCP_FLIGHT_SHRUNK = 2048,     // mss was cut by a black hole found
	TCP_FLIGHT_UNDO = 4096,       // undo_... are of the last reduction
	TCP_FLIGHT_LOST_TWICE = 8192, // a loss in recovery that is another one than what it is for
};

// What is known of data in flight, and of how the path took it.
struct tcp_flight {
	uint16_t flags; // of enum tcp_flight_flag
	uint16_t n_sacked;
	uint32_t sacked, lost; // bytes so marked; without SACK: those that duplicate ACKs tell of
	tcp_chunk_id highest_sacked; // where to begin to look; 0: at the first
	uint32_t sacked_from;        // all from here to its end has come
	tcp_chunk_id first_lost;     // none lies before it
	uint32_t recover;            // RFC 6582, 6675
	uint32_t rto_due;            // tick
	uint32_t advanced_tick;      // when SND.UNA last moved, or the flight began
	uint32_t sent_tick;          // last time
	uint32_t rtt_seq;            // SND.UNA beyond it is worth the next sample
	uint32_t rtt_start_us;       // when the SYN was sent

	uint32_t rack_sent_us, rack_end, rack_rtt_us; // RACK.xmit_ts, .end_seq, .rtt
	uint32_t min_rtt_us;                          // 0: unknown
	uint32_t fack;                                // RACK.fack
	uint32_t round;                               // RACK.dsack_round
	uint8_t reo_wnd_mult, reo_wnd_persist;        // step 4; the former less one
	uint16_t zero;
	uint32_t probe_end; // TLP.end_seq

	// In fast recovery the former, prr_flight being RecoverFS; while TCP_FLIGHT_EPOCH is set,
	// which ends when recovery begins, the latter: W_est and times.
	union {
		struct {
			uint32_t prr_delivered, prr_out, prr_flight;
		};
		struct {
			uint32_t cubic_friendly, cubic_start_us, cubic_seen_us;
		};
	};
	uint32_t limited_seq;
	uint32_t cubic_max, cubic_prior, cubic_k_ms; // W_max, cwnd_prior, K
	uint32_t undo_cwnd, undo_ssthresh;           // before the last reduction
	uint32_t undo_ts;                            // our timestamp at it
	uint32_t undo_una;                           // SND.UNA at it
	uint32_t undo_bytes; // sent again since, of which no duplicate was reported
};

// In RFC 9293's words; those of the RFCs named for the rest. Bytes unless said.
struct tcp_sender {
	uint32_t iss, una, nxt, wnd, wl1, wl2;
	uint32_t end;                   // seq after the last byte queued, FIN included
	uint32_t max_wnd;               // SND.WND's largest
	tcp_chunk_id first, next, last; // the queue; next: first not yet sent
	uint16_t mss;                   // Eff.snd.MSS without options (RFC 9293 §3.7.1)
	uint16_t peer_mss;              // what the peer's SYN allows
	uint8_t window_scale;           // of the window they offer
	uint8_t timer;                  // enum tcp_send_timer
	uint8_t n_backoff;              // times the RTO was doubled
	uint8_t n_duplicates;           // ACKs
	bool fin_queued, fin_sent;
	uint8_t recovery; // enum tcp_recovery
	uint8_t need;     // of enum tcp_send_need
	uint32_t srtt_us, rttvar_us;
	uint32_t rto_ms; // without back-off
	uint32_t cwnd, ssthresh;
	uint32_t n_retransmitted;
	struct tcp_flight flight;
};

// A handshake begins: ISS chosen, SYN or SYN-ACK to be sent by output.c. Before the others.
void tcp_sender_begin(struct tcp *t, struct tcp_conn *c, uint32_t iss);
// The peer's SYN has come: MSS, window scale, whether SACK and timestamps are agreed are in s and
// in c.
void tcp_sender_peer_syn(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *syn);
// Our SYN was acknowledged by s: first window, RTT sample, initial window (RFC 6928); keepalive.
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
// tcp_reserve(), and tcp_commit() of at most as much.
int tcp_sender_reserve(
	const struct tcp *t, const struct tcp_conn *c, uint32_t n_bytes, struct tcp_piece *pieces);
void tcp_sender_commit(struct tcp *t, struct tcp_conn *c, uint32_t n_bytes);
uint32_t tcp_sender_room(const struct tcp *t, const struct tcp_conn *c);
void tcp_sender_finish(struct tcp *t, struct tcp_conn *c); // FIN after what is queued

// TCP_DUE_SEND has come. REASON_none, or why the connection must end.
enum reason tcp_sender_timer(struct tcp *t, struct tcp_conn *c);
// An ICMP message that was believed said so; a smaller one only, at least 1280 or 552.
void tcp_sender_set_mtu(struct tcp *t, struct tcp_conn *c, uint16_t mtu);

// output.c: whether there is anything to send besides an ACK; the next segment, its bytes counted
// as sent: seq and flags, and the payload in out. payload_max: of one packet, at least a segment;
// 0: none.
bool tcp_sender_next(struct tcp *t, struct tcp_conn *c, uint32_t payload_max,
	struct tcp_packet *out, struct tcp_segment *s);
// That there may be more: cheap, and true too often rather than too seldom.
bool tcp_sender_has_more(const struct tcp_conn *c);
// The seq of a segment without payload: one that the peer's window holds.
uint32_t tcp_sender_bare_seq(const struct tcp_sender *s);

// timers.c: TCP_DUE_IDLE has come. REASON_none, or why the connection must end.
enum reason tcp_alive_timer(struct tcp *t, struct tcp_conn *c);
