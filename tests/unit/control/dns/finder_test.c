// SPDX-License-Identifier: BSD-3-Clause
// Where a name's servers are, by a DNS and a clock of the test's.

#include "tests/unit/test.h"

#include "control/dns/finder.h"

#include <errno.h>

#define SECOND        UINT64_C(1000000000)
#define QUESTIONS_MAX 64
#define RESULTS_MAX   64

struct asked {
	char name[DNS_NAME_BYTES + 32];
	enum dns_type type;
	dns_done_fn *done;
	void *arg;
};

struct got {
	enum finder_outcome outcome;
	bool stale, secure;
	char service[64];
	char places[256]; // "host=address " each
};

struct fixture {
	struct finder *finder;
	uint64_t now;
	bool refuses;
	unsigned n_asked; // in all
	unsigned n_open;
	struct asked open[QUESTIONS_MAX];
	unsigned n_got;
	struct got got[RESULTS_MAX];
};

static int ask(void *arg, const char *name, enum dns_type type, dns_done_fn *done, void *done_arg)
{
	struct fixture *f = arg;
	struct asked *a = &f->open[f->n_open];

	if (f->refuses)
		return -EIO;
	assert_true(f->n_open < QUESTIONS_MAX);
	f->n_open++;
	f->n_asked++;
	snprintf(a->name, sizeof(a->name), "%s", name);
	a->type = type;
	a->done = done;
	a->arg = done_arg;
	return 0;
}

static uint64_t now_ns(void *arg)
{
	return ((struct fixture *)arg)->now;
}

static void open_finder(struct fixture *f, enum finder_order order, uint32_t n_max)
{
	struct finder_config config = {
		.dns = {.arg = f, .ask = ask},
		.order = order,
		.n_max = n_max,
		.seed = 42,
		.now_ns = now_ns,
		.arg = f,
	};

	f->finder = finder_new(&config);
	assert_non_null(f->finder);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->now = 1000 * SECOND;
	open_finder(f, FINDER_FEDERATION_FIRST, 4);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	finder_free(f->finder);
	free(f);
	return 0;
}

static void found(void *arg, const struct finder_result *r)
{
	struct fixture *f = arg;
	struct got *g = &f->got[f->n_got++ % RESULTS_MAX];
	char address[ENDPOINT_TEXT_BYTES];
	size_t n = 0;

	*g = (struct got){.outcome = r->outcome, .stale = r->stale, .secure = r->secure};
	snprintf(g->service, sizeof(g->service), "%s", r->service != NULL ? r->service : "");
	for (size_t i = 0; i < r->n_places; i++) {
		assert_int_equal(r->places[i].address.transport, TRANSPORT_TLS);
		endpoint_format(&r->places[i].address, address);
		n += (size_t)snprintf(
			g->places + n, sizeof(g->places) - n, "%s=%s ", r->places[i].host, address);
	}
}

static void find(struct fixture *f, enum hop_kind kind, const char *name, uint16_t port)
{
	assert_int_equal(finder_find(f->finder, kind, view_string(name), port, found, f), 0);
}

// Takes the open question of that name and type out; it must be there.
static struct asked take(struct fixture *f, const char *name, enum dns_type type)
{
	for (unsigned i = 0; i < f->n_open; i++) {
		struct asked a = f->open[i];

		if (strcmp(a.name, name) != 0 || a.type != type)
			continue;
		f->open[i] = f->open[--f->n_open];
		return a;
	}
	fail_msg("nobody asked for %s", name);
	abort();
}

static void say(
	struct fixture *f, const char *name, enum dns_type type, const struct dns_answer *answer)
{
	struct asked a = take(f, name, type);

	a.done(a.arg, answer);
}

static void say_outcome(
	struct fixture *f, const char *name, enum dns_type type, enum dns_outcome outcome)
{
	say(f, name, type, &(struct dns_answer){.outcome = outcome, .ttl_s = 60});
}

static void say_address(struct fixture *f, const char *name, const char *address, uint32_t ttl_s)
{
	struct ip_addr ip;
	struct view record;
	bool four;

	assert_int_equal(ip_parse(view_string(address), &ip), 0);
	four = ip.family == IP_V4;
	record = view_of(ip.bytes, four ? 4 : 16);
	say(f, name, four ? DNS_A : DNS_AAAA,
		&(struct dns_answer){.outcome = DNS_OK,
			.secure = true,
			.ttl_s = ttl_s,
			.records = &record,
			.n_records = 1});
}

