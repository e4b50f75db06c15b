// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/segment.h"
#include "tests/unit/test.h"

// A SYN as Linux sends it: MSS 1460, SACK-permitted, timestamps 0x01020304 and 0, NOP, window
// scale 7; from port 40000 to 5060.
static const uint8_t linux_syn[] = {0x9c, 0x40, 0x13, 0xc4, 0x89, 0xab, 0xcd, 0xef, 0, 0, 0, 0,
	0xa0, 0x02, 0xfa, 0xf0, 0xbe, 0xef, 0, 0, 2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0,
	0, 0, 1, 3, 3, 7};

static enum reason parse(const void *bytes, size_t n_bytes, struct tcp_segment *out)
{
	memset(out, 0xee, sizeof(*out));
	return tcp_segment_parse(view_of(bytes, n_bytes), out);
}

// Parses a segment with these flags and options, which are padded with zeros, and two bytes of
// payload.
static enum reason parse_options(
	uint8_t flags, const uint8_t *options, size_t n_options, struct tcp_segment *out)
{
	uint8_t bytes[TCP_HEADER_BYTES_MAX + 2] = {0};
	size_t n_bytes = TCP_BYTES + (n_options + 3) / 4 * 4;

	bytes[12] = (uint8_t)(n_bytes / 4 << 4);
	bytes[13] = flags;
	memcpy(bytes + TCP_BYTES, options, n_options);
	return parse(bytes, n_bytes + 2, out);
}

#define PARSE_OPTIONS(flags, out, ...)                       \
	parse_options(flags, (const uint8_t[]){__VA_ARGS__}, \
		sizeof((const uint8_t[]){__VA_ARGS__}), out)

static void the_syn_of_linux_is_read_whole(void **state)
{
	struct tcp_segment s;

	(void)state;
	assert_int_equal(parse(linux_syn, sizeof(linux_syn), &s), REASON_none);
	assert_int_equal(s.remote.port, 40000);
	assert_int_equal(s.local.port, 5060);
	assert_int_equal(s.remote.transport, TRANSPORT_TCP);
	assert_int_equal(s.local.transport, TRANSPORT_TCP);
	assert_int_equal(s.seq, 0x89abcdef);
	assert_int_equal(s.ack, 0);
	assert_int_equal(s.window, 64240);
	assert_int_equal(s.flags, TCP_SYN);
	assert_true(s.options.has_mss && s.options.has_window_scale);
	assert_true(s.options.sack_permitted && s.options.has_timestamps);
	assert_int_equal(s.options.mss, 1460);
	assert_int_equal(s.options.window_scale, 7);
	assert_int_equal(s.options.ts_value, 0x01020304);
	assert_int_equal(s.options.ts_echo, 0);
	assert_int_equal(s.options.n_sack_blocks, 0);
	assert_int_equal(s.payload.len, 0);
	assert_int_equal(tcp_segment_length(&s), 1);
}

static void a_syn_is_built_byte_for_byte_as_linux_builds_it(void **state)
{
	uint8_t built[TCP_HEADER_BYTES_MAX];
	struct tcp_segment s, back;

	(void)state;
	assert_int_equal(parse(linux_syn, sizeof(linux_syn), &s), REASON_none);
	back = s;
	back.local = s.remote;
	back.remote = s.local;
	memset(built, 0xee, sizeof(built));
	assert_int_equal(tcp_segment_build(built, &back), sizeof(linux_syn));
	assert_memory_equal(built, linux_syn, TCP_CHECKSUM_AT);
	assert_int_equal(built[TCP_CHECKSUM_AT] | built[TCP_CHECKSUM_AT + 1], 0);
	assert_memory_equal(built + TCP_CHECKSUM_AT + 2, linux_syn + TCP_CHECKSUM_AT + 2,
		sizeof(linux_syn) - TCP_CHECKSUM_AT - 2);
}

