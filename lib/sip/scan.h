// SPDX-License-Identifier: BSD-3-Clause
// The first look at a message: where its lines begin and its special bytes are, for message.c only.
// One pass over the head, 64 bytes at a time, with the widest vectors that the processor has.
// Pure; any thread.

#pragma once

#include "lib/sip/message.h"

// One for each field and the empty line.
#define SIP_SCAN_LINES_MAX (SIP_HEADERS_MAX + 1)
// So many are written in any case.
#define SIP_SCAN_SLACK 16

struct sip_scan {
	// Where every line but the start line begins, in order; a fold does not begin one. The last
	// one is the empty line, if ended.
	uint16_t lines[SIP_SCAN_LINES_MAX + 64 + SIP_SCAN_SLACK]; // a block may bring 64 too many
	uint32_t n;
	// The first suspicious byte: a CR or LF that stands alone, a control character other than
	// HTAB (good only in a quoted-pair); len when there is none.
	uint32_t suspect;
	bool ended; // the empty line was found, its CR at least
	// Where to mark the special bytes (lex.h) of the first SIP_MARKED_BYTES, as far as the scan
	// goes; the caller's.
	uint64_t *specials;
};

// Stops at the empty line, at len, or when there are more than SIP_SCAN_LINES_MAX lines.
// len is at most SIP_HEAD_BYTES_MAX.
void sip_scan_head(const uint8_t *bytes, size_t len, struct sip_scan *out);

// The same by each way; false, and nothing done, where the processor cannot.
bool sip_scan_head_scalar(const uint8_t *bytes, size_t len, struct sip_scan *out);
bool sip_scan_head_sse2(const uint8_t *bytes, size_t len, struct sip_scan *out);
bool sip_scan_head_avx2(const uint8_t *bytes, size_t len, struct sip_scan *out);
bool sip_scan_head_avx512(const uint8_t *bytes, size_t len, struct sip_scan *out);
