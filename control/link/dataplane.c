// SPDX-License-Identifier: BSD-3-Clause

#include "control/link/dataplane.h"

#include "control/link/dataplane_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TICK_MS 200
#define MS      UINT64_C(1000000)
// Messages taken before the loop gets its turn.
#define MESSAGES_A_TURN 64

static void free_connection(uv_handle_t *handle)
{
	free(handle->data);
}

static void disconnect(struct dataplane *d)
{
	struct connection *c = d->connection;

	if (c == NULL)
		return;
	d->connection = NULL;
	uv_close((uv_handle_t *)&c->poll, free_connection);
	close(c->socket);
}

static void drop_segments(struct dataplane *d)
{
	for (unsigned i = 0; i < ATTACH_WORKERS_MAX; i++) {
		link_segment_unmap(d->segments[i]);
		d->segments[i] = NULL;
	}
	d->n_segments = 0;
}

int dataplane_say(struct dataplane *d, struct attach_message *m, int fd)
{
	int error;

	m->epoch = m->type == ATTACH_CLAIM ? 0 : d->hello.epoch;
	error = attach_send(d->connection->socket, m, fd);
	if (error == 0) {
		d->said_ns = uv_hrtime();
		return 0;
	}
	// Not here: the caller may be in the midst of something.
	d->failed = error == -EAGAIN ? "the dataplane does not read its socket"
				     : "the dataplane closed its socket";
	(void)uv_async_send(&d->async);
	return error;
}

static void detach(struct dataplane *d, const char *why, int error)
{
	const bool was_attached = d->state == ATTACHED;
	char text[ATTACH_ERROR_BYTES];

	// why may lie in what goes away.
	attach_text(text, sizeof(text), why);
	memcpy(d->last_error, text, sizeof(text));
	d->failed = NULL;
	d->state = DETACHED;
	d->retry_ns = uv_hrtime() + TICK_MS * MS;
	rings_detach(d->rings);
	drop_segments(d);
	disconnect(d);
	requests_fail(&d->requests, error);
	for (unsigned i = 0; was_attached && i < d->n_hearers; i++) {
		if (d->hearers[i].is->detached != NULL)
			d->hearers[i].is->detached(d->hearers[i].arg);
	}
	if (was_attached && d->events->detached != NULL)
		d->events->detached(d->arg, text);
}

// The dataplane broke a rule: it is told, and left.
static void reject(struct dataplane *d, const char *rule)
{
	struct attach_message m = {.type = ATTACH_BYE};

	d->n_bad++;
	attach_text(m.bye.why, sizeof(m.bye.why), rule);
	m.epoch = d->hello.epoch;
	if (d->state != AWAITS_HELLO)
		(void)attach_send(d->connection->socket, &m, -1);
	detach(d, rule, -ENOTCONN);
}

static const char *hear_attached(struct dataplane *d, const struct attach_message *m, int fd)
{
	if (m->type == ATTACH_HEARTBEAT)
		return NULL;
	if (m->type == ATTACH_PUBLISHED)
		return requests_take_published(&d->requests, &m->published);
	if (m->type == ATTACH_COUNTERS)
		return requests_take_counters(&d->requests, &m->counters);
	if (m->type == ATTACH_HITS)
		return requests_take_hits(&d->requests, &m->hits, fd);
	return "a message out of place";
}

static void hear_bye(struct dataplane *d, const struct attach_bye *bye)
{
	const bool refused = d->state == AWAITS_HELLO;

	if (bye->replaced)
		d->replaced = true;
	detach(d, bye->why, -ENOTCONN);
	// What refused once will do so for a while.
	if (refused)
		d->retry_ns += ATTACH_HEARTBEAT_MS * MS;
}

static void hear(struct dataplane *d, const struct attach_message *m, int fd)
{
	const char *wrong = NULL;

	d->heard_ns = uv_hrtime();
	if (m->type == ATTACH_BYE) {
		hear_bye(d, &m->bye);
		return;
	}
	if (d->state == AWAITS_HELLO)
		wrong = m->type == ATTACH_HELLO ? introduction_take_hello(d, m) : "not a hello";
	else if (m->epoch != d->hello.epoch)
		wrong = "another attachment's epoch";
	else if (d->state == AWAITS_RINGS)
		wrong = introduction_hear(d, m, fd);
	else
		wrong = hear_attached(d, m, fd);
	if (wrong != NULL && d->connection != NULL)
		reject(d, wrong);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct connection *c = poll->data;
	struct dataplane *d = c->dataplane;

	(void)status;
	(void)events;
	// A callback of the user's may end this connection.
	for (unsigned i = 0; i < MESSAGES_A_TURN && d->connection == c; i++) {
		struct attach_message m;
		const char *rule = NULL;
		int fd, got = attach_receive(c->socket, &m, &fd, true, &rule);

		if (got == 0)
			return;
		if (got == 1)
			hear(d, &m, fd);
		else if (got == -EPROTO)
			reject(d, rule);
		else
			detach(d, "the dataplane closed its socket", -ENOTCONN);
		if (fd != -1)
			close(fd);
	}
}

static int open_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error;

	if (s < 0)
		return -errno;
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(s, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return s;
	error = -errno;
	close(s);
	return error;
}

static void claim(struct dataplane *d)
{
	struct attach_message m = {.type = ATTACH_CLAIM};

	attach_text(m.claim.version, sizeof(m.claim.version), FEDRELAY_VERSION);
	m.claim.only_if_free = d->replaced;
	(void)dataplane_say(d, &m, -1);
}

