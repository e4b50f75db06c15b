// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/keys.h"
#include "lib/tcp/seq.h"
#include "tests/unit/test.h"

#define SECOND 1000000000ull

static struct tcp_keys keys;

static int setup(void **state)
{
	static const struct siphash_key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

	(void)state;
	tcp_keys_init(&keys, &key);
	return 0;
}

static struct endpoint endpoint(const char *text)
{
	struct endpoint e;

	assert_int_equal(endpoint_parse(view_string(text), 0, TRANSPORT_TCP, &e), 0);
	return e;
}

static uint64_t random_state = 88172645463325252;

static uint64_t random64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void initial_sequence_numbers_of_a_pair_follow_the_clock(void **state)
{
	struct endpoint local = endpoint("192.0.2.1:5060"), remote = endpoint("192.0.2.2:1024");
	uint32_t first = tcp_keys_isn(&keys, &local, &remote, 0);

	(void)state;
	assert_int_equal(tcp_keys_isn(&keys, &local, &remote, 3999), first);
	assert_int_equal(tcp_keys_isn(&keys, &local, &remote, 4000), first + 1);
	assert_int_equal(tcp_keys_isn(&keys, &local, &remote, SECOND), first + 250000);
	// The count wraps after 4.77 hours, and goes on.
	assert_int_equal(tcp_keys_isn(&keys, &local, &remote, 4000ull << 32), first);
}

static void initial_sequence_numbers_of_pairs_and_keys_have_nothing_in_common(void **state)
{
	static const struct siphash_key other = {1, 2};
	struct endpoint local = endpoint("[2001:db8::1]:5060");
	struct endpoint remote = endpoint("[2001:db8::2]:1024");
	uint32_t first = tcp_keys_isn(&keys, &local, &remote, 0), second, third;

	(void)state;
	remote.port++;
	second = tcp_keys_isn(&keys, &local, &remote, 0);
	remote.port++;
	third = tcp_keys_isn(&keys, &local, &remote, 0);
	assert_int_not_equal(second, first);
	assert_int_not_equal(second - first, third - second);
	assert_int_not_equal(third, tcp_keys_ts_offset(&keys, &local, &remote));
	tcp_keys_init(&keys, &other);
	assert_int_not_equal(third, tcp_keys_isn(&keys, &local, &remote, 0));
}

static void the_timestamp_offset_of_a_pair_is_always_the_same(void **state)
{
	struct endpoint local = endpoint("192.0.2.1:5060"), remote = endpoint("192.0.2.2:1024");
	uint32_t first = tcp_keys_ts_offset(&keys, &local, &remote);

	(void)state;
	assert_int_equal(tcp_keys_ts_offset(&keys, &local, &remote), first);
	remote.port++;
	assert_int_not_equal(tcp_keys_ts_offset(&keys, &local, &remote), first);
}

static struct tcp_segment syn_of(const char *remote, struct tcp_options options)
{
	return (struct tcp_segment){
		.local = endpoint(remote[0] == '[' ? "[2001:db8::1]:5060" : "192.0.2.1:5060"),
		.remote = endpoint(remote),
		.seq = 0xfffffffe,
		.flags = TCP_SYN,
		.options = options,
	};
}

// The ACK of a peer that echoes what it was sent.
static struct tcp_segment ack_of(const struct tcp_segment *syn, uint32_t cookie, uint32_t ts_value)
{
	struct tcp_segment ack = {
		.local = syn->local,
		.remote = syn->remote,
		.seq = syn->seq + 1,
		.ack = cookie + 1,
		.flags = TCP_ACK,
	};

	if (syn->options.has_timestamps) {
		ack.options.has_timestamps = true;
		ack.options.ts_echo = ts_value;
	}
	return ack;
}

// The ACK to a SYN that came at time now.
static struct tcp_segment answer(const struct tcp_segment *syn, uint64_t now)
{
	uint32_t ts_value = 0x12345678, cookie = tcp_cookie_make(&keys, syn, now, &ts_value);

	return ack_of(syn, cookie, ts_value);
}

