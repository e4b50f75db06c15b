// SPDX-License-Identifier: BSD-3-Clause

#include "control/api/client.h"

#include "lib/base/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct client {
	const struct api_settings *settings;
	void (*closed)(void *arg, struct client *c);
	void *arg;
	struct client *next;
	int socket;
	uv_poll_t poll;
	uv_timer_t timer;
	unsigned n_handles; // not yet closed by libuv
	bool closing;
	uid_t uid;
	bool may_publish;
	struct request *request; // under way; its input waits in the socket
	// Of the request that is arriving.
	uint8_t header[FRAME_HEADER_BYTES];
	size_t n_header;
	char *body; // n_body_max bytes
	size_t n_body, n_body_max;
	int fds[FRAME_FDS_MAX];
	size_t n_fds;
	// Of the reply that is leaving.
	uint8_t out_header[FRAME_HEADER_BYTES];
	char *out;
	size_t n_out, n_sent; // header and body together
};

static void want(struct client *c, int events, unsigned timeout_ms);

static bool is_publisher(const struct client *c, const struct ucred *peer)
{
	gid_t groups[64];
	socklen_t n = sizeof(groups);

	if (peer->uid == 0 || peer->uid == geteuid())
		return true;
	if (c->settings->publishers == API_NO_GROUP)
		return false;
	if (peer->gid == c->settings->publishers)
		return true;
	if (getsockopt(c->socket, SOL_SOCKET, SO_PEERGROUPS, groups, &n) < 0)
		return false;
	for (size_t i = 0; i < n / sizeof(groups[0]); i++) {
		if (groups[i] == c->settings->publishers)
			return true;
	}
	return false;
}

static void handle_closed(uv_handle_t *handle)
{
	struct client *c = handle->data;

	if (--c->n_handles > 0)
		return;
	close(c->socket);
	c->closed(c->arg, c);
	free(c->body);
	free(c->out);
	free(c);
}

void client_close(struct client *c)
{
	if (c->closing)
		return;
	c->closing = true;
	if (c->request != NULL)
		c->request->client = NULL;
	while (c->n_fds > 0)
		close(c->fds[--c->n_fds]);
	uv_close((uv_handle_t *)&c->poll, handle_closed);
	uv_close((uv_handle_t *)&c->timer, handle_closed);
}

static void timed_out(uv_timer_t *timer)
{
	client_close(timer->data);
}

// Descriptors come with the first byte of a request; more of them than any takes are closed.
static void keep_fds(struct client *c, struct msghdr *m)
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h != NULL; h = CMSG_NXTHDR(m, h)) {
		size_t n;

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(int));
			if (c->n_fds < FRAME_FDS_MAX)
				c->fds[c->n_fds++] = fd;
			else
				close(fd);
		}
	}
}

// Up to n bytes; -EPIPE at the end, -EAGAIN when there are none now, -EMSGSIZE when descriptors
// were lost.
static ssize_t receive(struct client *c, void *at, size_t n)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(FRAME_FDS_MAX * sizeof(int))];
	struct iovec iov = {at, n};
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t got = recvmsg(c->socket, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (got < 0)
		return -errno;
	keep_fds(c, &m);
	if (m.msg_flags & MSG_CTRUNC)
		return -EMSGSIZE;
	return got == 0 ? -EPIPE : got;
}

// The request is whole: from here on it is its command's.
static int begin_request(struct client *c)
{
	json_t *arguments = json_loadb(c->body, c->n_body, JSON_REJECT_DUPLICATES, NULL);
	struct request *r;

	free(c->body);
	c->body = NULL;
	c->n_header = c->n_body = 0;
	if (!json_is_object(arguments) || (r = calloc(1, sizeof(*r))) == NULL) {
		json_decref(arguments);
		return -EBADMSG;
	}
	r->control = c->settings;
	r->client = c;
	r->arguments = arguments;
	memcpy(r->fds, c->fds, sizeof(r->fds));
	r->n_fds = c->n_fds;
	c->n_fds = 0;
	r->uid = c->uid;
	r->may_publish = c->may_publish;
	c->request = r;
	// Only its going away is of interest until it has its answer.
	uv_timer_stop(&c->timer);
	want(c, UV_DISCONNECT, 0);
	request_run(r);
	return 0;
}

