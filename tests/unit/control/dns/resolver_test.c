// SPDX-License-Identifier: BSD-3-Clause
// libunbound on a loop, with answers that are fixed: no server is asked.

#include "tests/unit/test.h"

#include "control/dns/resolver.h"

#include <errno.h>

static const char *const records[] = {
	"sip.example. 300 IN A 192.0.2.1",
	"sip.example. 300 IN A 192.0.2.2",
	"_sips._tcp.fabrikam.example. 60 IN SRV 10 20 5061 sip.example.",
};

struct fixture {
	uv_loop_t loop;
	struct resolver *resolver;
	unsigned n_answers;
	enum dns_outcome outcome;
	size_t n_records;
	uint8_t first[64];
	size_t first_bytes;
};

static int setup(void **state)
{
	// A server that nobody is: what is not fixed finds no answer.
	static const char *const nowhere[] = {"127.0.0.1@9"};
	struct resolver_config config = {
		.servers = nowhere, .n_servers = 1, .records = records, .n_records = 3};
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(uv_loop_init(&f->loop), 0);
	f->resolver = resolver_new(&f->loop, &config);
	assert_non_null(f->resolver);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	resolver_free(f->resolver);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	free(f);
	return 0;
}

static void answered(void *arg, const struct dns_answer *answer)
{
	struct fixture *f = arg;

	f->n_answers++;
	f->outcome = answer->outcome;
	f->n_records = answer->n_records;
	f->first_bytes = 0;
	if (answer->n_records == 0)
		return;
	assert_true(answer->records[0].len <= sizeof(f->first));
	f->first_bytes = answer->records[0].len;
	memcpy(f->first, answer->records[0].at, f->first_bytes);
}

static void ask(struct fixture *f, const char *name, enum dns_type type)
{
	struct dns_source dns = resolver_source(f->resolver);
	unsigned n = f->n_answers;

	assert_int_equal(dns.ask(dns.arg, name, type, answered, f), 0);
	assert_int_equal(f->n_answers, n);
	while (f->n_answers == n)
		uv_run(&f->loop, UV_RUN_ONCE);
}

static void addresses_come_as_their_bytes(void **state)
{
	struct fixture *f = *state;

	ask(f, "sip.example", DNS_A);
	assert_int_equal(f->outcome, DNS_OK);
	assert_int_equal(f->n_records, 2);
	assert_int_equal(f->first_bytes, 4);
	assert_int_equal(f->first[0], 192);
}

static void a_service_comes_as_its_record(void **state)
{
	struct fixture *f = *state;

	ask(f, "_sips._tcp.fabrikam.example", DNS_SRV);
	assert_int_equal(f->outcome, DNS_OK);
	assert_int_equal(f->n_records, 1);
	assert_memory_equal(f->first, "\0\x0a\0\x14\x13\xc5\3sip\7example\0", 19);
}

static void a_type_that_is_not_there_is_none(void **state)
{
	struct fixture *f = *state;

	ask(f, "sip.example", DNS_AAAA);
	assert_int_equal(f->outcome, DNS_NONE);
	assert_int_equal(f->n_records, 0);
}

static void a_server_that_does_not_answer_is_a_failure(void **state)
{
	struct fixture *f = *state;

	ask(f, "elsewhere.test.invalid-zone", DNS_A);
	assert_true(f->outcome == DNS_FAILED || f->outcome == DNS_NONE);
	assert_int_equal(f->n_records, 0);
}

static void what_is_asked_and_not_answered_ends_with_the_resolver(void **state)
{
	struct fixture *f = *state;
	struct dns_source dns = resolver_source(f->resolver);

	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(dns.ask(dns.arg, "never.invalid-zone", DNS_A, answered, f), 0);
	// Leaks are the sanitizer's to find.
	assert_int_equal(f->n_answers, 0);
}

static void a_record_that_is_none_is_refused(void **state)
{
	static const char *const bad[] = {"this is no record"};
	struct resolver_config config = {.records = bad, .n_records = 1};
	struct fixture *f = *state;

	assert_null(resolver_new(&f->loop, &config));
	assert_int_equal(errno, EINVAL);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(addresses_come_as_their_bytes),
		CASE(a_service_comes_as_its_record),
		CASE(a_type_that_is_not_there_is_none),
		CASE(a_server_that_does_not_answer_is_a_failure),
		CASE(what_is_asked_and_not_answered_ends_with_the_resolver),
		CASE(a_record_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
