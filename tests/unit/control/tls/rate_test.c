// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/test.h"

#include "control/tls/rate.h"

#include <errno.h>

#define SECOND UINT64_C(1000000000)
#define START  (1000 * SECOND)

static struct ip_addr address(const char *text)
{
	struct ip_addr ip;

	assert_int_equal(ip_parse(view_string(text), &ip), 0);
	return ip;
}

static struct ip_addr numbered(uint32_t n)
{
	struct ip_addr ip = {.family = IP_V4};

	memcpy(ip.bytes, &n, sizeof(n));
	return ip;
}

static struct handshake_rate *open_rate(uint32_t source_per_s, uint32_t source_burst,
	uint32_t all_per_s, uint32_t all_burst, uint32_t n_sources)
{
	const struct handshake_rate_config config = {
		.source_per_s = source_per_s,
		.source_burst = source_burst,
		.all_per_s = all_per_s,
		.all_burst = all_burst,
		.n_sources = n_sources,
		.seed = {1, 2},
	};
	struct handshake_rate *r = handshake_rate_new(&config);

	assert_non_null(r);
	return r;
}

static void take_all(struct handshake_rate *r, const char *source, uint64_t now_ns, unsigned n_ok,
	enum handshake_rate_verdict then)
{
	struct ip_addr ip = address(source);

	for (unsigned i = 0; i < n_ok; i++)
		assert_int_equal(handshake_rate_take(r, &ip, now_ns), HANDSHAKE_RATE_OK);
	assert_int_equal(handshake_rate_take(r, &ip, now_ns), then);
}

static void a_source_has_its_burst_and_then_its_rate(void **state)
{
	struct handshake_rate *r = open_rate(10, 5, 0, 0, 100);

	(void)state;
	take_all(r, "192.0.2.1", START, 5, HANDSHAKE_RATE_SOURCE);
	take_all(r, "192.0.2.1", START + SECOND / 10, 1, HANDSHAKE_RATE_SOURCE);
	take_all(r, "192.0.2.1", START + 3 * SECOND / 10, 2, HANDSHAKE_RATE_SOURCE);
	// However long it was away, not more than the burst.
	take_all(r, "192.0.2.1", START + 1000 * SECOND, 5, HANDSHAKE_RATE_SOURCE);
	handshake_rate_free(r);
}

static void sources_do_not_take_from_each_other(void **state)
{
	struct handshake_rate *r = open_rate(1, 2, 0, 0, 100);

	(void)state;
	take_all(r, "192.0.2.1", START, 2, HANDSHAKE_RATE_SOURCE);
	take_all(r, "192.0.2.2", START, 2, HANDSHAKE_RATE_SOURCE);
	take_all(r, "2001:db8::1", START, 2, HANDSHAKE_RATE_SOURCE);
	handshake_rate_free(r);
}

static void an_ipv6_source_is_a_56(void **state)
{
	struct handshake_rate *r = open_rate(1, 2, 0, 0, 100);
	struct ip_addr same = address("2001:db8:1:22ff:ffff::9");
	struct ip_addr other = address("2001:db8:1:2300::1");

	(void)state;
	take_all(r, "2001:db8:1:2200::1", START, 2, HANDSHAKE_RATE_SOURCE);
	assert_int_equal(handshake_rate_take(r, &same, START), HANDSHAKE_RATE_SOURCE);
	assert_int_equal(handshake_rate_take(r, &other, START), HANDSHAKE_RATE_OK);
	handshake_rate_free(r);
}

static void all_together_are_limited_and_a_refusal_costs_nobody(void **state)
{
	struct handshake_rate *r = open_rate(10, 4, 10, 6, 100);

	(void)state;
	take_all(r, "192.0.2.1", START, 4, HANDSHAKE_RATE_SOURCE);
	take_all(r, "192.0.2.2", START, 2, HANDSHAKE_RATE_ALL);
	// The second one still has two of its own.
	take_all(r, "192.0.2.2", START + SECOND, 4, HANDSHAKE_RATE_SOURCE);
	handshake_rate_free(r);
}

static void without_limits_everything_goes(void **state)
{
	struct handshake_rate *r = open_rate(0, 0, 0, 0, 1);

	(void)state;
	take_all(r, "192.0.2.1", START, 100000, HANDSHAKE_RATE_OK);
	handshake_rate_free(r);
}

// More sources than it remembers: each gets its share, and one that keeps asking is not forgotten
// for those that came once.
static void many_sources_do_not_free_one_that_owes(void **state)
{
	struct handshake_rate *r = open_rate(1, 10, 0, 0, 64);
	struct ip_addr greedy = address("198.51.100.1");
	unsigned n_ok = 0;

	(void)state;
	for (uint32_t i = 0; i < 10000; i++) {
		struct ip_addr one = numbered(i);

		assert_int_equal(handshake_rate_take(r, &one, START), HANDSHAKE_RATE_OK);
		n_ok += handshake_rate_take(r, &greedy, START) == HANDSHAKE_RATE_OK;
	}
	assert_int_equal(n_ok, 10);
	handshake_rate_free(r);
}

static void a_config_out_of_range_is_refused(void **state)
{
	struct handshake_rate_config config = {.n_sources = 0};

	(void)state;
	assert_null(handshake_rate_new(&config));
	assert_int_equal(errno, EINVAL);
	config.n_sources = (1u << 20) + 1;
	assert_null(handshake_rate_new(&config));
	assert_int_equal(errno, EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_source_has_its_burst_and_then_its_rate),
		cmocka_unit_test(sources_do_not_take_from_each_other),
		cmocka_unit_test(an_ipv6_source_is_a_56),
		cmocka_unit_test(all_together_are_limited_and_a_refusal_costs_nobody),
		cmocka_unit_test(without_limits_everything_goes),
		cmocka_unit_test(many_sources_do_not_free_one_that_owes),
		cmocka_unit_test(a_config_out_of_range_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