static int read_request(struct client *c)
{
	ssize_t n;

	if (c->n_header < FRAME_HEADER_BYTES) {
		n = receive(c, c->header + c->n_header, FRAME_HEADER_BYTES - c->n_header);
		if (n < 0)
			return (int)n;
		c->n_header += (size_t)n;
		if (c->n_header < FRAME_HEADER_BYTES)
			return 0;
		if (!frame_decode(c->header, FRAME_REQUEST_BYTES_MAX, &c->n_body_max))
			return -EBADMSG;
		c->body = malloc(c->n_body_max);
		return c->body != NULL ? 0 : -ENOMEM;
	}
	n = receive(c, c->body + c->n_body, c->n_body_max - c->n_body);
	if (n < 0)
		return (int)n;
	c->n_body += (size_t)n;
	return c->n_body == c->n_body_max ? begin_request(c) : 0;
}

static int write_reply(struct client *c)
{
	size_t n_header = c->n_sent < FRAME_HEADER_BYTES ? FRAME_HEADER_BYTES - c->n_sent : 0;
	size_t n_body_sent = c->n_sent - (FRAME_HEADER_BYTES - n_header);
	struct iovec iov[2] = {
		{c->out_header + FRAME_HEADER_BYTES - n_header, n_header},
		{c->out + n_body_sent, c->n_out - FRAME_HEADER_BYTES - n_body_sent},
	};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t n = sendmsg(c->socket, &m, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0)
		return -errno;
	c->n_sent += (size_t)n;
	if (c->n_sent == c->n_out) {
		free(c->out);
		c->out = NULL;
		want(c, UV_READABLE, API_IDLE_MS);
	}
	return 0;
}

static void ready(uv_poll_t *poll, int status, int events)
{
	struct client *c = poll->data;
	int error = 0;

	if (status < 0 || (c->request != NULL && events & UV_DISCONNECT)) {
		client_close(c);
		return;
	}
	if (events & UV_WRITABLE && c->out != NULL)
		error = write_reply(c);
	else if (events & UV_READABLE && c->request == NULL && c->out == NULL)
		error = read_request(c);
	if (error < 0 && error != -EAGAIN && error != -EINTR)
		client_close(c);
}

// What to wait for, and how long at most: 0 for any time.
static void want(struct client *c, int events, unsigned timeout_ms)
{
	if (uv_poll_start(&c->poll, events, ready) < 0) {
		client_close(c);
		return;
	}
	if (timeout_ms > 0)
		uv_timer_start(&c->timer, timed_out, timeout_ms, 0);
}

void client_reply(struct client *c, char *json, size_t n_bytes)
{
	c->request = NULL;
	if (json == NULL || n_bytes > FRAME_REPLY_BYTES_MAX) {
		free(json);
		client_close(c);
		return;
	}
	wire_put32(c->out_header, (uint32_t)n_bytes);
	c->out = json;
	c->n_out = FRAME_HEADER_BYTES + n_bytes;
	c->n_sent = 0;
	want(c, UV_WRITABLE, API_SEND_MS);
}

struct client *client_new(const struct api_settings *settings, int socket,
	void (*closed)(void *arg, struct client *c), void *arg)
{
	struct client *c = calloc(1, sizeof(*c));
	struct ucred peer;
	socklen_t n = sizeof(peer);
	int error;

	if (c == NULL)
		return NULL;
	c->settings = settings;
	c->closed = closed;
	c->arg = arg;
	c->socket = socket;
	c->n_handles = 2;
	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0) {
		error = errno;
	} else {
		c->uid = peer.uid;
		c->may_publish = is_publisher(c, &peer);
		error = -uv_poll_init_socket(settings->loop, &c->poll, socket);
	}
	if (error == 0) {
		uv_timer_init(settings->loop, &c->timer);
		c->poll.data = c->timer.data = c;
		want(c, UV_READABLE, API_IDLE_MS);
		return c;
	}
	free(c);
	errno = error;
	return NULL;
}

struct client *client_next(const struct client *c)
{
	return c->next;
}

void client_set_next(struct client *c, struct client *next)
{
	c->next = next;
}
