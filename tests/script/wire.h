// SPDX-License-Identifier: BSD-3-Clause
// A TCP segment as bytes, written and read without lib/tcp/segment.h, so that a fault there cannot
// hide itself from the scripts (RFC 9293 §3.1 and §3.2, RFC 7323 §2 and §3, RFC 2018 §3).

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_BYTES       20
#define WIRE_OPTIONS_MAX 40
#define WIRE_SACK_MAX    4

enum wire_flag {
	WIRE_FIN = 0x01,
	WIRE_SYN = 0x02,
	WIRE_RST = 0x04,
	WIRE_PSH = 0x08,
	WIRE_ACK = 0x10,
	WIRE_URG = 0x20,
	WIRE_ECE = 0x40,
	WIRE_CWR = 0x80,
};

struct wire {
	uint16_t source, target;
	uint32_t seq, ack;
	uint16_t window, urgent;
	uint8_t flags;        // of enum wire_flag
	uint8_t offset_bytes; // header; as decoded, or to be written instead of the right one
	bool has_mss, has_window_scale, sack_permitted, has_timestamps;
	uint8_t window_scale;
	uint16_t mss;
	uint32_t ts_value, ts_echo;
	unsigned n_sack;
	uint32_t sack[WIRE_SACK_MAX][2];
	unsigned n_raw; // option bytes written in front of the others
	uint8_t raw[WIRE_OPTIONS_MAX];
	const uint8_t *payload; // decoded: in the packet
	uint32_t payload_bytes;
};

// Writes header, options and payload; returns how many bytes, 0 where they do not fit n_bytes or
// the options do not fit a header.
size_t wire_encode(const struct wire *w, uint8_t *at, size_t n_bytes);

// NULL, or what is wrong with it. Strict: our own segments are read with it.
const char *wire_decode(const uint8_t *at, size_t n_bytes, struct wire *out);