static bool holds(const struct tcp_segment *ack, uint64_t now)
{
	struct tcp_cookie out;

	return tcp_cookie_check(&keys, ack, now, &out);
}

static const struct tcp_options modern = {
	.has_mss = true,
	.mss = 1460,
	.has_window_scale = true,
	.window_scale = 7,
	.sack_permitted = true,
	.has_timestamps = true,
};

static void a_cookie_holds_for_half_a_minute_and_never_after_64_seconds(void **state)
{
	struct tcp_segment syn = syn_of("192.0.2.2:1024", modern);

	(void)state;
	for (uint64_t made = 0; made < 70 * SECOND; made += SECOND / 3) {
		struct tcp_segment ack = answer(&syn, made);

		for (uint64_t age = 0; age <= 32 * SECOND; age += SECOND / 2)
			assert_true(holds(&ack, made + age));
		// Also when the bit that tells its age comes round again.
		for (uint64_t age = 64 * SECOND; age <= 300 * SECOND; age += SECOND)
			assert_false(holds(&ack, made + age));
	}
}

static void a_cookie_holds_for_nobody_else(void **state)
{
	struct tcp_segment syn = syn_of("[2001:db8::2]:1024", modern), ack = answer(&syn, SECOND);
	struct tcp_segment forged;

	(void)state;
	assert_true(holds(&ack, SECOND));
	forged = ack;
	forged.remote.port++;
	assert_false(holds(&forged, SECOND));
	forged = ack;
	forged.local.port++;
	assert_false(holds(&forged, SECOND));
	forged = ack;
	forged.remote.ip.bytes[15] ^= 1;
	assert_false(holds(&forged, SECOND));
	forged = ack;
	forged.local.ip.bytes[0] ^= 1;
	assert_false(holds(&forged, SECOND));
}

static void a_cookie_holds_for_the_sequence_number_of_its_syn_only(void **state)
{
	struct tcp_segment syn = syn_of("192.0.2.2:1024", modern), ack = answer(&syn, SECOND);

	(void)state;
	for (uint32_t i = 1; i < 1000; i++) {
		struct tcp_segment forged = ack;

		forged.seq += i;
		assert_false(holds(&forged, SECOND));
		forged.seq = ack.seq - i;
		assert_false(holds(&forged, SECOND));
	}
}

static void a_cookie_in_which_any_bit_is_changed_is_refused(void **state)
{
	struct tcp_segment syn = syn_of("192.0.2.2:1024", modern), ack = answer(&syn, SECOND);

	(void)state;
	for (unsigned bit = 0; bit < 32; bit++) {
		struct tcp_segment forged = ack;

		forged.ack = ((ack.ack - 1) ^ 1u << bit) + 1;
		assert_false(holds(&forged, SECOND));
	}
	// What the timestamp remembers is under the hash too.
	for (unsigned bit = 0; bit < 6; bit++) {
		struct tcp_segment forged = ack;

		forged.options.ts_echo ^= 1u << bit;
		assert_false(holds(&forged, SECOND));
	}
	ack.options.has_timestamps = false;
	assert_false(holds(&ack, SECOND));
}

static void guesses_are_refused(void **state)
{
	struct tcp_segment syn = syn_of("192.0.2.2:1024", modern), ack = answer(&syn, SECOND);
	unsigned n_taken = 0;

	(void)state;
	for (unsigned i = 0; i < 1000000; i++) {
		ack.ack = (uint32_t)random64();
		n_taken += holds(&ack, SECOND);
	}
	assert_int_equal(n_taken, 0);
}

static void cookies_of_another_key_are_refused(void **state)
{
	static const struct siphash_key other = {1, 2};
	struct tcp_segment syn = syn_of("192.0.2.2:1024", modern), ack = answer(&syn, SECOND);

	(void)state;
	tcp_keys_init(&keys, &other);
	assert_false(holds(&ack, SECOND));
}