// One record; host: one label of less than ten letters below .example, or "" for the root.
static void say_srv(struct fixture *f, const char *name, uint16_t priority, uint16_t port,
	const char *host, uint32_t ttl_s)
{
	uint8_t bytes[64] = {(uint8_t)(priority >> 8), (uint8_t)priority, 0, 0,
		(uint8_t)(port >> 8), (uint8_t)port};
	size_t n = 6, n_host = strlen(host);
	struct view record;

	if (n_host > 0) {
		bytes[n++] = (uint8_t)n_host;
		memcpy(bytes + n, host, n_host);
		n += n_host;
		memcpy(bytes + n, "\7example", 8);
		n += 8;
	}
	bytes[n++] = 0;
	record = view_of(bytes, n);
	say(f, name, DNS_SRV,
		&(struct dns_answer){.outcome = DNS_OK,
			.secure = true,
			.ttl_s = ttl_s,
			.records = &record,
			.n_records = 1});
}

static const struct got *last(const struct fixture *f)
{
	assert_true(f->n_got > 0);
	return &f->got[(f->n_got - 1) % RESULTS_MAX];
}

// fabrikam.example at sip.example:5061, 192.0.2.1, for ttl_s.
static void learn_fabrikam(struct fixture *f, uint32_t ttl_s)
{
	find(f, HOP_DOMAIN, "fabrikam.example", 0);
	say_srv(f, "_sipfederationtls._tcp.fabrikam.example", 0, 5061, "sip", ttl_s);
	say_outcome(f, "sip.example", DNS_AAAA, DNS_NONE);
	say_address(f, "sip.example", "192.0.2.1", ttl_s);
	assert_string_equal(last(f)->places, "sip.example=192.0.2.1:5061 ");
}

static void a_domain_is_found_by_its_federation_service(void **state)
{
	struct fixture *f = *state;

	find(f, HOP_DOMAIN, "fabrikam.example", 0);
	assert_int_equal(f->n_got, 0);
	say_srv(f, "_sipfederationtls._tcp.fabrikam.example", 0, 5065, "sip", 300);
	say_address(f, "sip.example", "2001:db8::1", 300);
	assert_int_equal(f->n_got, 0);
	say_address(f, "sip.example", "192.0.2.1", 300);
	assert_int_equal(f->n_got, 1);
	assert_int_equal(last(f)->outcome, FINDER_FOUND);
	assert_string_equal(last(f)->service, "_sipfederationtls._tcp");
	assert_string_equal(
		last(f)->places, "sip.example=[2001:db8::1]:5065 sip.example=192.0.2.1:5065 ");
	assert_true(last(f)->secure);
	assert_false(last(f)->stale);
}

static void a_domain_without_it_is_found_by_sips(void **state)
{
	struct fixture *f = *state;

	find(f, HOP_DOMAIN, "fabrikam.example", 0);
	say_outcome(f, "_sipfederationtls._tcp.fabrikam.example", DNS_SRV, DNS_NONE);
	say_srv(f, "_sips._tcp.fabrikam.example", 0, 5061, "sip", 300);
	say_outcome(f, "sip.example", DNS_AAAA, DNS_NONE);
	say_address(f, "sip.example", "192.0.2.1", 300);
	assert_string_equal(last(f)->service, "_sips._tcp");
	assert_string_equal(last(f)->places, "sip.example=192.0.2.1:5061 ");
	// The first answer was not proved.
	assert_false(last(f)->secure);
}

static void the_order_of_services_is_configurable(void **state)
{
	struct fixture *f = *state;

	finder_free(f->finder);
	open_finder(f, FINDER_SIPS_FIRST, 4);
	find(f, HOP_DOMAIN, "fabrikam.example", 0);
	assert_int_equal(f->n_open, 1);
	say_outcome(f, "_sips._tcp.fabrikam.example", DNS_SRV, DNS_NONE);
	say_outcome(f, "_sipfederationtls._tcp.fabrikam.example", DNS_SRV, DNS_NONE);
	say_outcome(f, "fabrikam.example", DNS_A, DNS_NONE);
	say_outcome(f, "fabrikam.example", DNS_AAAA, DNS_NONE);
	assert_int_equal(last(f)->outcome, FINDER_NO_SUCH);
}

