// SPDX-License-Identifier: BSD-3-Clause
// What clients of the API ask, well and badly.

#include "tests/unit/control/control_world.h"

static void a_faulty_document_is_refused_with_its_lines(void **state)
{
	json_t *reply;

	(void)state;
	reply = publish("local_domains: []\nblok: []\n", PUBLISH);
	assert_false(json_is_true(json_object_get(reply, "ok")));
	assert_string_equal(text_of(reply, "outcome"), "faulty");
	assert_non_null(
		strstr(json_string_value(json_array_get(json_object_get(reply, "errors"), 1)),
			"doc.yaml:2: "));
	json_decref(reply);
	expect_status(false, 0, 0, false);
}

static void explain_says_what_policy_decide_says(void **state)
{
	static const char *const names[] = {"contoso.example", "sub.CONTOSO.example.",
		"fabrikam.example", "x.fabrikam.example", "evil.example", "a.evil.example",
		"sip.spam-7.example", "stranger.example", "a..b"};
	const size_t n = sizeof(names) / sizeof(names[0]);
	struct compiled compiled;

	(void)state;
	expect_outcome(publish(TEST_DOCUMENT, PUBLISH), true, "stored", 1);
	test_compile(1, &compiled);
	for (size_t i = 0; i < n * n * 2; i++) {
		const char *from = names[i / 2 % n], *to = names[i / 2 / n];
		const struct policy_query q = {.from = view_string(from),
			.to = view_string(to),
			.side = i % 2 ? SIDE_OUTSIDE : SIDE_INSIDE};
		struct verdict v;
		char request[512];
		json_t *reply, *rule;

		replica_decide(compiled.replica, &q, &v);
		snprintf(request, sizeof(request),
			"{\"command\":\"explain\",\"from\":\"sip:alice@%s\",\"to\":\"%s\","
			"\"side\":\"%s\",\"method\":\"MESSAGE\"}",
			from, to, i % 2 ? "outside" : "inside");
		reply = ask(request);
		assert_true(json_is_true(json_object_get(reply, "ok")));
		assert_int_equal(json_is_true(json_object_get(reply, "allowed")), v.allowed);
		assert_string_equal(text_of(reply, "reason"), reason_name(v.reason));
		assert_int_equal(number_of(reply, "generation"), 1);
		rule = json_object_get(reply, "rule");
		assert_int_equal(json_is_null(rule), v.rule == IMAGE_RULE_NONE);
		if (v.rule != IMAGE_RULE_NONE)
			assert_int_equal(number_of(rule, "line"), image_rule_line(v.rule));
		json_decref(reply);
	}
	compiled_close(&compiled);
}

static void explain_takes_the_side_and_the_source_into_account(void **state)
{
	static const struct {
		const char *request, *reason;
	} rows[] = {
		{"\"from\":\"contoso.example\",\"to\":\"fabrikam.example\"", "allowed_partner"},
		{"\"from\":\"sip:a@contoso.example;x=y\",\"to\":\"b@fabrikam.example\"",
			"allowed_partner"},
		{"\"from\":\"fabrikam.example\",\"to\":\"contoso.example\"", "allowed_partner"},
		{"\"from\":\"fabrikam.example\",\"to\":\"contoso.example\",\"side\":\"inside\"",
			"from_remote_inside"},
		{"\"from\":\"contoso.example\",\"to\":\"fabrikam.example\",\"side\":\"outside\"",
			"from_local_outside"},
		{"\"from\":\"fabrikam.example\",\"to\":\"contoso.example\",\"source\":\"192.0.2."
		 "2\"",
			"allowed_partner"},
		{"\"from\":\"fabrikam.example\",\"to\":\"contoso.example\",\"source\":\"192.0.2."
		 "3\"",
			"source_undeclared"},
	};

	(void)state;
	expect_outcome(publish(TEST_DOCUMENT, PUBLISH), true, "stored", 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char request[512];
		json_t *reply;

		snprintf(request, sizeof(request), "{\"command\":\"explain\",%s}", rows[i].request);
		reply = ask(request);
		assert_string_equal(text_of(reply, "reason"), rows[i].reason);
		json_decref(reply);
	}
}

