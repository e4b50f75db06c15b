// SPDX-License-Identifier: BSD-3-Clause

#include "lib/record/secrets.h"

#include "lib/record/suite.h"
#include "tests/unit/lib/record/pair.h"
#include "tests/unit/test.h"

#include <errno.h>

static struct record_secrets good(struct pair_kind kind)
{
	struct record_secrets client, server;

	pair_secrets(&client, &server, kind, 7);
	return client;
}

static void what_both_ends_hand_over_is_accepted(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PAIR_KINDS; i++) {
		struct record_secrets client, server;

		pair_secrets(&client, &server, pair_kinds[i], 7);
		assert_null(record_secrets_check(&client));
		assert_null(record_secrets_check(&server));
	}
}

static void an_unknown_version_or_suite_is_refused(void **state)
{
	struct record_secrets s = good(pair_kinds[0]);

	(void)state;
	for (unsigned v = 0; v < 256; v++) {
		s.version = (uint8_t)v;
		if (v != RECORD_TLS12)
			assert_non_null(record_secrets_check(&s));
	}
	s = good(pair_kinds[0]);
	for (unsigned v = RECORD_SUITE_N; v < 256; v++) {
		s.suite = (uint8_t)v;
		assert_non_null(record_secrets_check(&s));
	}
	s.suite = RECORD_SUITE_NONE;
	assert_non_null(record_secrets_check(&s));
}

// Whether a byte of one direction may be other than zero.
static bool is_used(struct pair_kind kind, size_t at)
{
	bool tls13 = kind.version == RECORD_TLS13;

	if (at < offsetof(struct record_secret, key))
		return tls13 && at < record_hash_bytes(kind.suite);
	at -= offsetof(struct record_secret, key);
	if (at < RECORD_KEY_BYTES)
		return !tls13 && at < record_key_bytes(kind.suite);
	at -= RECORD_KEY_BYTES;
	return !tls13 && at < record_fixed_iv_bytes(kind.suite);
}

static void each_unused_byte_must_be_zero(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PAIR_KINDS; i++) {
		const size_t ends[2] = {offsetof(struct record_secrets, receive),
			offsetof(struct record_secrets, send)};

		for (unsigned k = 0; k < 2; k++) {
			for (size_t at = 0; at < offsetof(struct record_secret, sequence); at++) {
				struct record_secrets s = good(pair_kinds[i]);
				uint8_t *byte = (uint8_t *)&s + ends[k] + at;

				*byte ^= 0x40;
				if (is_used(pair_kinds[i], at))
					assert_null(record_secrets_check(&s));
				else
					assert_non_null(record_secrets_check(&s));
			}
		}
	}
}

static void reserved_bytes_must_be_zero(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(good(pair_kinds[0]).zero); i++) {
		struct record_secrets s = good(pair_kinds[0]);

		s.zero[i] = 1;
		assert_non_null(record_secrets_check(&s));
	}
}

static void an_explicit_nonce_belongs_to_tls_1_2_with_gcm(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PAIR_KINDS; i++) {
		struct record_secrets s = good(pair_kinds[i]);
		bool has = record_has_explicit_nonce(pair_kinds[i].version, pair_kinds[i].suite);

		s.explicit_nonce = 77;
		assert_int_equal(record_secrets_check(&s) == NULL, has);
	}
}

static void a_missing_secret_is_refused(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PAIR_KINDS; i++) {
		struct record_secrets s = good(pair_kinds[i]);

		memset(s.send.traffic, 0, sizeof(s.send.traffic));
		memset(s.send.key, 0, sizeof(s.send.key));
		assert_non_null(record_secrets_check(&s));
	}
}

static void one_secret_for_both_ways_is_refused(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PAIR_KINDS; i++) {
		struct record_secrets s = good(pair_kinds[i]);

		s.receive = s.send;
		assert_non_null(record_secrets_check(&s));
	}
}

static void a_sequence_number_beyond_a_handshake_is_refused(void **state)
{
	struct record_secrets s = good(pair_kinds[3]);

	(void)state;
	s.receive.sequence = 0xffff;
	assert_null(record_secrets_check(&s));
	s.receive.sequence = 0x10000;
	assert_non_null(record_secrets_check(&s));
	s.receive.sequence = UINT64_MAX;
	assert_non_null(record_secrets_check(&s));
}

static void wiped_secrets_are_zero(void **state)
{
	const struct record_secrets zero = {0};
	struct record_secrets s = good(pair_kinds[1]);

	(void)state;
	record_secrets_wipe(&s);
	assert_memory_equal(&s, &zero, sizeof(s));
}

static void a_session_does_not_begin_with_bad_secrets(void **state)
{
	struct record_crypto *c = pair_crypto(RECORD_PROVIDER_BEST, 0);
	struct record_secrets s = good(pair_kinds[4]);
	struct record_session session;

	(void)state;
	s.suite = 9;
	assert_int_equal(record_session_begin(&session, c, &s, RECORD_OPENED), -EINVAL);
	record_session_end(&session, c); // as zero as after an end
	record_crypto_free(c);
}

static void an_ended_session_is_zero(void **state)
{
	const struct record_session zero = {0};
	struct record_crypto *c = pair_crypto(RECORD_PROVIDER_BEST, 0);
	struct record_secrets s = good(pair_kinds[3]);
	struct record_session session;

	(void)state;
	assert_int_equal(record_session_begin(&session, c, &s, RECORD_OPENED), 0);
	record_session_end(&session, c);
	assert_memory_equal(&session, &zero, sizeof(session));
	record_crypto_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_both_ends_hand_over_is_accepted),
		cmocka_unit_test(an_unknown_version_or_suite_is_refused),
		cmocka_unit_test(each_unused_byte_must_be_zero),
		cmocka_unit_test(reserved_bytes_must_be_zero),
		cmocka_unit_test(an_explicit_nonce_belongs_to_tls_1_2_with_gcm),
		cmocka_unit_test(a_missing_secret_is_refused),
		cmocka_unit_test(one_secret_for_both_ways_is_refused),
		cmocka_unit_test(a_sequence_number_beyond_a_handshake_is_refused),
		cmocka_unit_test(wiped_secrets_are_zero),
		cmocka_unit_test(a_session_does_not_begin_with_bad_secrets),
		cmocka_unit_test(an_ended_session_is_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