static void a_domain_without_services_is_found_by_its_own_address(void **state)
{
	struct fixture *f = *state;

	find(f, HOP_DOMAIN, "fabrikam.example", 0);
	say_outcome(f, "_sipfederationtls._tcp.fabrikam.example", DNS_SRV, DNS_NONE);
	say_outcome(f, "_sips._tcp.fabrikam.example", DNS_SRV, DNS_NONE);
	say_outcome(f, "fabrikam.example", DNS_AAAA, DNS_NONE);
	say_address(f, "fabrikam.example", "192.0.2.9", 300);
	assert_string_equal(last(f)->service, "");
	assert_string_equal(last(f)->places, "fabrikam.example=192.0.2.9:5061 ");
}

// RFC 2782: a target of "." says that the service is decidedly not there.
static void a_domain_that_declines_is_not_looked_for_by_address(void **state)
{
	struct fixture *f = *state;

	find(f, HOP_DOMAIN, "fabrikam.example", 0);
	say_srv(f, "_sipfederationtls._tcp.fabrikam.example", 0, 0, "", 300);
	say_outcome(f, "_sips._tcp.fabrikam.example", DNS_SRV, DNS_NONE);
	assert_int_equal(f->n_open, 0);
	assert_int_equal(last(f)->outcome, FINDER_NO_SERVICE);
	assert_string_equal(last(f)->places, "");
}

static void a_host_with_a_port_is_asked_for_addresses_alone(void **state)
{
	struct fixture *f = *state;

	find(f, HOP_HOST, "proxy.example", 5071);
	assert_int_equal(f->n_open, 2);
	say_address(f, "proxy.example", "192.0.2.7", 300);
	say_outcome(f, "proxy.example", DNS_AAAA, DNS_NONE);
	assert_string_equal(last(f)->places, "proxy.example=192.0.2.7:5071 ");
}

static void a_host_without_a_port_is_asked_for_sips_first(void **state)
{
	struct fixture *f = *state;

	find(f, HOP_HOST, "proxy.example", 0);
	assert_int_equal(f->n_open, 1);
	say_outcome(f, "_sips._tcp.proxy.example", DNS_SRV, DNS_NONE);
	say_address(f, "proxy.example", "192.0.2.7", 300);
	say_outcome(f, "proxy.example", DNS_AAAA, DNS_NONE);
	assert_string_equal(last(f)->places, "proxy.example=192.0.2.7:5061 ");
}

static void what_is_known_is_not_asked_again_before_its_time(void **state)
{
	struct fixture *f = *state;
	unsigned n_asked;

	learn_fabrikam(f, 60);
	n_asked = f->n_asked;
	f->now += 59 * SECOND;
	find(f, HOP_DOMAIN, "fabrikam.example", 0);
	assert_int_equal(f->n_got, 2);
	assert_int_equal(f->n_asked, n_asked);
	f->now += 2 * SECOND;
	find(f, HOP_DOMAIN, "fabrikam.example", 0);
	assert_int_equal(f->n_got, 2);
	assert_int_equal(f->n_asked, n_asked + 1);
}

static void a_name_that_is_not_there_is_remembered_too(void **state)
{
	struct fixture *f = *state;

	find(f, HOP_HOST, "gone.example", 5061);
	say_outcome(f, "gone.example", DNS_A, DNS_NONE);
	say_outcome(f, "gone.example", DNS_AAAA, DNS_NONE);
	assert_int_equal(last(f)->outcome, FINDER_NO_SUCH);
	find(f, HOP_HOST, "gone.example", 5061);
	assert_int_equal(f->n_got, 2);
	assert_int_equal(f->n_open, 0);
	f->now += 61 * SECOND;
	find(f, HOP_HOST, "gone.example", 5061);
	assert_int_equal(f->n_open, 2);
}

static void all_who_wait_for_a_name_are_told_by_one_search(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 10; i++)
		find(f, HOP_HOST, "proxy.example", 5061);
	assert_int_equal(f->n_open, 2);
	say_address(f, "proxy.example", "192.0.2.7", 300);
	say_outcome(f, "proxy.example", DNS_AAAA, DNS_NONE);
	assert_int_equal(f->n_got, 10);
}

