// SPDX-License-Identifier: BSD-3-Clause
// What the files of the sending half share with one another. Only they include it.
//
// Thread: the engine's.

#pragma once

#include "lib/tcp/conn.h"

// A SYN's retransmission timeout, and every connection's before its first sample (RFC 6298 §2).
#define TCP_RTO_INITIAL_MS 1000
// Linux's minimum, not the second of RFC 6298 §2.4: peers delay their ACKs by 200 ms at most, and a
// message that waits a whole second is late for whoever dialled.
#define TCP_RTO_MIN_MS 200
#define TCP_RTO_MAX_MS 60000 // RFC 6298 §2.5
// Chunks looked at for one ACK, above and below the highest that has come, and for what is lost:
// whatever its SACK blocks say, it costs no more. What lies beyond is found by later ACKs, for
// SND.UNA moves on.
#define TCP_WALK_MAX 512
// A peer's MSS below this makes more header than payload; no link in use needs it.
#define TCP_MSS_MIN 216

// What one ACK brought.
struct tcp_news {
	uint32_t acked;         // bytes by SND.UNA
	uint32_t delivered;     // bytes that now are known to have come, acked or SACKed
	uint32_t fack;          // before it
	uint32_t n_duplicate;   // bytes that a D-SACK tells of
	uint32_t duplicate_end; // and where they end
	uint32_t rtt_us; // of the first segment acknowledged, all having been sent once; 0: none
	unsigned budget, upper_budget; // chunks that blocks may still look at: sack.c
	bool ambiguous;                // a segment sent more than once was acknowledged (Karn)
	bool first_again;              // so was the first of them,
	uint32_t first_again_ts;       // and our timestamp of the last time
	bool duplicate_data;           // a D-SACK came
	bool duplicate_ack;            // in the sense of RFC 5681 §2
	bool delivered_again;          // the duplicate is the TLP probe
	bool lost;                     // something was newly found lost
	bool window_changed;
};

// Bytes in the network, as far as is known (RFC 6675 §4, RFC 8985 §8).
static inline uint32_t tcp_pipe(const struct tcp_sender *s)
{
	uint32_t gone = s->flight.sacked + s->flight.lost, flight = s->nxt - s->una;

	return flight > gone ? flight - gone : 0;
}

// Payload of a full segment. While the SYN is out too, with the timestamps that it offers: else
// what is written meanwhile would be cut into segments and remainders of twelve bytes.
static inline uint32_t tcp_segment_room(const struct tcp *t, const struct tcp_conn *c)
{
	bool has_timestamps =
		(c->flags & TCP_CONN_TIMESTAMPS) || (c->sender.flight.flags & TCP_FLIGHT_SYN);
	uint32_t options = has_timestamps ? 12 : 0; // padded, RFC 7323 appendix A
	uint32_t room = c->sender.mss - options;

	return room < t->chunks.room ? room : t->chunks.room;
}

static inline uint32_t tcp_us_to_ms_up(uint32_t us)
{
	return (us + 999) / 1000;
}

// ack.c
// Something was found lost.
void tcp_sender_enter_recovery(struct tcp *t, struct tcp_conn *c, const struct tcp_news *news);

// sender.c
// Cuts a chunk in two after n bytes. False where memory has run out.
bool tcp_sender_split(struct tcp *t, struct tcp_conn *c, tcp_chunk_id id, uint32_t n);

// rtt.c
void tcp_rtt_sample(struct tcp_sender *s, uint32_t us);
uint32_t tcp_rto_ms(const struct tcp_sender *s); // with back-off
void tcp_rto_back_off(struct tcp_sender *s);

// sack.c
// The blocks of an ACK onto the scoreboard.
void tcp_sack_input(
	struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s, struct tcp_news *news);
// A chunk has come, now or earlier: SND.UNA passes it, or a block holds it.
void tcp_sack_delivered(struct tcp *t, struct tcp_conn *c, const struct tcp_chunk *chunk,
	const struct tcp_segment *s, struct tcp_news *news);
