// SPDX-License-Identifier: BSD-3-Clause

#include "lib/link/attach.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum towards {
	TO_CONTROL = 1,
	TO_DATAPLANE = 2,
};

#define BODY(member) sizeof(((struct attach_message *)NULL)->member)

static const struct {
	uint8_t towards; // enum towards
	bool has_fd;
	uint16_t n_body_bytes;
} rules[ATTACH_N] = {
	[ATTACH_CLAIM] = {TO_DATAPLANE, false, BODY(claim)},
	[ATTACH_HELLO] = {TO_CONTROL, false, BODY(hello)},
	[ATTACH_SEGMENT] = {TO_CONTROL, true, BODY(segment)},
	[ATTACH_LISTENER] = {TO_CONTROL, false, BODY(listener)},
	[ATTACH_HEARTBEAT] = {TO_CONTROL | TO_DATAPLANE, false, 0},
	[ATTACH_PUBLISH] = {TO_DATAPLANE, true, BODY(publish)},
	[ATTACH_PUBLISHED] = {TO_CONTROL, false, BODY(published)},
	[ATTACH_GET_COUNTERS] = {TO_DATAPLANE, false, 0},
	[ATTACH_COUNTERS] = {TO_CONTROL, false, BODY(counters)},
	[ATTACH_GET_HITS] = {TO_DATAPLANE, false, 0},
	[ATTACH_HITS] = {TO_CONTROL, true, BODY(hits)},
	[ATTACH_BYE] = {TO_CONTROL | TO_DATAPLANE, false, BODY(bye)},
};

size_t attach_message_bytes(enum attach_type type)
{
	if (type <= ATTACH_NONE || type >= ATTACH_N)
		return 0;
	return offsetof(struct attach_message, claim) + rules[type].n_body_bytes;
}

static bool all_zero(const void *bytes, size_t n_bytes)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n_bytes; i++) {
		if (p[i] != 0)
			return false;
	}
	return true;
}

static bool printable(char c)
{
	return c >= ' ' && c <= '~';
}

static bool is_text(const char *text, size_t n_bytes)
{
	size_t len = 0;

	while (len < n_bytes && printable(text[len]))
		len++;
	return len < n_bytes && all_zero(text + len, n_bytes - len);
}

static const char *check_claim(const struct attach_claim *c)
{
	if (!is_text(c->version, sizeof(c->version)))
		return "claim: version is not text";
	if (c->only_if_free > 1 || !all_zero(c->zero, sizeof(c->zero)))
		return "claim: not a flag";
	return NULL;
}

static const char *check_hello(const struct attach_hello *h)
{
	if (h->epoch == 0 || h->replaced_epoch == h->epoch)
		return "hello: epoch";
	if (h->n_workers == 0 || h->n_workers > ATTACH_WORKERS_MAX)
		return "hello: number of workers";
	if (h->n_listeners > ATTACH_LISTENERS_MAX)
		return "hello: number of listeners";
	if (h->generation == 0 && !all_zero(h->digest, sizeof(h->digest)))
		return "hello: digest of no generation";
	if (!is_text(h->version, sizeof(h->version)))
		return "hello: version is not text";
	return NULL;
}

static const char *check_segment(const struct attach_segment *s)
{
	return s->worker < ATTACH_WORKERS_MAX ? NULL : "segment: worker";
}

static const char *check_listener(const struct attach_listener *l)
{
	const struct ip_addr *ip = &l->local.ip;

	if (l->index >= ATTACH_LISTENERS_MAX)
		return "listener: index";
	if (l->side >= SIDE_N || !all_zero(l->zero, sizeof(l->zero)))
		return "listener: side";
	if (ip->family != IP_V4 && ip->family != IP_V6)
		return "listener: address family";
	if (!all_zero(ip->zero, sizeof(ip->zero)) || l->local.zero != 0 ||
		(ip->family == IP_V4 && !all_zero(ip->bytes + 4, sizeof(ip->bytes) - 4)))
		return "listener: nonzero padding";
	if (l->local.port == 0)
		return "listener: port";
	if (l->local.transport == TRANSPORT_NONE || l->local.transport > TRANSPORT_TLS)
		return "listener: transport";
	if (!is_text(l->name, sizeof(l->name)))
		return "listener: name is not text";
	return NULL;
}

static const char *check_publish(const struct attach_publish *p)
{
	if (p->generation == 0)
		return "publish: generation";
	if (p->n_bytes == 0 || p->n_bytes > IMAGE_BYTES_MAX)
		return "publish: size";
	return NULL;
}

static const char *check_published(const struct attach_published *p)
{
	if (p->generation == 0)
		return "published: generation";
	if (p->ok > 1 || !all_zero(p->zero, sizeof(p->zero)))
		return "published: not a flag";
	if (!is_text(p->error, sizeof(p->error)))
		return "published: error is not text";
	if ((p->error[0] == '\0') != (p->ok == 1))
		return "published: an error exactly when refused";
	return NULL;
}

static const char *check_counters(const struct attach_counters *c)
{
	if (c->worker >= ATTACH_WORKERS_MAX)
		return "counters: worker";
	return c->zero == 0 ? NULL : "counters: nonzero padding";
}