static void while_dns_is_away_what_is_known_is_served_stale(void **state)
{
	struct fixture *f = *state;

	learn_fabrikam(f, 60);
	f->now += 120 * SECOND;
	find(f, HOP_DOMAIN, "fabrikam.example", 0);
	assert_int_equal(f->n_got, 1);
	say_outcome(f, "_sipfederationtls._tcp.fabrikam.example", DNS_SRV, DNS_FAILED);
	assert_int_equal(f->n_got, 2);
	assert_true(last(f)->stale);
	assert_string_equal(last(f)->places, "sip.example=192.0.2.1:5061 ");
}

static void who_waits_for_a_slow_dns_is_served_stale_in_a_second(void **state)
{
	struct fixture *f = *state;

	learn_fabrikam(f, 60);
	f->now += 120 * SECOND;
	find(f, HOP_DOMAIN, "fabrikam.example", 0);
	f->now += SECOND / 2;
	finder_timers(f->finder);
	assert_int_equal(f->n_got, 1);
	f->now += SECOND / 2;
	finder_timers(f->finder);
	assert_int_equal(f->n_got, 2);
	assert_true(last(f)->stale);
	// Its answer is good for the next one.
	say_srv(f, "_sipfederationtls._tcp.fabrikam.example", 0, 5061, "new", 60);
	say_outcome(f, "new.example", DNS_AAAA, DNS_NONE);
	say_address(f, "new.example", "192.0.2.2", 60);
	find(f, HOP_DOMAIN, "fabrikam.example", 0);
	assert_string_equal(last(f)->places, "new.example=192.0.2.2:5061 ");
	assert_false(last(f)->stale);
}

static void what_was_known_a_day_ago_is_not_served(void **state)
{
	struct fixture *f = *state;

	learn_fabrikam(f, 60);
	f->now += (60 + FINDER_STALE_S) * SECOND;
	find(f, HOP_DOMAIN, "fabrikam.example", 0);
	say_outcome(f, "_sipfederationtls._tcp.fabrikam.example", DNS_SRV, DNS_FAILED);
	assert_int_equal(last(f)->outcome, FINDER_DNS_FAILED);
	assert_string_equal(last(f)->places, "");
}

static void who_waits_for_an_unknown_name_is_told_of_the_failure_in_time(void **state)
{
	struct fixture *f = *state;

	find(f, HOP_DOMAIN, "fabrikam.example", 0);
	f->now += 7 * SECOND;
	finder_timers(f->finder);
	assert_int_equal(f->n_got, 0);
	f->now += SECOND;
	finder_timers(f->finder);
	assert_int_equal(last(f)->outcome, FINDER_DNS_FAILED);
}

static void a_dead_dns_is_asked_ever_more_rarely(void **state)
{
	struct fixture *f = *state;
	unsigned n_asked = 0;

	// A day of somebody who asks every second.
	for (unsigned second = 0; second < 86400; second++) {
		f->now += SECOND;
		find(f, HOP_DOMAIN, "fabrikam.example", 0);
		if (f->n_open > 0) {
			n_asked++;
			say_outcome(
				f, "_sipfederationtls._tcp.fabrikam.example", DNS_SRV, DNS_FAILED);
		}
		assert_int_equal(last(f)->outcome, FINDER_DNS_FAILED);
	}
	// Once in 150 to 300 s.
	assert_in_range(n_asked, 86400 / 300, 86400 / 150 + 20);
}

static void a_lie_is_told_apart_and_nothing_stale_is_served(void **state)
{
	struct fixture *f = *state;

	learn_fabrikam(f, 60);
	f->now += 120 * SECOND;
	find(f, HOP_DOMAIN, "fabrikam.example", 0);
	say_outcome(f, "_sipfederationtls._tcp.fabrikam.example", DNS_SRV, DNS_BOGUS);
	assert_int_equal(last(f)->outcome, FINDER_BOGUS);
	assert_string_equal(last(f)->places, "");
}