// n first bytes of a chunk, or all, are acknowledged: it counts for nothing any more.
void tcp_sack_uncount(struct tcp_flight *f, const struct tcp_chunk *chunk, uint32_t n);
void tcp_sack_lose(struct tcp *t, struct tcp_flight *f, tcp_chunk_id id);
// Nothing is believed to have come (RFC 2018 §8).
void tcp_sack_forget(struct tcp *t, struct tcp_sender *s);
// Without SACK: a duplicate ACK says that a segment has left the network (RFC 6675 §1's spirit).
void tcp_sack_guess(struct tcp_conn *c, uint32_t n_bytes, struct tcp_news *news);

// rack.c
void tcp_rack_delivered(struct tcp *t, struct tcp_conn *c, const struct tcp_chunk *chunk,
	const struct tcp_segment *s);
// The reordering window follows D-SACK (step 4).
void tcp_rack_duplicate(struct tcp_sender *s);
void tcp_rack_recovered(struct tcp_flight *f);
// Marks what is lost. Gives how long until more may be, in us; 0: nothing is waited for.
uint32_t tcp_rack_detect(struct tcp *t, struct tcp_conn *c, bool *lost);
// What a retransmission timeout leaves in the network (§6.3).
void tcp_rack_timeout(struct tcp *t, struct tcp_conn *c);

// probe.c
bool tcp_probe_is_due(const struct tcp_conn *c);
uint32_t tcp_probe_ms(const struct tcp *t, const struct tcp_conn *c);
// end: what is acknowledged when it has come.
void tcp_probe_sent(struct tcp_sender *s, uint32_t end, bool is_retransmission);
// An ACK while one is out (§7.4.2). True when it repaired a loss.
bool tcp_probe_acked(
	struct tcp_sender *s, const struct tcp_segment *ack, const struct tcp_news *news);

// congestion.c
void tcp_congestion_begin(struct tcp_sender *s, bool syn_was_lost);
// SND.UNA moved on, not in fast recovery.
void tcp_congestion_acked(struct tcp *t, struct tcp_sender *s, uint32_t n_bytes);
// Fast recovery begins.
void tcp_congestion_recover(struct tcp_sender *s, const struct tcp_news *news);
void tcp_congestion_reduce_rate(struct tcp_sender *s, const struct tcp_news *news); // PRR
void tcp_congestion_recovered(struct tcp_sender *s);
void tcp_congestion_timeout(struct tcp_sender *s);
// A loss that is repaired already.
void tcp_congestion_lost_once(struct tcp_sender *s);
// Nothing was sent for longer than an RTO (RFC 5681 §4.1).
void tcp_congestion_idle(struct tcp_sender *s);

// undo.c
// The window is about to be reduced.
void tcp_undo_begin(struct tcp *t, struct tcp_conn *c);
// An ACK after that: was it for nothing?
void tcp_undo_input(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s,
	const struct tcp_news *news);

// cubic.c
void tcp_cubic_reduced(struct tcp_sender *s, uint32_t cwnd);
// Congestion avoidance, limited by cwnd: what it becomes.
uint32_t tcp_cubic_acked(struct tcp *t, struct tcp_sender *s, uint32_t n_bytes);
// Time passed in which cwnd was not the limit: it does not count (RFC 9438 §5.8).
void tcp_cubic_pause(struct tcp *t, struct tcp_sender *s);

// retransmit.c
// Sets the timer that what is in flight, or waits, needs. restart: something new was sent or
// acknowledged, so TLP's time begins anew.
void tcp_sender_arm(struct tcp *t, struct tcp_conn *c, bool restart, uint32_t reorder_us);
// RFC 6298 §5.3.
void tcp_sender_restart_rto(struct tcp *t, struct tcp_sender *s);

// persist.c
void tcp_persist_arm(struct tcp *t, struct tcp_conn *c);
enum reason tcp_persist_timer(struct tcp *t, struct tcp_conn *c);
// It has changed while it was asked for.
void tcp_persist_window(struct tcp *t, struct tcp_conn *c);

// mtu.c
uint32_t tcp_mss_of_mtu(const struct tcp_conn *c, uint16_t mtu);
// A retransmission timeout: of a full segment too often (RFC 4821 §7.7's black hole)?
void tcp_mtu_timeout(struct tcp *t, struct tcp_conn *c);

// alive.c
void tcp_alive_begin(struct tcp *t, struct tcp_conn *c);
