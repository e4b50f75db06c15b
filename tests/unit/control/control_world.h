// SPDX-License-Identifier: BSD-3-Clause
// Control as fedctl and the dataplane see it: the API at one end, a fake dataplane at the other,
// store and publisher between them as they are.

#pragma once

#include "control/api/api.h"
#include "control/api/frame.h"
#include "control/target/serve.h"

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
	struct target_server *targets;
	struct session_server *sessions;
	struct trials *trials;
	struct api *api;
	struct fake_dataplane dataplane;
	bool has_dataplane;
};

static struct control c;

// By which certificates are judged: in January 2027.
static inline int64_t world_now_s(void)
{
	return INT64_C(1800000000);
}

static inline void start(void)
{
	struct api_settings settings = {.loop = &c.loop, .publishers = API_NO_GROUP};
	struct session_server_config sessions = {
		.loop = &c.loop, .n_threads = 1, .now_s = world_now_s};
	struct trials_config trials = {.loop = &c.loop};
	char error[REVISIONS_ERROR_BYTES];

	c.store = store_open(c.state, error);
	assert_non_null(c.store);
	assert_int_equal(uv_loop_init(&c.loop), 0);
	c.publisher = publisher_new(&c.loop, c.store, c.socket);
	assert_non_null(c.publisher);
	settings.store = c.store;
	settings.publisher = c.publisher;
	c.targets = target_server_new(c.publisher, NULL);
	assert_non_null(c.targets);
	settings.targets = target_server_targets(c.targets);
	sessions.publisher = c.publisher;
	c.sessions = session_server_new(&sessions);
	assert_non_null(c.sessions);
	settings.sessions = c.sessions;
	trials.publisher = c.publisher;
	trials.targets = c.targets;
	trials.sessions = c.sessions;
	c.trials = trials_new(&trials);
	assert_non_null(c.trials);
	settings.trials = c.trials;
	c.api = api_new(&settings, -1);
	assert_non_null(c.api);
}

static inline void stop(void)
{
	api_stop(c.api);
	trials_stop(c.trials);
	session_server_stop(c.sessions);
	publisher_stop(c.publisher);
	uv_run(&c.loop, UV_RUN_DEFAULT);
	api_free(c.api);
	trials_free(c.trials);
	session_server_free(c.sessions);
	target_server_free(c.targets);
	publisher_free(c.publisher);
	assert_int_equal(uv_loop_close(&c.loop), 0);
	store_close(c.store);
}

static inline int set_up(void **state)
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

static inline int tear_down(void **state)
{
	(void)state;
	stop();
	if (c.has_dataplane)
		fake_close(&c.dataplane);
	test_remove_files(AT_FDCWD, c.folder);
	return 0;
}

static inline void turn(void)
{
	uv_run(&c.loop, UV_RUN_NOWAIT);
	if (c.has_dataplane)
		fake_poll(&c.dataplane);
}

// A client's end of a connection.
static inline int connect_client(void)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(api_serve(c.api, ends[0]), 0);
	return ends[1];
}

static inline void send_raw(int client, const void *bytes, size_t n, const int fds[], size_t n_fds)
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

static inline void send_request(int client, const char *json, const int fds[], size_t n_fds)
{
	uint8_t header[FRAME_HEADER_BYTES];

	wire_put32(header, (uint32_t)strlen(json));
	send_raw(client, header, sizeof(header), fds, n_fds);
	send_raw(client, json, strlen(json), NULL, 0);
}

// n bytes, turning control meanwhile. False: control closed the connection.
static inline bool receive(int client, void *bytes, size_t n)
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

static inline json_t *receive_reply(int client)
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

static inline json_t *ask(const char *json)
{
	int client = connect_client();
	json_t *reply;

	send_request(client, json, NULL, 0);
	reply = receive_reply(client);
	close(client);
	return reply;
}

static inline json_t *publish(const char *document, const char *json)
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

static inline const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

static inline json_int_t number_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static inline void expect_outcome(
	json_t *reply, bool ok, const char *outcome, json_int_t generation)
{
	assert_int_equal(json_is_true(json_object_get(reply, "ok")), ok);
	assert_string_equal(text_of(reply, "outcome"), outcome);
	assert_int_equal(number_of(reply, "generation"), generation);
	json_decref(reply);
}

static inline void expect_status(
	bool attached, json_int_t generation, json_int_t revision, bool in_force)
{
	json_t *status = ask("{\"command\":\"status\"}");

	assert_int_equal(json_is_true(json_object_get(status, "attached")), attached);
	assert_int_equal(number_of(status, "generation"), generation);
	assert_int_equal(number_of(json_object_get(status, "revision"), "number"), revision);
	assert_int_equal(json_is_true(json_object_get(status, "in_force")), in_force);
	json_decref(status);
}

static inline void attach_with(enum transport transport)
{
	uint64_t deadline = uv_hrtime() + DEADLINE_NS;
	bool attached = false;

	fake_open(&c.dataplane, c.socket);
	c.dataplane.transport = transport;
	c.has_dataplane = true;
	while (!attached) {
		struct dataplane_status status;

		turn();
		dataplane_status(publisher_dataplane(c.publisher), &status);
		attached = status.attached;
		assert_true(uv_hrtime() < deadline);
	}
}

static inline void attach(void)
{
	attach_with(TRANSPORT_UDP);
}

static inline void turn_until_published(unsigned n)
{
	uint64_t deadline = uv_hrtime() + DEADLINE_NS;

	while (c.dataplane.n_published < n || !publisher_in_force(c.publisher)) {
		turn();
		assert_true(uv_hrtime() < deadline);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
