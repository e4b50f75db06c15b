// SPDX-License-Identifier: BSD-3-Clause
// The peer on Linux's own TCP: ask.h over sockets.
//
//   linux-talker [--congestion NAME] serve|ask …

#include "tests/wire/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINKS_MAX 4096
#define EVENTS    256

struct link {
	int fd; // -1: free
	bool eof, broken;
	struct chat chat;
};

static struct link links[LINKS_MAX];
static unsigned n_links; // ever used
static struct ask ask;
static int epoll_fd;
static const char *congestion; // control; NULL: the machine's

static uint32_t link_write(void *stream, const uint8_t *bytes, uint32_t n_bytes)
{
	struct link *l = stream;
	ssize_t n = send(l->fd, bytes, n_bytes, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != ENOTCONN)
		l->broken = true;
	return n > 0 ? (uint32_t)n : 0;
}

static uint32_t link_read(void *stream, uint8_t *bytes, uint32_t n_bytes)
{
	struct link *l = stream;
	ssize_t n = recv(l->fd, bytes, n_bytes, 0);

	if (n == 0)
		l->eof = true;
	if (n < 0 && errno != EAGAIN && errno != ENOTCONN)
		l->broken = true;
	return n > 0 ? (uint32_t)n : 0;
}

static bool link_at_end(void *stream)
{
	return ((struct link *)stream)->eof;
}

static void link_finish(void *stream)
{
	shutdown(((struct link *)stream)->fd, SHUT_WR);
}

static void link_reset(void *stream)
{
	struct linger now = {.l_onoff = 1};
	struct link *l = stream;

	setsockopt(l->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

static const struct chat_stream ops = {link_write, link_read, link_at_end, link_finish, link_reset};

static socklen_t address_of(const struct endpoint *e, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	if (e->ip.family == IP_V4) {
		struct sockaddr_in *a = (struct sockaddr_in *)out;

		a->sin_family = AF_INET;
		a->sin_port = htons(e->port);
		memcpy(&a->sin_addr, e->ip.bytes, 4);
		return sizeof(*a);
	}
	struct sockaddr_in6 *a = (struct sockaddr_in6 *)out;

	a->sin6_family = AF_INET6;
	a->sin6_port = htons(e->port);
	memcpy(&a->sin6_addr, e->ip.bytes, 16);
	return sizeof(*a);
}

static void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "linux-talker: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int socket_new(const struct sockaddr_storage *address)
{
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

	require(fd >= 0, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (congestion != NULL)
		require(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, congestion,
				(socklen_t)strlen(congestion)) == 0,
			congestion);
	return fd;
}

static void link_new(int fd, const struct chat_request *request)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET};
	unsigned i = 0;

	while (i < n_links && links[i].fd >= 0)
		i++;
	require(i < LINKS_MAX, "more connections than this talker has room for");
	if (i == n_links)
		n_links++;
	links[i] = (struct link){.fd = fd};
	chat_begin(&links[i].chat, &ops, &links[i], request, ask_now_ns());
	event.data.ptr = &links[i];
	require(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

static void accept_all(int listener)
{
	int fd, one = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		link_new(fd, NULL);
	}
}

static void connect_all(const struct sockaddr_storage *address, socklen_t n_bytes)
{
	struct chat_request request;

	while (ask_next(&ask, &request)) {
		int fd = socket_new(address);

		if (connect(fd, (const struct sockaddr *)address, n_bytes) < 0)
			require(errno == EINPROGRESS, "connect");
		link_new(fd, &request);
	}
}

static void link_step(struct link *l, uint64_t now)
{
	chat_step(&l->chat, now);
	if (l->broken)
		chat_gone(&l->chat, true, "reset by the peer");
	if (l->chat.outcome == CHAT_GOES_ON)
		return;
	ask_note(&ask, &l->chat);
	chat_end(&l->chat);
	close(l->fd);
	l->fd = -1;
}

static int listen_to(const struct sockaddr_storage *address, socklen_t n_bytes)
{
	struct epoll_event event = {.events = EPOLLIN};
	int fd = socket_new(address);

	require(bind(fd, (const struct sockaddr *)address, n_bytes) == 0, "bind");
	require(listen(fd, 4096) == 0, "listen");
	require(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
	printf("listening\n");
	fflush(stdout);
	return fd;
}

// How long nothing is to be done, in ms, rounded up; what is due by now is done first.
static int step_due(void)
{
	uint64_t now = ask_now_ns(), next = now + 100000000;

	for (unsigned i = 0; i < n_links; i++) {
		if (links[i].fd >= 0 && links[i].chat.next_ns <= now)
			link_step(&links[i], now);
		if (links[i].fd >= 0 && links[i].chat.next_ns < next)
			next = links[i].chat.next_ns;
	}
	return next <= now ? 0 : (int)((next - now + 999999) / 1000000);
}

int main(int argc, char **argv)
{
	struct sockaddr_storage address;
	struct epoll_event events[EVENTS];
	socklen_t n_address;
	int listener = -1, skipped = 1;

	if (argc > 2 && strcmp(argv[1], "--congestion") == 0) {
		congestion = argv[2];
		skipped = 3;
	}
	ask_parse(&ask, argc - skipped, argv + skipped);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	n_address = address_of(&ask.server, &address);
	if (ask.serves)
		listener = listen_to(&address, n_address);
	while (!ask_is_done(&ask)) {
		int n;

		connect_all(&address, n_address);
		n = epoll_wait(epoll_fd, events, EVENTS, step_due());
		for (int i = 0; i < n; i++) {
			struct link *l = events[i].data.ptr;

			if (l == NULL)
				accept_all(listener);
			else if (l->fd >= 0)
				link_step(l, ask_now_ns());
		}
	}
	return ask_report(&ask);
}
