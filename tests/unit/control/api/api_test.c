// SPDX-License-Identifier: BSD-3-Clause
// Control as fedctl and the dataplane see it: the API at one end, a fake dataplane at the other,
// store and publisher between them as they are.

#include "control/api/api.h"
#include "control/api/frame.h"

#include "tests/unit/control/fake_dataplane.h"
#include "tests/unit/control/image.h"

#include <errno.h>
#include <jansson.h>

#define DEADLINE_NS UINT64_C(20000000000)

struct control {
	char folder[64], state[80], socket[80];
	uv_loop_t loop;
	struct store *store;
	struct publisher *publisher;
	struct api *api;
	struct fake_dataplane dataplane;
	bool has_dataplane;
};

static struct control c;

static void start(void)
{
	struct api_settings settings = {.loop = &c.loop, .publishers = API_NO_GROUP};
	char error[REVISIONS_ERROR_BYTES];

	c.store = store_open(c.state, error);
	assert_non_null(c.store);
	assert_int_equal(uv_loop_init(&c.loop), 0);
	c.publisher = publisher_new(&c.loop, c.store, c.socket);
	assert_non_null(c.publisher);
	settings.store = c.store;
	settings.publisher = c.publisher;
	c.api = api_new(&settings, -1);
	assert_non_null(c.api);
}

static void stop(void)
{
	api_stop(c.api);
	publisher_stop(c.publisher);
	uv_run(&c.loop, UV_RUN_DEFAULT);
	api_free(c.api);
	publisher_free(c.publisher);
	assert_int_equal(uv_loop_close(&c.loop), 0);
	store_close(c.store);
}

static int set_up(void **state)
{
	(void)state;
	memset(&c, 0, sizeof(c));
	strcpy(c.folder, "/tmp/fedrelay-api-XXXXXX");
	if (mkdtemp(c.folder) == NULL)
		return -1;
	snprintf(c.state, sizeof(c.state), "%s/state", c.folder);
	snprintf(c.socket, sizeof(c.socket), "%s/dp.sock", c.folder);
	start();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	stop();
	if (c.has_dataplane)
		fake_close(&c.dataplane);
	test_remove_files(AT_FDCWD, c.folder);
	return 0;
}

static void turn(void)
{
	uv_run(&c.loop, UV_RUN_NOWAIT);
	if (c.has_dataplane)
		fake_poll(&c.dataplane);
}

// A client's end of a connection.
static int connect_client(void)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(api_serve(c.api, ends[0]), 0);
	return ends[1];
}

static void send_raw(int client, const void *bytes, size_t n, const int fds[], size_t n_fds)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(FRAME_FDS_MAX * sizeof(int))] = {0};
	struct iovec iov = {(void *)(uintptr_t)bytes, n};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n_fds > 0) {
		struct cmsghdr *h = (struct cmsghdr *)control;

		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(h), fds, n_fds * sizeof(int));
	}
	assert_int_equal(sendmsg(client, &m, MSG_NOSIGNAL), n);
}

static void send_request(int client, const char *json, const int fds[], size_t n_fds)
{
	uint8_t header[FRAME_HEADER_BYTES];

	wire_put32(header, (uint32_t)strlen(json));
	send_raw(client, header, sizeof(header), fds, n_fds);
	send_raw(client, json, strlen(json), NULL, 0);
}

// n bytes, turning control meanwhile. False: control closed the connection.
static bool receive(int client, void *bytes, size_t n)
{
	uint64_t deadline = uv_hrtime() + DEADLINE_NS;
	size_t got = 0;

	while (got < n) {
		ssize_t r = recv(client, (uint8_t *)bytes + got, n - got, 0);

		if (r == 0 || (r < 0 && errno == ECONNRESET))
			return false;
		if (r > 0)
			got += (size_t)r;
		else
			turn();
		assert_true(uv_hrtime() < deadline);
	}
	return true;
}

static json_t *receive_reply(int client)
{
	uint8_t header[FRAME_HEADER_BYTES];
	json_t *reply;
	size_t n;
	char *text;

	assert_true(receive(client, header, sizeof(header)));
	assert_true(frame_decode(header, FRAME_REPLY_BYTES_MAX, &n));
	text = malloc(n);
	assert_non_null(text);
	assert_true(receive(client, text, n));
	reply = json_loadb(text, n, 0, NULL);
	free(text);
	assert_true(json_is_object(reply));
	return reply;
}

