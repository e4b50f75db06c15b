// SPDX-License-Identifier: BSD-3-Clause
// A TCP segment as the engine reads and writes it: header and options of RFC 9293 §3.1 and §3.2,
// RFC 7323, RFC 2018. Pure; a segment holds views into the packet.

#pragma once

#include "lib/base/addr.h"
#include "lib/base/reason.h"

#define TCP_BYTES            20
#define TCP_HEADER_BYTES_MAX 60
#define TCP_CHECKSUM_AT      16
#define TCP_SACK_BLOCKS_MAX  4
#define TCP_WINDOW_SCALE_MAX 14 // RFC 7323 §2.3: larger ones are taken as this

enum tcp_flag {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_URG = 0x20,
	TCP_ECE = 0x40,
	TCP_CWR = 0x80,
};

struct tcp_sack_block {
	uint32_t from, to; // to: the first byte after it
};

// Options, as far as the engine knows them. Others are skipped, and so are MSS, window scale and
// SACK-permitted in a segment without SYN (RFC 7323 §2.2, RFC 2018 §2). Of an option that is there
// twice the last counts.
struct tcp_options {
	bool has_mss, has_window_scale, sack_permitted, has_timestamps;
	uint8_t window_scale;
	uint8_t n_sack_blocks;
	uint16_t mss;
	uint32_t ts_value, ts_echo;
	struct tcp_sack_block sack[TCP_SACK_BLOCKS_MAX];
};

struct tcp_segment {
	struct endpoint local, remote; // ours, the peer's; transport TRANSPORT_TCP
	uint32_t seq, ack;
	uint16_t window; // as on the wire
	uint8_t flags;   // of enum tcp_flag
	struct tcp_options options;
	struct view payload; // in the packet, cut to the length that IP gave
};

// packet: the payload of the IP packet. Sets everything but the two IP addresses; local.port is the
// destination's. REASON_none or tcp_malformed: header shorter than its offset says, or an option
// whose length is below two or runs out of the header (RFC 9293 §3.1, MUST-7: one of a wrong length
// for its kind is skipped). The urgent pointer is not read: urgent data is data (RFC 6093 §6).
enum reason tcp_segment_parse(struct view packet, struct tcp_segment *out);

// Sequence space that the segment takes (SEG.LEN): payload, and one each for SYN and FIN.
static inline uint32_t tcp_segment_length(const struct tcp_segment *s)
{
	return (uint32_t)s->payload.len + ((s->flags & TCP_SYN) != 0) + ((s->flags & TCP_FIN) != 0);
}

// Writes header and options, checksum zero, to at (TCP_HEADER_BYTES_MAX): ports, seq, ack, window,
// flags, options of s; its addresses and payload are not read. n_sack_blocks ≤ TCP_SACK_BLOCKS_MAX;
// SACK blocks that do not fit are left out: beside timestamps there is room for three. Returns its
// length, a multiple of four.
size_t tcp_segment_build(uint8_t *at, const struct tcp_segment *s);