static void the_payload_is_what_follows_the_header(void **state)
{
	uint8_t bytes[64] = {0};
	struct tcp_segment s;

	(void)state;
	for (unsigned words = 5; words <= 15; words++) {
		bytes[12] = (uint8_t)(words << 4);
		bytes[13] = TCP_ACK | TCP_FIN;
		assert_int_equal(parse(bytes, sizeof(bytes), &s), REASON_none);
		assert_ptr_equal(s.payload.at, bytes + (size_t)words * 4);
		assert_int_equal(s.payload.len, sizeof(bytes) - (size_t)words * 4);
		assert_int_equal(tcp_segment_length(&s), s.payload.len + 1);
	}
}

static void a_header_that_does_not_fit_is_malformed(void **state)
{
	uint8_t bytes[64] = {0};
	struct tcp_segment s;

	(void)state;
	for (unsigned words = 0; words < 16; words++) {
		bytes[12] = (uint8_t)(words << 4);
		for (size_t n = 0; n < sizeof(bytes); n++) {
			bool fits = words >= 5 && n >= (size_t)words * 4;

			assert_int_equal(
				parse(bytes, n, &s), fits ? REASON_none : REASON_tcp_malformed);
		}
	}
}

static void timestamps_are_read_however_they_lie(void **state)
{
	struct tcp_segment s;

	(void)state;
	assert_int_equal(
		PARSE_OPTIONS(TCP_ACK, &s, 1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8), REASON_none);
	assert_true(s.options.has_timestamps);
	assert_int_equal(s.options.ts_value, 0x01020304);
	assert_int_equal(s.options.ts_echo, 0x05060708);
	assert_int_equal(s.payload.len, 2);
	assert_int_equal(
		PARSE_OPTIONS(TCP_ACK, &s, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0), REASON_none);
	assert_true(s.options.has_timestamps);
	assert_int_equal(s.options.ts_value, 0x01020304);
	assert_int_equal(s.options.ts_echo, 0x05060708);
	// What follows the common layout is not lost.
	assert_int_equal(PARSE_OPTIONS(TCP_ACK, &s, 1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1, 5,
				 10, 0, 0, 0, 9, 0, 0, 1, 0),
		REASON_none);
	assert_true(s.options.has_timestamps);
	assert_int_equal(s.options.n_sack_blocks, 1);
	assert_int_equal(s.options.sack[0].from, 9);
	assert_int_equal(s.options.sack[0].to, 256);
}

static void up_to_four_sack_blocks_are_read(void **state)
{
	uint8_t options[40] = {1, 1, 5};
	struct tcp_segment s;

	(void)state;
	for (unsigned n = 1; n <= 4; n++) {
		options[3] = (uint8_t)(2 + 8 * n);
		for (unsigned i = 0; i < n; i++) {
			options[4 + 8 * i] = (uint8_t)i;
			options[11 + 8 * i] = (uint8_t)(i + 1);
		}
		assert_int_equal(
			parse_options(TCP_ACK, options, 4 + 8 * (size_t)n, &s), REASON_none);
		assert_int_equal(s.options.n_sack_blocks, n);
		for (unsigned i = 0; i < n; i++) {
			assert_int_equal(s.options.sack[i].from, i << 24);
			assert_int_equal(s.options.sack[i].to, i + 1);
		}
	}
}

static void an_option_of_a_length_that_is_not_its_kinds_is_skipped(void **state)
{
	static const uint8_t kinds[] = {2, 3, 4, 5, 8};
	static const uint8_t lengths[] = {4, 3, 2, 0, 10};

	(void)state;
	for (size_t k = 0; k < sizeof(kinds); k++) {
		for (uint8_t length = 2; length <= 36; length++) {
			// Behind it a window scale of 4, or an MSS of 1000, which must be found.
			bool is_scale = kinds[k] == 3;
			const uint8_t mss[] = {2, 4, 3, 232}, scale[] = {3, 3, 4, 1};
			uint8_t options[40] = {kinds[k], length};
			struct tcp_segment s;

			if (length == lengths[k] ||
				(kinds[k] == 5 && length % 8 == 2 && length > 2))
				continue;
			memcpy(options + length, is_scale ? mss : scale, 4);
			assert_int_equal(
				parse_options(TCP_SYN, options, length + 4u, &s), REASON_none);
			assert_int_equal(s.options.has_mss, is_scale);
			assert_int_equal(s.options.has_window_scale, !is_scale);
			assert_false(s.options.sack_permitted || s.options.has_timestamps);
			assert_int_equal(s.options.n_sack_blocks, 0);
		}
	}
}