static json_t *ask(const char *json)
{
	int client = connect_client();
	json_t *reply;

	send_request(client, json, NULL, 0);
	reply = receive_reply(client);
	close(client);
	return reply;
}

static json_t *publish(const char *document, const char *json)
{
	int client = connect_client(), fd = test_text_fd(document);
	json_t *reply;

	send_request(client, json, &fd, 1);
	close(fd);
	reply = receive_reply(client);
	close(client);
	return reply;
}

#define PUBLISH "{\"command\":\"publish\",\"name\":\"doc.yaml\"}"

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

static json_int_t number_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static void expect_outcome(json_t *reply, bool ok, const char *outcome, json_int_t generation)
{
	assert_int_equal(json_is_true(json_object_get(reply, "ok")), ok);
	assert_string_equal(text_of(reply, "outcome"), outcome);
	assert_int_equal(number_of(reply, "generation"), generation);
	json_decref(reply);
}

static void expect_status(bool attached, json_int_t generation, json_int_t revision, bool in_force)
{
	json_t *status = ask("{\"command\":\"status\"}");

	assert_int_equal(json_is_true(json_object_get(status, "attached")), attached);
	assert_int_equal(number_of(status, "generation"), generation);
	assert_int_equal(number_of(json_object_get(status, "revision"), "number"), revision);
	assert_int_equal(json_is_true(json_object_get(status, "in_force")), in_force);
	json_decref(status);
}

static void attach(void)
{
	uint64_t deadline = uv_hrtime() + DEADLINE_NS;
	bool attached = false;

	fake_open(&c.dataplane, c.socket);
	c.has_dataplane = true;
	while (!attached) {
		struct dataplane_status status;

		turn();
		dataplane_status(publisher_dataplane(c.publisher), &status);
		attached = status.attached;
		assert_true(uv_hrtime() < deadline);
	}
}

static void turn_until_published(unsigned n)
{
	uint64_t deadline = uv_hrtime() + DEADLINE_NS;

	while (c.dataplane.n_published < n || !publisher_in_force(c.publisher)) {
		turn();
		assert_true(uv_hrtime() < deadline);
	}
}

static void a_publication_is_proved_by_every_worker(void **state)
{
	json_t *status, *worker;

	(void)state;
	attach();
	expect_outcome(publish(TEST_DOCUMENT, PUBLISH), true, "done", 1);
	assert_int_equal(c.dataplane.n_published, 1);
	expect_status(true, 1, 1, true);
	status = ask("{\"command\":\"status\"}");
	worker =
		json_array_get(json_object_get(json_object_get(status, "dataplane"), "workers"), 0);
	assert_int_equal(number_of(worker, "generation"), 1);
	assert_int_equal(number_of(worker, "core"), 3);
	assert_true(json_is_true(json_object_get(worker, "up_to_date")));
	json_decref(status);
}

static void a_worker_that_proves_nothing_is_told(void **state)
{
	(void)state;
	attach();
	c.dataplane.silent_worker = true;
	expect_outcome(publish(TEST_DOCUMENT, "{\"command\":\"publish\",\"timeout_ms\":50}"), false,
		"not_proved", 1);
	// Who does not wait for it is answered before.
	expect_outcome(publish(TEST_DOCUMENT, "{\"command\":\"publish\",\"wait\":false}"), true,
		"done", 2);
}

static void without_a_dataplane_a_publication_is_stored_and_applied_at_attach(void **state)
{
	(void)state;
	expect_outcome(publish(TEST_DOCUMENT, PUBLISH), true, "stored", 1);
	expect_status(false, 0, 1, false);
	attach();
	turn_until_published(1);
	expect_status(true, 1, 1, true);
}

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

static void what_the_dataplane_refuses_changes_nothing(void **state)
{
	json_t *reply;

	(void)state;
	attach();
	expect_outcome(publish(TEST_DOCUMENT, PUBLISH), true, "done", 1);
	c.dataplane.refuse = "because of the test";
	reply = publish(TEST_DOCUMENT "  - {domain: fabrikam-two.example}\n", PUBLISH);
	assert_non_null(strstr(text_of(reply, "error"), "because of the test"));
	expect_outcome(reply, false, "refused", 2);
	expect_status(true, 1, 1, true);
	// The next one gets a number of its own.
	expect_outcome(publish(TEST_DOCUMENT, PUBLISH), true, "done", 3);
}