static void connect_now(struct dataplane *d)
{
	struct connection *c = calloc(1, sizeof(*c));
	int error = -ENOMEM;

	d->retry_ns = uv_hrtime() + TICK_MS * MS;
	if (c == NULL)
		goto fail;
	c->dataplane = d;
	error = c->socket = open_socket(d->path);
	if (error < 0)
		goto fail;
	error = uv_poll_init(d->loop, &c->poll, c->socket);
	if (error < 0) {
		close(c->socket);
		goto fail;
	}
	c->poll.data = c;
	d->connection = c;
	d->state = AWAITS_HELLO;
	d->heard_ns = uv_hrtime();
	(void)uv_poll_start(&c->poll, UV_READABLE | UV_DISCONNECT, on_readable);
	claim(d);
	return;
fail:
	free(c);
	snprintf(d->last_error, sizeof(d->last_error), "%.100s: %s", d->path, strerror(-error));
}

static void on_tick(uv_timer_t *tick)
{
	struct dataplane *d = tick->data;
	struct attach_message m = {.type = ATTACH_HEARTBEAT};
	const uint64_t now = uv_hrtime();

	if (d->state == DETACHED) {
		if (now >= d->retry_ns)
			connect_now(d);
		return;
	}
	if (now - d->heard_ns > ATTACH_SILENCE_MS * MS)
		detach(d, "no heartbeat from the dataplane", -ENOTCONN);
	else if (requests_overdue(&d->requests, now))
		detach(d, "the dataplane does not answer", -ETIMEDOUT);
	else if (d->state != AWAITS_HELLO && now - d->said_ns >= ATTACH_HEARTBEAT_MS * MS)
		(void)dataplane_say(d, &m, -1);
}

static void tell_generations(struct dataplane *d)
{
	struct rings_snapshot seen;

	rings_take_snapshot(d->rings, &seen);
	for (unsigned i = 0; i < seen.n_workers && d->state == ATTACHED; i++) {
		const uint64_t generation = seen.workers[i].generation;
		char text[64];

		if (seen.workers[i].broken) {
			snprintf(text, sizeof(text), "worker %u broke its ring", i);
			reject(d, text);
			return;
		}
		if (generation == d->told_generation[i])
			continue;
		d->told_generation[i] = generation;
		if (d->events->applied != NULL)
			d->events->applied(d->arg, i, generation);
	}
}

static void hear_worker(struct dataplane *d, const struct rings_heard *heard)
{
	for (unsigned i = 0; i < d->n_hearers; i++)
		d->hearers[i].is->heard(d->hearers[i].arg, heard->worker, &heard->message);
}

static void hear_workers(struct dataplane *d)
{
	struct rings_heard heard[MESSAGES_A_TURN];
	unsigned n = MESSAGES_A_TURN;

	while (d->state == ATTACHED && n == MESSAGES_A_TURN) {
		n = rings_take_heard(d->rings, heard, MESSAGES_A_TURN);
		for (unsigned i = 0; i < n; i++)
			hear_worker(d, &heard[i]);
	}
}

static void on_async(uv_async_t *async)
{
	struct dataplane *d = async->data;

	if (d->failed != NULL)
		detach(d, d->failed, -ENOTCONN);
	if (d->state == ATTACHED)
		tell_generations(d);
	hear_workers(d);
}

static void on_changed(void *arg)
{
	struct dataplane *d = arg;

	(void)uv_async_send(&d->async);
}

static void on_closed(uv_handle_t *handle)
{
	struct dataplane *d = handle->data;

	if (--d->n_handles == 0)
		free(d);
}

struct dataplane *dataplane_new(
	uv_loop_t *loop, const char *socket_path, const struct dataplane_events *events, void *arg)
{
	struct dataplane *d;

	if (socket_path[0] == '\0' || strlen(socket_path) >= sizeof(d->path)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return NULL;
	memcpy(d->path, socket_path, strlen(socket_path) + 1);
	d->loop = loop;
	d->events = events;
	d->arg = arg;
	d->tick.data = d->async.data = d;
	if (uv_async_init(loop, &d->async, on_async) < 0) {
		free(d);
		errno = EMFILE;
		return NULL;
	}
	uv_timer_init(loop, &d->tick);
	d->n_handles = 2;
	d->rings = rings_new(on_changed, d);
	if (d->rings == NULL) {
		int error = errno;

		dataplane_free(d);
		errno = error;
		return NULL;
	}
	uv_timer_start(&d->tick, on_tick, 0, TICK_MS);
	return d;
}

int dataplane_add_hearer(struct dataplane *d, const struct dataplane_hearer *hearer, void *arg)
{
	if (d->n_hearers == DATAPLANE_HEARERS_MAX)
		return -ENOSPC;
	d->hearers[d->n_hearers].is = hearer;
	d->hearers[d->n_hearers++].arg = arg;
	return 0;
}

int dataplane_say_worker(struct dataplane *d, unsigned worker, struct link_message *m)
{
	return d->state == ATTACHED ? rings_say(d->rings, worker, m) : -ENOTCONN;
}

unsigned dataplane_n_listeners(const struct dataplane *d)
{
	return d->state == ATTACHED ? d->n_listeners : 0;
}

void dataplane_free(struct dataplane *d)
{
	static const struct dataplane_events none;
	struct attach_message m = {.type = ATTACH_BYE, .epoch = d != NULL ? d->hello.epoch : 0};

	if (d == NULL)
		return;
	d->events = &none;
	d->n_hearers = 0;
	if (d->state == AWAITS_RINGS || d->state == ATTACHED) {
		attach_text(m.bye.why, sizeof(m.bye.why), "control stops");
		(void)attach_send(d->connection->socket, &m, -1);
	}
	if (d->rings != NULL)
		detach(d, "control stops", -ENOTCONN);
	rings_free(d->rings);
	uv_close((uv_handle_t *)&d->tick, on_closed);
	uv_close((uv_handle_t *)&d->async, on_closed);
}