static void explain_judges_who_a_connection_has_proved_to_be(void **state)
{
	static const char *const document =
		"certificates: [{name: e, certificate: e.pem, key: e.key}]\n"
		"tls: {trust: [system]}\n"
		"federation: {enabled: true, sip: true}\n"
		"local_domains:\n  - {domain: contoso.example, servers: ['udp:10.10.0.2']}\n"
		"partners:\n"
		"  - {name: a, discover: true}\n"
		"  - {name: b, next_hops: ['tls:sip.b.example']}\n"
		"  - {name: c, next_hops: ['tls:192.0.2.1'], fingerprints: ['"
		"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff']}\n"
		"allow:\n"
		"  - {domain: a.example, partner: a}\n"
		"  - {domain: b.example, partner: b}\n"
		"  - {domain: c.example, partner: c}\n";
	static const struct {
		const char *from, *as, *reason;
	} rows[] = {
		{"a.example", "a.example", "allowed_partner"},
		{"a.example", "A.Example.", "allowed_partner"},
		{"x.a.example", "a.example", "identity_unproved"},
		{"a.example", "sip.b.example", "identity_unproved"},
		{"b.example", "sip.b.example", "allowed_partner"},
		{"b.example", "b.example", "identity_unproved"},
		{"c.example", "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF",
			"allowed_partner"},
		{"c.example",
			"00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:"
			"88:"
			"99:AA:BB:CC:DD:EE:FF",
			"allowed_partner"},
		{"c.example", "c.example", "identity_unproved"},
	};
	json_t *reply;

	(void)state;
	expect_outcome(publish(document, PUBLISH), true, "stored", 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char request[512];

		snprintf(request, sizeof(request),
			"{\"command\":\"explain\",\"from\":\"%s\",\"to\":\"contoso.example\","
			"\"as\":\"%s\"}",
			rows[i].from, rows[i].as);
		reply = ask(request);
		assert_string_equal(text_of(reply, "reason"), rows[i].reason);
		json_decref(reply);
	}
	reply = ask("{\"command\":\"explain\",\"from\":\"a.example\",\"to\":\"contoso.example\","
		    "\"as\":\"192.0.2.1\"}");
	assert_non_null(strstr(text_of(reply, "error"), "as: "));
	json_decref(reply);
	reply = ask(
		"{\"command\":\"explain\",\"from\":\"contoso.example\",\"to\":\"x.A.example\"}");
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(reply, "next_hops"), 0)),
		"tls: servers of x.a.example by DNS");
	json_decref(reply);
	reply = ask("{\"command\":\"explain\",\"from\":\"contoso.example\",\"to\":\"b.example\"}");
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(reply, "next_hops"), 0)),
		"tls:sip.b.example:5061");
	json_decref(reply);
}

static void counters_are_summed_by_name(void **state)
{
	json_t *reply;

	(void)state;
	reply = ask("{\"command\":\"counters\"}");
	assert_string_equal(text_of(reply, "error"), "no dataplane is attached");
	json_decref(reply);
	attach();
	reply = ask("{\"command\":\"counters\"}");
	assert_int_equal(number_of(json_object_get(reply, "counters"), "from_blocked"), 5);
	assert_int_equal(number_of(json_object_get(reply, "counters"), "to_blocked"), 0);
	json_decref(reply);
}

#define TCP_DOCUMENT                                                   \
	"local_domains:\n"                                             \
	"  - {domain: contoso.example, servers: [\"udp:10.0.0.2\"]}\n" \
	"partners:\n"                                                  \
	"  - {name: p, next_hops: [\"tcp:192.0.2.2\"]}\n"

static struct link_target tcp_target(const char *text)
{
	struct link_target t = {0};

	assert_int_equal(endpoint_parse(view_string(text), 5060, TRANSPORT_TCP, &t.remote), 0);
	return t;
}

// What a worker says; then turns until control has answered n times.
static void say(struct link_message *m, unsigned n)
{
	uint64_t deadline = uv_hrtime() + DEADLINE_NS;

	m->epoch = c.dataplane.epoch;
	assert_int_equal(link_push(&c.dataplane.to_control, m), 0);
	while (c.dataplane.n_heard < n) {
		turn();
		assert_true(uv_hrtime() < deadline);
	}
}

static void want(const char *text, enum link_type answer)
{
	struct link_message m = {.type = LINK_TARGET_WANTED, .n_bytes = LINK_BYTES_TARGET_WANTED};

	m.target_wanted.target = tcp_target(text);
	say(&m, c.dataplane.n_heard + 1);
	assert_null(link_message_check(&c.dataplane.heard, LINK_TO_WORKER, c.dataplane.epoch));
	assert_int_equal(c.dataplane.heard.type, answer);
	assert_memory_equal(&c.dataplane.heard.target_open.target, &m.target_wanted.target,
		sizeof(struct link_target));
}