static void a_stored_publication_that_is_refused_later_gives_way_to_the_former(void **state)
{
	(void)state;
	expect_outcome(publish(TEST_DOCUMENT, PUBLISH), true, "stored", 1);
	expect_outcome(
		publish(TEST_DOCUMENT "  - {domain: b.example}\n", PUBLISH), true, "stored", 2);
	fake_open(&c.dataplane, c.socket);
	c.dataplane.refuse = "because of the test";
	c.has_dataplane = true;
	turn_until_published(2);
	expect_status(true, 1, 1, true);
}

static void a_dry_run_publishes_nothing(void **state)
{
	(void)state;
	attach();
	expect_outcome(publish(TEST_DOCUMENT, "{\"command\":\"publish\",\"dry_run\":true}"), true,
		"done", 0);
	assert_int_equal(c.dataplane.n_published, 0);
	expect_status(true, 0, 0, false);
}

static void a_restarted_control_finds_its_generation_and_publishes_nothing(void **state)
{
	uint64_t deadline = uv_hrtime() + DEADLINE_NS;

	(void)state;
	attach();
	expect_outcome(publish(TEST_DOCUMENT, PUBLISH), true, "done", 1);
	stop();
	fake_detach(&c.dataplane);
	start();
	while (!publisher_in_force(c.publisher)) {
		turn();
		assert_true(uv_hrtime() < deadline);
	}
	expect_status(true, 1, 1, true);
	assert_int_equal(c.dataplane.n_published, 1);
}

static void a_restarted_dataplane_gets_the_policy_again(void **state)
{
	(void)state;
	attach();
	expect_outcome(publish(TEST_DOCUMENT, PUBLISH), true, "done", 1);
	fake_close(&c.dataplane);
	fake_open(&c.dataplane, c.socket);
	turn_until_published(1);
	expect_status(true, 1, 1, true);
}

static void a_damaged_image_leaves_the_last_good_one_in_force(void **state)
{
	char path[128];
	uint64_t deadline = uv_hrtime() + DEADLINE_NS;
	json_t *status;
	int fd;

	(void)state;
	attach();
	expect_outcome(publish(TEST_DOCUMENT, PUBLISH), true, "done", 1);
	expect_outcome(
		publish(TEST_DOCUMENT "  - {domain: b.example}\n", PUBLISH), true, "done", 2);
	stop();
	fake_detach(&c.dataplane);
	snprintf(path, sizeof(path), "%s/images/2.image", c.state);
	fd = open(path, O_WRONLY);
	assert_int_equal(write(fd, "damage", 6), 6);
	close(fd);
	start();
	// The dataplane judges by revision 2 and keeps it; revision 1 is what is left here.
	while (publisher_generation(c.publisher) == 0) {
		turn();
		assert_true(uv_hrtime() < deadline);
	}
	for (int i = 0; i < 100; i++)
		turn();
	assert_int_equal(c.dataplane.n_published, 2);
	assert_int_equal(c.dataplane.generation, 2);
	status = ask("{\"command\":\"status\"}");
	assert_non_null(strstr(text_of(status, "trouble"), "revision 2 has a damaged image"));
	json_decref(status);
	// A dataplane that has nothing gets the last good one.
	fake_close(&c.dataplane);
	fake_open(&c.dataplane, c.socket);
	turn_until_published(1);
	assert_int_equal(c.dataplane.generation, 1);
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_publication_is_proved_by_every_worker),
		TEST(a_worker_that_proves_nothing_is_told),
		TEST(without_a_dataplane_a_publication_is_stored_and_applied_at_attach),
		TEST(a_faulty_document_is_refused_with_its_lines),
		TEST(what_the_dataplane_refuses_changes_nothing),
		TEST(a_stored_publication_that_is_refused_later_gives_way_to_the_former),
		TEST(a_dry_run_publishes_nothing),
		TEST(a_restarted_control_finds_its_generation_and_publishes_nothing),
		TEST(a_restarted_dataplane_gets_the_policy_again),
		TEST(a_damaged_image_leaves_the_last_good_one_in_force),
		TEST(explain_says_what_policy_decide_says),
		TEST(explain_takes_the_side_and_the_source_into_account),
		TEST(counters_are_summed_by_name),
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