static const char *check_hits(const struct attach_hits *h)
{
	if (h->n_entries > ATTACH_HITS_MAX)
		return "hits: number of entries";
	return h->generation != 0 || h->n_entries == 0 ? NULL : "hits: entries of no generation";
}

static const char *check_bye(const struct attach_bye *b)
{
	if (b->replaced > 1 || !all_zero(b->zero, sizeof(b->zero)))
		return "bye: not a flag";
	return is_text(b->why, sizeof(b->why)) ? NULL : "bye: reason is not text";
}

static const char *check_body(const struct attach_message *m)
{
	switch ((enum attach_type)m->type) {
	case ATTACH_CLAIM:
		return check_claim(&m->claim);
	case ATTACH_HELLO:
		return check_hello(&m->hello);
	case ATTACH_SEGMENT:
		return check_segment(&m->segment);
	case ATTACH_LISTENER:
		return check_listener(&m->listener);
	case ATTACH_PUBLISH:
		return check_publish(&m->publish);
	case ATTACH_PUBLISHED:
		return check_published(&m->published);
	case ATTACH_COUNTERS:
		return check_counters(&m->counters);
	case ATTACH_HITS:
		return check_hits(&m->hits);
	case ATTACH_BYE:
		return check_bye(&m->bye);
	case ATTACH_HEARTBEAT:
	case ATTACH_GET_COUNTERS:
	case ATTACH_GET_HITS:
		return NULL;
	case ATTACH_NONE:
	case ATTACH_N:
		break;
	}
	return "unknown type";
}

static const char *check_epoch(const struct attach_message *m)
{
	if (m->type == ATTACH_CLAIM)
		return m->epoch == 0 ? NULL : "claim: has an epoch";
	if (m->type == ATTACH_HELLO)
		return m->epoch == m->hello.epoch ? NULL : "hello: two epochs";
	if (m->type != ATTACH_BYE && m->epoch == 0)
		return "no epoch";
	return NULL;
}

const char *attach_check(
	const struct attach_message *m, size_t n_bytes, bool has_fd, bool to_control)
{
	const char *error;

	if (n_bytes < sizeof(m->type))
		return "too short for a type";
	if (m->type == ATTACH_NONE || m->type >= ATTACH_N)
		return "unknown type";
	if (n_bytes != attach_message_bytes(m->type))
		return "wrong size for its type";
	if ((rules[m->type].towards & (to_control ? TO_CONTROL : TO_DATAPLANE)) == 0)
		return "wrong direction";
	if (has_fd != rules[m->type].has_fd)
		return has_fd ? "unexpected descriptor" : "descriptor missing";
	error = check_epoch(m);
	return error != NULL ? error : check_body(m);
}

// Aligned as CMSG_FIRSTHDR wants it.
union control_bytes {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

int attach_send(int socket, const struct attach_message *m, int fd)
{
	union control_bytes control = {0};
	struct iovec iov = {
		// sendmsg() only reads it.
		.iov_base = (void *)(uintptr_t)m,
		.iov_len = attach_message_bytes(m->type),
	};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (iov.iov_len == 0)
		return -EINVAL;
	if (fd != -1) {
		struct cmsghdr *c = &control.align;

		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	for (;;) {
		if (sendmsg(socket, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EINTR)
			return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	}
}

// The one descriptor of a message, or -1. There is room for one only: the kernel closes others.
static int take_fd(struct msghdr *msg)
{
	int fd = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
			c->cmsg_len == CMSG_LEN(sizeof(int)))
			memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	}
	return fd;
}

int attach_receive(
	int socket, struct attach_message *m, int *fd, bool to_control, const char **error)
{
	union control_bytes control;
	struct iovec iov = {.iov_base = m, .iov_len = sizeof(*m)};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		// Not CMSG_SPACE: its padding has room for a second descriptor.
		.msg_controllen = CMSG_LEN(sizeof(int)),
	};
	bool was_reset = false;
	ssize_t n;

	*fd = -1;
	for (;;) {
		n = recvmsg(socket, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (n >= 0)
			break;
		// A peer that closes before it has read all that we said resets the connection, yet
		// its last words are still there behind that one error.
		if (errno == ECONNRESET && !was_reset)
			was_reset = true;
		else if (errno != EINTR)
			break;
	}
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
	*fd = take_fd(&msg);
	// An empty packet looks like the end, and is as good a reason to end.
	if (n == 0 && *fd == -1)
		return -EPIPE;
	if ((msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		*error = "more bytes or descriptors than any message has";
	else
		*error = attach_check(m, (size_t)n, *fd != -1, to_control);
	if (*error == NULL)
		return 1;
	if (*fd != -1)
		close(*fd);
	*fd = -1;
	return -EPROTO;
}

void attach_text(char *to, size_t n_bytes, const char *text)
{
	size_t len = 0;

	if (n_bytes == 0)
		return;
	for (; len < n_bytes - 1 && text[len] != '\0'; len++)
		to[len] = (char)(printable(text[len]) ? text[len] : '?');
	memset(to + len, 0, n_bytes - len);
}