// The MSS that comes out for one that went in; 0: without the option.
static uint16_t mss_through(const char *remote, uint16_t mss)
{
	struct tcp_options options = {.has_mss = mss != 0, .mss = mss};
	struct tcp_segment syn = syn_of(remote, options), ack = answer(&syn, SECOND);
	struct tcp_cookie out;

	assert_true(tcp_cookie_check(&keys, &ack, SECOND, &out));
	assert_false(out.has_timestamps || out.has_window_scale || out.sack_permitted);
	return out.mss;
}

static void the_mss_is_rounded_down_to_a_step(void **state)
{
	static const uint16_t steps[] = {64, 536, 1220, 1360, 1400, 1440, 1460, 8940};

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(mss_through("192.0.2.2:1024", steps[i]), steps[i]);
		assert_int_equal(mss_through("192.0.2.2:1024", (uint16_t)(steps[i] + 1)), steps[i]);
		if (i > 0)
			assert_int_equal(mss_through("192.0.2.2:1024", (uint16_t)(steps[i] - 1)),
				steps[i - 1]);
	}
	assert_int_equal(mss_through("192.0.2.2:1024", UINT16_MAX), 8940);
	assert_int_equal(mss_through("192.0.2.2:1024", 1), 64);
}

static void a_syn_without_mss_gets_its_familys_default(void **state)
{
	(void)state;
	assert_int_equal(mss_through("192.0.2.2:1024", 0), 536);
	assert_int_equal(mss_through("[2001:db8::2]:1024", 0), 1220);
}

static void every_window_scale_and_sack_come_back_out_of_the_timestamp(void **state)
{
	(void)state;
	// 15 stands for none.
	for (uint8_t scale = 0; scale <= 15; scale++) {
		for (unsigned sack = 0; sack < 2; sack++) {
			struct tcp_options options = {
				.has_window_scale = scale < 15,
				.window_scale = scale,
				.sack_permitted = sack == 1,
				.has_timestamps = true,
			};
			struct tcp_segment syn = syn_of("192.0.2.2:1024", options);
			struct tcp_segment ack = answer(&syn, SECOND);
			struct tcp_cookie out;

			assert_true(tcp_cookie_check(&keys, &ack, SECOND, &out));
			assert_true(out.has_timestamps);
			assert_int_equal(out.has_window_scale, scale < 15);
			assert_int_equal(out.window_scale, scale < 15 ? scale : 0);
			assert_int_equal(out.sack_permitted, sack == 1);
		}
	}
}

static void the_timestamp_of_a_cookie_is_at_most_63_ms_early_and_never_late(void **state)
{
	struct tcp_segment syn = syn_of("192.0.2.2:1024", modern);

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		uint32_t was = i - 500, ts_value = was;

		tcp_cookie_make(&keys, &syn, SECOND, &ts_value);
		assert_true(seq_le(ts_value, was));
		assert_true(was - ts_value <= 63);
	}
	syn.options.has_timestamps = false;
	for (uint32_t i = 0; i < 100; i++) {
		uint32_t ts_value = i;

		tcp_cookie_make(&keys, &syn, SECOND, &ts_value);
		assert_int_equal(ts_value, i);
	}
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(initial_sequence_numbers_of_a_pair_follow_the_clock),
		CASE(initial_sequence_numbers_of_pairs_and_keys_have_nothing_in_common),
		CASE(the_timestamp_offset_of_a_pair_is_always_the_same),
		CASE(a_cookie_holds_for_half_a_minute_and_never_after_64_seconds),
		CASE(a_cookie_holds_for_nobody_else),
		CASE(a_cookie_holds_for_the_sequence_number_of_its_syn_only),
		CASE(a_cookie_in_which_any_bit_is_changed_is_refused),
		CASE(guesses_are_refused),
		CASE(cookies_of_another_key_are_refused),
		CASE(the_mss_is_rounded_down_to_a_step),
		CASE(a_syn_without_mss_gets_its_familys_default),
		CASE(every_window_scale_and_sack_come_back_out_of_the_timestamp),
		CASE(the_timestamp_of_a_cookie_is_at_most_63_ms_early_and_never_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