static void an_option_that_runs_out_of_the_header_is_malformed(void **state)
{
	struct tcp_segment s;

	(void)state;
	for (unsigned kind = 2; kind < 256; kind++) {
		uint8_t k = (uint8_t)kind;

		assert_int_equal(PARSE_OPTIONS(TCP_ACK, &s, k, 0, 0, 0), REASON_tcp_malformed);
		assert_int_equal(PARSE_OPTIONS(TCP_ACK, &s, k, 1, 0, 0), REASON_tcp_malformed);
		assert_int_equal(PARSE_OPTIONS(TCP_ACK, &s, k, 5, 0, 0), REASON_tcp_malformed);
		assert_int_equal(PARSE_OPTIONS(TCP_ACK, &s, k, 255, 0, 0), REASON_tcp_malformed);
		assert_int_equal(PARSE_OPTIONS(TCP_ACK, &s, 1, 1, 1, k), REASON_tcp_malformed);
		assert_int_equal(PARSE_OPTIONS(TCP_ACK, &s, k, 4, 0, 0), REASON_none);
	}
}

static void what_follows_the_end_of_options_is_not_read(void **state)
{
	struct tcp_segment s;

	(void)state;
	assert_int_equal(PARSE_OPTIONS(TCP_SYN, &s, 0, 2, 4, 5), REASON_none);
	assert_int_equal(PARSE_OPTIONS(TCP_SYN, &s, 0, 2, 4, 5, 180, 8, 0, 8), REASON_none);
	assert_false(s.options.has_mss);
}

static void options_of_a_syn_are_not_believed_in_another_segment(void **state)
{
	struct tcp_segment s;

	(void)state;
	assert_int_equal(PARSE_OPTIONS(TCP_ACK, &s, 2, 4, 5, 180, 4, 2, 3, 3, 7, 0), REASON_none);
	assert_false(s.options.has_mss || s.options.sack_permitted || s.options.has_window_scale);
	assert_int_equal(
		PARSE_OPTIONS(TCP_SYN | TCP_ACK, &s, 2, 4, 5, 180, 4, 2, 3, 3, 7, 0), REASON_none);
	assert_true(s.options.has_mss && s.options.sack_permitted && s.options.has_window_scale);
}

static void a_window_scale_above_14_is_taken_as_14(void **state)
{
	struct tcp_segment s;

	(void)state;
	for (unsigned scale = 0; scale < 256; scale++) {
		assert_int_equal(PARSE_OPTIONS(TCP_SYN, &s, 1, 3, 3, (uint8_t)scale), REASON_none);
		assert_int_equal(s.options.window_scale, scale < 14 ? scale : 14);
	}
}

static void of_an_option_that_is_there_twice_the_last_counts(void **state)
{
	struct tcp_segment s;

	(void)state;
	assert_int_equal(PARSE_OPTIONS(TCP_SYN, &s, 2, 4, 1, 1, 2, 4, 2, 2), REASON_none);
	assert_int_equal(s.options.mss, 0x0202);
}

static void unknown_options_are_skipped(void **state)
{
	struct tcp_segment s;

	(void)state;
	assert_int_equal(
		PARSE_OPTIONS(TCP_SYN, &s, 254, 4, 0xf9, 0x89, 30, 3, 0, 34, 2, 2, 4, 5, 180),
		REASON_none);
	assert_true(s.options.has_mss);
	assert_int_equal(s.options.mss, 1460);
}