static void the_longest_unused_name_gives_way(void **state)
{
	struct fixture *f = *state;
	char name[32];

	learn_fabrikam(f, 3600);
	for (unsigned i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "h%u.example", i);
		find(f, HOP_HOST, name, 5061);
		say_address(f, name, "192.0.2.7", 300);
		say_outcome(f, name, DNS_AAAA, DNS_NONE);
	}
	find(f, HOP_HOST, "h1.example", 5061);
	assert_int_equal(f->n_open, 0);
	find(f, HOP_DOMAIN, "fabrikam.example", 0);
	assert_int_equal(f->n_open, 1);
}

static void too_many_searches_at_once_are_refused(void **state)
{
	struct fixture *f = *state;
	char name[32];

	for (unsigned i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "h%u.example", i);
		find(f, HOP_HOST, name, 5061);
	}
	assert_int_equal(
		finder_find(f->finder, HOP_HOST, VIEW("one.example"), 5061, found, f), -ENOBUFS);
	assert_int_equal(f->n_got, 0);
}

static void who_has_cancelled_is_not_told(void **state)
{
	struct fixture *f = *state;

	find(f, HOP_HOST, "proxy.example", 5061);
	finder_cancel(f->finder, found, f);
	say_address(f, "proxy.example", "192.0.2.7", 300);
	say_outcome(f, "proxy.example", DNS_AAAA, DNS_NONE);
	assert_int_equal(f->n_got, 0);
}

static void a_dns_that_takes_no_question_is_a_failure(void **state)
{
	struct fixture *f = *state;

	f->refuses = true;
	find(f, HOP_DOMAIN, "fabrikam.example", 0);
	assert_int_equal(f->n_got, 1);
	assert_int_equal(last(f)->outcome, FINDER_DNS_FAILED);
}

static void a_name_that_is_none_is_refused(void **state)
{
	struct fixture *f = *state;
	char name[DNS_NAME_BYTES];

	memset(name, 'a', sizeof(name));
	assert_int_equal(finder_find(f->finder, HOP_DOMAIN, VIEW_NONE, 0, found, f), -EINVAL);
	assert_int_equal(
		finder_find(f->finder, HOP_DOMAIN, view_of(name, sizeof(name)), 0, found, f),
		-EINVAL);
	assert_int_equal(finder_find(f->finder, HOP_DOMAIN, VIEW("a\0b"), 0, found, f), -EINVAL);
}

static void an_address_of_a_wrong_length_is_left_out(void **state)
{
	struct fixture *f = *state;
	struct view record = VIEW("\xc0\0\2");

	find(f, HOP_HOST, "proxy.example", 5061);
	say(f, "proxy.example", DNS_A,
		&(struct dns_answer){.outcome = DNS_OK, .records = &record, .n_records = 1});
	say_outcome(f, "proxy.example", DNS_AAAA, DNS_NONE);
	assert_int_equal(last(f)->outcome, FINDER_NO_SUCH);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_domain_is_found_by_its_federation_service),
		CASE(a_domain_without_it_is_found_by_sips),
		CASE(the_order_of_services_is_configurable),
		CASE(a_domain_without_services_is_found_by_its_own_address),
		CASE(a_domain_that_declines_is_not_looked_for_by_address),
		CASE(a_host_with_a_port_is_asked_for_addresses_alone),
		CASE(a_host_without_a_port_is_asked_for_sips_first),
		CASE(what_is_known_is_not_asked_again_before_its_time),
		CASE(a_name_that_is_not_there_is_remembered_too),
		CASE(all_who_wait_for_a_name_are_told_by_one_search),
		CASE(while_dns_is_away_what_is_known_is_served_stale),
		CASE(who_waits_for_a_slow_dns_is_served_stale_in_a_second),
		CASE(what_was_known_a_day_ago_is_not_served),
		CASE(who_waits_for_an_unknown_name_is_told_of_the_failure_in_time),
		CASE(a_dead_dns_is_asked_ever_more_rarely),
		CASE(a_lie_is_told_apart_and_nothing_stale_is_served),
		CASE(the_longest_unused_name_gives_way),
		CASE(too_many_searches_at_once_are_refused),
		CASE(who_has_cancelled_is_not_told),
		CASE(a_dns_that_takes_no_question_is_a_failure),
		CASE(a_name_that_is_none_is_refused),
		CASE(an_address_of_a_wrong_length_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