static void a_worker_may_connect_to_what_is_published_and_to_nothing_else(void **state)
{
	(void)state;
	attach();
	want("192.0.2.2", LINK_TARGET_REFUSED);
	expect_outcome(publish(TCP_DOCUMENT, PUBLISH), true, "done", 1);
	want("192.0.2.2", LINK_TARGET_OPEN);
	want("192.0.2.3", LINK_TARGET_REFUSED);
	expect_outcome(publish(TEST_DOCUMENT, PUBLISH), true, "done", 2);
	want("192.0.2.2", LINK_TARGET_REFUSED);
}

static void what_becomes_of_connections_is_shown(void **state)
{
	struct link_message m = {.type = LINK_TARGET_STATE, .n_bytes = LINK_BYTES_TARGET_STATE};
	json_t *reply, *row;

	(void)state;
	attach();
	expect_outcome(publish(TCP_DOCUMENT, PUBLISH), true, "done", 1);
	want("192.0.2.2", LINK_TARGET_OPEN);
	m.target_state.target = tcp_target("192.0.2.2");
	m.target_state.state = LINK_TARGET_FAILED;
	m.target_state.reason = REASON_tcp_refused;
	say(&m, 0);
	want("192.0.2.2", LINK_TARGET_REFUSED);
	reply = ask("{\"command\":\"targets\"}");
	row = json_array_get(json_object_get(reply, "targets"), 0);
	assert_string_equal(text_of(row, "target"), "192.0.2.2:5060");
	assert_string_equal(text_of(row, "listener_name"), "outside4");
	assert_string_equal(text_of(row, "reason"), "tcp_refused");
	assert_int_equal(number_of(row, "up"), 0);
	assert_int_equal(number_of(row, "failures"), 1);
	assert_int_equal(number_of(row, "failed"), 1);
	assert_in_range(number_of(row, "back_off_ms"), 1, 1250);
	assert_int_equal(json_array_size(json_object_get(reply, "targets")), 1);
	json_decref(reply);
}

static void another_attachment_forgets_connections_and_keeps_the_back_off(void **state)
{
	struct link_message m = {.type = LINK_TARGET_STATE, .n_bytes = LINK_BYTES_TARGET_STATE};
	uint64_t deadline = uv_hrtime() + DEADLINE_NS;
	json_t *reply, *row;

	(void)state;
	attach();
	expect_outcome(publish(TCP_DOCUMENT, PUBLISH), true, "done", 1);
	m.target_state.target = tcp_target("192.0.2.2");
	m.target_state.state = LINK_TARGET_UP;
	say(&m, 0);
	m.target_state.target.slot = 1;
	m.target_state.state = LINK_TARGET_FAILED;
	m.target_state.reason = REASON_tcp_timed_out;
	say(&m, 0);
	want("192.0.2.2", LINK_TARGET_REFUSED);
	fake_detach(&c.dataplane);
	while (c.dataplane.control < 0 || publisher_generation(c.publisher) == 0) {
		turn();
		assert_true(uv_hrtime() < deadline);
	}
	want("192.0.2.2", LINK_TARGET_REFUSED);
	reply = ask("{\"command\":\"targets\"}");
	row = json_array_get(json_object_get(reply, "targets"), 0);
	assert_int_equal(number_of(row, "up"), 0);
	assert_int_equal(number_of(row, "opened"), 1);
	json_decref(reply);
}