// Builds s, parses it again, and expects the same but for the blocks beyond n_blocks.
static void assert_survives(struct tcp_segment *s, unsigned n_blocks)
{
	uint8_t bytes[TCP_HEADER_BYTES_MAX];
	struct tcp_segment again, wanted = *s;
	size_t n_bytes = tcp_segment_build(bytes, s);

	assert_int_equal(n_bytes % 4, 0);
	assert_true(n_bytes <= TCP_HEADER_BYTES_MAX);
	memset(&again, 0, sizeof(again));
	assert_int_equal(tcp_segment_parse(view_of(bytes, n_bytes), &again), REASON_none);
	wanted.local = s->remote;
	wanted.remote = s->local;
	wanted.payload = again.payload;
	wanted.options.n_sack_blocks = (uint8_t)n_blocks;
	memset(wanted.options.sack + n_blocks, 0,
		(TCP_SACK_BLOCKS_MAX - n_blocks) * sizeof(wanted.options.sack[0]));
	assert_int_equal(again.payload.len, 0);
	assert_memory_equal(&again, &wanted, sizeof(again));
}

static void every_set_of_options_survives_building_and_parsing(void **state)
{
	(void)state;
	for (unsigned set = 0; set < 16 * 5; set++) {
		unsigned n = set / 16;
		unsigned others = (set & 1 ? 4u : 0) + (set & 2 ? 4u : 0) +
			(set & 8                  ? 12u
					: set & 4 ? 4u
						  : 0);
		unsigned room = (40 - others - 4) / 8;
		struct tcp_segment s;

		memset(&s, 0, sizeof(s));
		s.local.port = 5060;
		s.remote.port = 65535;
		s.local.transport = s.remote.transport = TRANSPORT_TCP;
		s.seq = 0xfffffff0;
		s.ack = 0x80000001;
		s.window = 65535;
		s.flags = TCP_SYN | TCP_ACK | TCP_CWR;
		s.options.has_mss = set & 1;
		s.options.mss = set & 1 ? 1440 : 0;
		s.options.has_window_scale = set & 2;
		s.options.window_scale = set & 2 ? 14 : 0;
		s.options.sack_permitted = set & 4;
		s.options.has_timestamps = set & 8;
		s.options.ts_value = set & 8 ? UINT32_MAX : 0;
		s.options.ts_echo = set & 8 ? 1 : 0;
		s.options.n_sack_blocks = (uint8_t)n;
		for (unsigned i = 0; i < n; i++)
			s.options.sack[i] = (struct tcp_sack_block){i * 1000, i * 1000 + 500};
		assert_survives(&s, n < room ? n : room);
	}
}

static void beside_timestamps_three_sack_blocks_fit(void **state)
{
	uint8_t bytes[TCP_HEADER_BYTES_MAX];
	struct tcp_segment s;

	(void)state;
	memset(&s, 0, sizeof(s));
	s.flags = TCP_ACK;
	s.options.has_timestamps = true;
	s.options.n_sack_blocks = 4;
	assert_int_equal(tcp_segment_build(bytes, &s), TCP_HEADER_BYTES_MAX);
	assert_int_equal(bytes[TCP_BYTES + 15], 2 + 3 * 8);
	s.options.has_timestamps = false;
	assert_int_equal(tcp_segment_build(bytes, &s), TCP_BYTES + 4 + 4 * 8);
	s.options.n_sack_blocks = 0;
	assert_int_equal(tcp_segment_build(bytes, &s), TCP_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_syn_of_linux_is_read_whole),
		cmocka_unit_test(a_syn_is_built_byte_for_byte_as_linux_builds_it),
		cmocka_unit_test(the_payload_is_what_follows_the_header),
		cmocka_unit_test(a_header_that_does_not_fit_is_malformed),
		cmocka_unit_test(timestamps_are_read_however_they_lie),
		cmocka_unit_test(up_to_four_sack_blocks_are_read),
		cmocka_unit_test(an_option_of_a_length_that_is_not_its_kinds_is_skipped),
		cmocka_unit_test(an_option_that_runs_out_of_the_header_is_malformed),
		cmocka_unit_test(what_follows_the_end_of_options_is_not_read),
		cmocka_unit_test(options_of_a_syn_are_not_believed_in_another_segment),
		cmocka_unit_test(a_window_scale_above_14_is_taken_as_14),
		cmocka_unit_test(of_an_option_that_is_there_twice_the_last_counts),
		cmocka_unit_test(unknown_options_are_skipped),
		cmocka_unit_test(every_set_of_options_survives_building_and_parsing),
		cmocka_unit_test(beside_timestamps_three_sack_blocks_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
