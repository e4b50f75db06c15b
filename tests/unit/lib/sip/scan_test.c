// SPDX-License-Identifier: BSD-3-Clause
// Every way of scanning against a plain reading, byte by byte, of what scan.h promises.

#include <ctype.h>

#include "lib/sip/scan.h"
#include "tests/unit/test.h"

static void scan_plainly(const uint8_t *bytes, size_t len, struct sip_scan *out)
{
	bool started;

	out->n = 0;
	out->suspect = (uint32_t)len;
	out->ended = false;
	memset(out->specials, 0, SIP_MARKED_BYTES / 8);
	for (size_t i = 0; i < len; i++) {
		uint8_t c = bytes[i], before = i > 0 ? bytes[i - 1] : 0;

		// The ways look 64 bytes at a time and so stop at a block's border.
		if (i % 64 == 0 && out->n > SIP_SCAN_LINES_MAX)
			break;
		if (out->suspect == len &&
			((before == '\r') != (c == '\n') ||
				((c < 0x20 || c == 0x7f) && c != '\t' && c != '\r' && c != '\n')))
			out->suspect = (uint32_t)i;
		if (i < SIP_MARKED_BYTES && !isalnum(c) && c != '-' && c != '.' && c != '_')
			out->specials[i / 64] |= UINT64_C(1) << i % 64;
		started = before == '\n' && c != ' ' && c != '\t';
		if (started)
			out->lines[out->n++] = (uint16_t)i;
		if (started && c == '\r') {
			out->ended = true;
			return;
		}
	}
}

// The special bytes are promised up to where the scan ends.
static void assert_same_specials(
	const struct sip_scan *a, const struct sip_scan *b, size_t len, const char *way)
{
	if (a->ended)
		len = a->lines[a->n - 1];
	for (size_t i = 0; i < len && i < SIP_MARKED_BYTES; i++) {
		if ((a->specials[i / 64] ^ b->specials[i / 64]) >> i % 64 & 1)
			fail_msg("%s: the byte at %zu is taken for another", way, i);
	}
}

static void assert_same(const struct sip_scan *a, const struct sip_scan *b, const char *way)
{
	if (a->n != b->n || a->suspect != b->suspect || a->ended != b->ended ||
		memcmp(a->lines, b->lines, a->n * sizeof(a->lines[0])) != 0)
		fail_msg("%s: %u lines, suspect %u, ended %d; plainly %u, %u, %d", way, b->n,
			b->suspect, b->ended, a->n, a->suspect, a->ended);
}

static const struct {
	const char *name;
	bool (*scan)(const uint8_t *bytes, size_t len, struct sip_scan *out);
} ways[] = {
	{"scalar", sip_scan_head_scalar},
	{"sse2", sip_scan_head_sse2},
	{"avx2", sip_scan_head_avx2},
	{"avx512", sip_scan_head_avx512},
};

static void compare_ways(const uint8_t *bytes, size_t len)
{
	uint64_t specials[2][SIP_MARKED_BYTES / 64];
	struct sip_scan plain = {.specials = specials[0]}, scan = {.specials = specials[1]};

	scan_plainly(bytes, len, &plain);
	for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		memset(specials[1], 0x55, sizeof(specials[1]));
		if (!ways[i].scan(bytes, len, &scan))
			continue;
		assert_same(&plain, &scan, ways[i].name);
		if (plain.n <= SIP_SCAN_LINES_MAX)
			assert_same_specials(&plain, &scan, len, ways[i].name);
	}
	sip_scan_head(bytes, len, &scan);
	assert_same(&plain, &scan, "dispatched");
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	return *state ^= *state << 17;
}

static void every_way_finds_what_a_plain_reading_finds(void **state)
{
	// Dense in what matters, so that every pair of them meets on every border of a block.
	static const uint8_t alphabet[] = "\r\n\r\n\r\n::  \tab\x01\x7f\x80\xff";
	uint64_t seed = 0x9e3779b97f4a7c15;
	uint8_t bytes[400];

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		size_t len = next_random(&seed) % sizeof(bytes);
		uint64_t letters = next_random(&seed) % 60;

		for (size_t i = 0; i < len; i++) {
			uint64_t pick = next_random(&seed) % (sizeof(alphabet) - 1 + letters);

			bytes[i] = pick < sizeof(alphabet) - 1 ? alphabet[pick] : 'x';
			if (i > 0 && bytes[i - 1] == '\r' && next_random(&seed) % 8 != 0)
				bytes[i] = '\n';
		}
		compare_ways(bytes, len);
	}
}

static void every_length_of_a_message_is_scanned_within_its_bytes(void **state)
{
	static const char text[] = "MESSAGE sip:bob@example.net SIP/2.0\r\n"
				   "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\n"
				   "Subject: folded\r\n once\r\n"
				   "f: <sip:a@example.com>;tag=1\r\n\r\nbody: no field\r\n\r\n";

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		uint8_t *exact = malloc(len + 1);

		assert_non_null(exact);
		memcpy(exact + 1, text, len);
		compare_ways(exact + 1, len);
		free(exact);
	}
}

static void lines_beyond_the_limit_end_the_scan(void **state)
{
	static uint8_t bytes[SIP_HEAD_BYTES_MAX];
	uint64_t specials[SIP_MARKED_BYTES / 64];
	struct sip_scan scan = {.specials = specials};

	(void)state;
	for (size_t i = 0; i + 4 <= sizeof(bytes); i += 4)
		memcpy(bytes + i, "a:\r\n", 4);
	compare_ways(bytes, sizeof(bytes));
	sip_scan_head(bytes, sizeof(bytes), &scan);
	assert_false(scan.ended);
	assert_in_range(scan.n, SIP_SCAN_LINES_MAX + 1, SIP_SCAN_LINES_MAX + 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_finds_what_a_plain_reading_finds),
		cmocka_unit_test(every_length_of_a_message_is_scanned_within_its_bytes),
		cmocka_unit_test(lines_beyond_the_limit_end_the_scan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