static void hits_tell_the_busiest_entries_first(void **state)
{
	const struct image *image;
	json_t *reply, *rows;
	size_t n_names;

	(void)state;
	reply = ask("{\"command\":\"hits\"}");
	assert_string_equal(text_of(reply, "error"), "no dataplane is attached");
	json_decref(reply);
	attach();
	expect_outcome(publish(TEST_DOCUMENT, PUBLISH), true, "done", 1);
	image = replica_image(publisher_replica(c.publisher));
	n_names = image_info(image)->n_names;
	c.dataplane.n_hits = n_names + image_info(image)->n_patterns;
	assert_int_equal(c.dataplane.n_hits, 4);
	// Each name more than the one before it, and the pattern most of all.
	for (size_t i = 0; i < c.dataplane.n_hits; i++)
		c.dataplane.hits[i] = i * 10;
	reply = ask("{\"command\":\"hits\",\"top\":2}");
	assert_int_equal(number_of(reply, "generation"), 1);
	rows = json_object_get(reply, "hits");
	assert_int_equal(json_array_size(rows), 2);
	assert_int_equal(number_of(json_array_get(rows, 0), "hits"), 30);
	assert_non_null(strstr(text_of(json_array_get(rows, 0), "entry"), "spam"));
	assert_string_equal(text_of(json_array_get(rows, 0), "list"), "block");
	assert_int_equal(number_of(json_object_get(json_array_get(rows, 0), "rule"), "line"), 10);
	assert_int_equal(number_of(json_array_get(rows, 1), "hits"), 20);
	json_decref(reply);
	// What has none is not listed.
	reply = ask("{\"command\":\"hits\"}");
	assert_int_equal(json_array_size(json_object_get(reply, "hits")), 3);
	json_decref(reply);
}

static void hits_of_another_revision_are_not_given_to_names(void **state)
{
	json_t *reply;

	(void)state;
	attach();
	expect_outcome(publish(TEST_DOCUMENT, PUBLISH), true, "done", 1);
	c.dataplane.n_hits = 4;
	c.dataplane.generation = 7;
	reply = ask("{\"command\":\"hits\"}");
	assert_non_null(strstr(text_of(reply, "error"), "another revision"));
	json_decref(reply);
	// Nor a number of entries that the image does not have.
	c.dataplane.generation = 1;
	c.dataplane.n_hits = 3;
	reply = ask("{\"command\":\"hits\"}");
	assert_false(json_is_true(json_object_get(reply, "ok")));
	json_decref(reply);
}

static void the_history_tells_who_published_what(void **state)
{
	json_t *reply, *row;

	(void)state;
	expect_outcome(publish(TEST_DOCUMENT,
			       "{\"command\":\"publish\",\"name\":\"a.yaml\",\"comment\":\"why\"}"),
		true, "stored", 1);
	reply = ask("{\"command\":\"revisions\"}");
	row = json_array_get(json_object_get(reply, "revisions"), 0);
	assert_int_equal(number_of(row, "number"), 1);
	assert_int_equal(number_of(row, "uid"), geteuid());
	assert_string_equal(text_of(row, "comment"), "why");
	assert_string_equal(text_of(row, "name"), "a.yaml");
	json_decref(reply);
	reply = ask("{\"command\":\"document\"}");
	assert_string_equal(text_of(reply, "document"), TEST_DOCUMENT);
	json_decref(reply);
	reply = ask("{\"command\":\"document\",\"revision\":9}");
	assert_string_equal(text_of(reply, "error"), "there is no revision 9");
	json_decref(reply);
}

static void a_malformed_frame_ends_the_connection(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} rows[] = {
		{"\0\0\0\0", 4},
		{"\0\0\0\1x", 5},
		{"\xff\xff\xff\xff", 4},
		{"\0\1\0\1", 4}, // one more than the limit
		{"\0\0\0\2[]", 6},
		{"\0\0\0\4null", 8},
		{"\0\0\0\4{\"a\"", 8},
		{"\0\0\0\15{\"a\":1,\"a\":2}", 17},
		{"\0\0\0\16{\"a\":\"\\u0000\"}", 18},
		{"GET / HTTP/1.0\r\n\r\n", 18},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int client = connect_client();
		uint8_t byte;

		send_raw(client, rows[i].bytes, rows[i].n, NULL, 0);
		assert_false(receive(client, &byte, 1));
		close(client);
	}
}

static void a_request_that_makes_no_sense_is_refused_and_the_next_is_served(void **state)
{
	static const char *const rows[] = {
		"{}",
		"{\"command\":7}",
		"{\"command\":\"halt\"}",
		"{\"command\":\"revisions\",\"top\":-1}",
		"{\"command\":\"revisions\",\"top\":\"1\"}",
		"{\"command\":\"revisions\",\"top\":1000000}",
		"{\"command\":\"explain\"}",
		"{\"command\":\"explain\",\"from\":[],\"to\":\"x\"}",
		"{\"command\":\"publish\"}",
		"{\"command\":\"publish\",\"comment\":\"\\u001b[2J\"}",
		"{\"command\":\"publish\",\"wait\":1}",
		"{\"command\":\"document\",\"revision\":0.5}",
	};
	int client = connect_client();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *reply;

		send_request(client, rows[i], NULL, 0);
		reply = receive_reply(client);
		if (!json_is_false(json_object_get(reply, "ok")))
			fail_msg("accepted: %s", rows[i]);
		assert_true(strlen(text_of(reply, "error")) > 0);
		json_decref(reply);
	}
	close(client);
}

