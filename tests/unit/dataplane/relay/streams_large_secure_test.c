// SPDX-License-Identifier: BSD-3-Clause
// Messages with bodies of their own over TLS. In this town whatever is longer than 400 bytes has
// one.

#include "tests/unit/test.h"

#include "tests/unit/dataplane/relay/tls_peer.h"

#define STRANGE_IP "203.0.113.5"
#define N_BODY     3000

static const struct town_sizes sizes = {
	.message_bytes_max = 400, .body_bytes_max = 1 << 20, .n_bodies = 8};

struct fixture {
	struct town *town;
	struct tls_peer peer;
	char body[N_BODY + 1];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct town_peer *p;

	assert_non_null(f);
	f->town = town_new_of(1, &sizes);
	p = town_connect(f->town, STRANGE_IP, TOWN_OUTSIDE_TLS, 0);
	town_run(f->town, 5);
	tls_peer_establish(&f->peer, f->town, p, RECORD_TLS13, RECORD_OPENED, "partner.example", 0);
	for (size_t i = 0; i < N_BODY; i++)
		f->body[i] = (char)('a' + (i * 7 + i / 251) % 26);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	struct streams_usage usage;

	streams_usage(f->town->workers[0].streams, &usage);
	assert_int_equal(usage.n_intakes, 0);
	assert_int_equal(usage.n_bodies, 0);
	town_free(f->town);
	tls_peer_end(&f->peer);
	free(f);
	return 0;
}

static const char *large(const struct fixture *f, unsigned cseq)
{
	return town_request(
		"MESSAGE", "partner.example", "local.example", "TLS " STRANGE_IP, cseq, f->body);
}

static const char *small(unsigned cseq)
{
	return town_request(
		"MESSAGE", "partner.example", "local.example", "TLS " STRANGE_IP, cseq, "small");
}

// A record with the next n bytes of text, or what is left.
static const char *say_part(struct fixture *f, const char *text, size_t n)
{
	char part[N_BODY + 1000];
	size_t left = strlen(text);

	if (n > left)
		n = left;
	memcpy(part, text, n);
	part[n] = '\0';
	tls_peer_say(&f->peer, part);
	return text + n;
}

static const struct town_peer *callee_of(struct fixture *f)
{
	const struct town_peer *callee = town_accepted(f->town, "10.0.0.10", 0);

	assert_non_null(callee);
	return callee;
}

static void check(struct fixture *f, unsigned n_large, unsigned n_small)
{
	const struct town_peer *callee = callee_of(f);

	assert_int_equal(town_count(callee->text, "MESSAGE sip:"), n_large + n_small);
	assert_int_equal(town_count(callee->text, f->body), n_large);
	assert_int_equal(town_count(callee->text, "\r\n\r\nsmall"), n_small);
}

static void a_large_message_may_be_cut_in_two_records_anywhere(void **state)
{
	struct fixture *f = *state;
	size_t n = strlen(large(f, 1));
	unsigned n_said = 0;

	for (size_t cut = 1; cut < n; cut += cut < 350 || cut > n - 4 ? 1 : 97) {
		const char *rest = say_part(f, large(f, 1), cut);

		say_part(f, rest, n);
		tls_peer_say(&f->peer, small(2));
		n_said++;
	}
	check(f, n_said, n_said);
}

static void its_records_may_be_of_any_length(void **state)
{
	static const size_t lengths[] = {1, 7, 100, 1000};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		const char *text = large(f, 1);

		while (*text != '\0')
			text = say_part(f, text, lengths[i]);
	}
	check(f, 4, 0);
}

static void what_follows_in_the_same_record_follows_it(void **state)
{
	struct fixture *f = *state;
	char all[8000];

	snprintf(all, sizeof(all), "%s%s%s%s", small(1), large(f, 2), small(3), large(f, 4));
	tls_peer_say(&f->peer, all);
	town_run(f->town, 20);
	check(f, 2, 2);
	assert_int_equal(town_counter(f->town, REASON_sip_request_relayed), 4);
}

static void a_large_answer_returns_as_one_message(void **state)
{
	struct fixture *f = *state;
	struct town *t = f->town;
	const struct link_session_is *is = &t->workers[0].listed;
	struct link_message m;
	char text[N_BODY + 2000];
	const char *answer, *end;

	tls_peer_say(&f->peer, small(1));
	answer = town_response(callee_of(f)->text, "200 OK");
	end = strstr(answer, "Content-Length: 0");
	assert_non_null(end);
	snprintf(text, sizeof(text), "%.*sContent-Length: %u\r\n\r\n%s", (int)(end - answer),
		answer, N_BODY, f->body);
	for (unsigned i = 0; i < 2; i++) {
		town_say(t, town_accepted(t, "10.0.0.10", 0), text);
		town_run(t, 20);
	}
	assert_int_equal(town_count(tls_peer_read(&f->peer), "SIP/2.0 200 OK"), 2);
	assert_int_equal(town_count(tls_peer_read(&f->peer), f->body), 2);
	link_message_init(&m, LINK_SESSIONS_WANTED);
	streams_hear(t->workers[0].streams, &m, t->now);
	assert_int_equal(is->n_sent, 2);
	assert_int_equal(is->n_received, 1);
}

static void a_session_that_ends_within_a_body_harms_nobody(void **state)
{
	struct fixture *f = *state;

	say_part(f, large(f, 1), 2000);
	tls_peer_finish(&f->peer);
	town_run(f->town, 20);
	assert_int_equal(town_counter(f->town, REASON_sip_stream_cut), 1);
	assert_null(town_accepted(f->town, "10.0.0.10", 0));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_large_message_may_be_cut_in_two_records_anywhere),
		TEST(its_records_may_be_of_any_length),
		TEST(what_follows_in_the_same_record_follows_it),
		TEST(a_large_answer_returns_as_one_message),
		TEST(a_session_that_ends_within_a_body_harms_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