static void a_client_that_goes_away_in_the_middle_harms_nobody(void **state)
{
	int client = connect_client(), fd = test_text_fd(TEST_DOCUMENT);

	(void)state;
	send_raw(client, "\0\0\0\40{\"comm", 10, NULL, 0);
	turn();
	close(client);
	client = connect_client();
	send_request(client, PUBLISH, &fd, 1);
	close(fd);
	turn();
	turn();
	close(client);
	// Its publication goes on without it.
	for (uint64_t deadline = uv_hrtime() + DEADLINE_NS;
		publisher_replica(c.publisher) == NULL;) {
		turn();
		assert_true(uv_hrtime() < deadline);
	}
	expect_status(false, 0, 1, false);
}

static void more_clients_than_the_limit_are_turned_away(void **state)
{
	int clients[API_CLIENTS_MAX], ends[2];
	uint8_t byte;

	(void)state;
	for (int i = 0; i < API_CLIENTS_MAX; i++)
		clients[i] = connect_client();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(api_serve(c.api, ends[0]), -EMFILE);
	assert_int_equal(recv(ends[1], &byte, 1, 0), 0);
	close(ends[1]);
	for (int i = 0; i < API_CLIENTS_MAX; i++)
		close(clients[i]);
	turn();
	turn();
	expect_status(false, 0, 0, false);
}

static void descriptors_that_nobody_asked_for_are_closed(void **state)
{
	int client = connect_client(), fd = test_text_fd("x"), before = dup(fd);
	json_t *reply;

	(void)state;
	close(before);
	for (int i = 0; i < 20; i++) {
		send_request(client, "{\"command\":\"status\"}", &fd, 1);
		reply = receive_reply(client);
		assert_string_equal(text_of(reply, "error"), "status takes no descriptors");
		json_decref(reply);
	}
	// The lowest free number is what it was.
	fd = dup(fd);
	assert_true(fd <= before);
	close(fd);
	close(client);
}

static void a_stranger_may_read_but_not_publish(void **state)
{
	int client, fd;
	json_t *reply;

	(void)state;
	if (geteuid() != 0)
		skip();
	// A socket pair remembers who made it.
	assert_int_equal(seteuid(65534), 0);
	client = -1;
	{
		int ends[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
		assert_int_equal(seteuid(0), 0);
		assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
		assert_int_equal(api_serve(c.api, ends[0]), 0);
		client = ends[1];
	}
	fd = test_text_fd(TEST_DOCUMENT);
	send_request(client, PUBLISH, &fd, 1);
	close(fd);
	reply = receive_reply(client);
	assert_string_equal(text_of(reply, "error"), "uid 65534 may not publish");
	json_decref(reply);
	send_request(client, "{\"command\":\"status\"}", NULL, 0);
	reply = receive_reply(client);
	assert_true(json_is_true(json_object_get(reply, "ok")));
	json_decref(reply);
	close(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_faulty_document_is_refused_with_its_lines),
		TEST(explain_says_what_policy_decide_says),
		TEST(explain_takes_the_side_and_the_source_into_account),
		TEST(explain_judges_who_a_connection_has_proved_to_be),
		TEST(counters_are_summed_by_name),
		TEST(a_worker_may_connect_to_what_is_published_and_to_nothing_else),
		TEST(what_becomes_of_connections_is_shown),
		TEST(another_attachment_forgets_connections_and_keeps_the_back_off),
		TEST(hits_tell_the_busiest_entries_first),
		TEST(hits_of_another_revision_are_not_given_to_names),
		TEST(the_history_tells_who_published_what),
		TEST(a_malformed_frame_ends_the_connection),
		TEST(a_request_that_makes_no_sense_is_refused_and_the_next_is_served),
		TEST(a_client_that_goes_away_in_the_middle_harms_nobody),
		TEST(more_clients_than_the_limit_are_turned_away),
		TEST(descriptors_that_nobody_asked_for_are_closed),
		TEST(a_stranger_may_read_but_not_publish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
