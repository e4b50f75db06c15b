// SPDX-License-Identifier: BSD-3-Clause

#include "control/api/api.h"

#include "control/api/client.h"
#include "control/log.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 16

struct api {
	struct api_settings settings;
	int listener;
	uv_poll_t poll;
	bool listening;
	struct client *clients;
	unsigned n_clients;
};

// Whether somebody serves the socket at this address.
static bool is_served(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool served = fd >= 0 &&
		(connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
			errno == EAGAIN);

	if (fd >= 0)
		close(fd);
	return served;
}

static int bind_socket(int fd, const struct sockaddr_un *address, uid_t owner, gid_t group)
{
	mode_t mask = umask(0117);
	int error = 0;

	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		error = -errno;
	umask(mask);
	if (error == -EADDRINUSE && !is_served(address)) {
		struct stat st;

		// Left by a control that was killed. Anything but a socket is somebody's.
		if (lstat(address->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode) ||
			unlink(address->sun_path) < 0)
			return -EADDRINUSE;
		return bind_socket(fd, address, owner, group);
	}
	if (error == 0 && lchown(address->sun_path, owner, group) < 0)
		error = -errno;
	if (error == 0 && listen(fd, BACKLOG) < 0)
		error = -errno;
	return error;
}

int api_listen(const char *path, uid_t owner, gid_t group)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, error;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	error = bind_socket(fd, &address, owner, group);
	if (error == 0)
		return fd;
	close(fd);
	return error;
}

static void client_gone(void *arg, struct client *gone)
{
	struct api *a = arg;
	struct client *before = NULL;

	for (struct client *c = a->clients; c != NULL; before = c, c = client_next(c)) {
		if (c != gone)
			continue;
		if (before != NULL)
			client_set_next(before, client_next(c));
		else
			a->clients = client_next(c);
		a->n_clients--;
		return;
	}
}

int api_serve(struct api *a, int socket)
{
	struct client *c;

	if (a->n_clients == API_CLIENTS_MAX) {
		close(socket);
		return -EMFILE;
	}
	c = client_new(&a->settings, socket, client_gone, a);
	if (c == NULL) {
		int error = -errno;

		close(socket);
		return error;
	}
	client_set_next(c, a->clients);
	a->clients = c;
	a->n_clients++;
	return 0;
}

static void accept_client(uv_poll_t *poll, int status, int events)
{
	struct api *a = poll->data;
	int socket, error;

	(void)events;
	if (status < 0)
		return;
	socket = accept4(a->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (socket < 0)
		return;
	error = api_serve(a, socket);
	if (error < 0)
		log_line("api", "client turned away: %s", strerror(-error));
}

struct api *api_new(const struct api_settings *settings, int listener)
{
	struct api *a = calloc(1, sizeof(*a));
	int error;

	if (a == NULL)
		return NULL;
	a->settings = *settings;
	a->listener = listener;
	if (listener < 0)
		return a;
	error = uv_poll_init_socket(settings->loop, &a->poll, listener);
	if (error == 0) {
		a->listening = true;
		a->poll.data = a;
		error = uv_poll_start(&a->poll, UV_READABLE, accept_client);
	}
	if (error == 0)
		return a;
	// The loop's caller is about to end: the handle, if any, is part of what it throws away.
	free(a);
	errno = -error;
	return NULL;
}

void api_stop(struct api *a)
{
	if (a->listening)
		uv_close((uv_handle_t *)&a->poll, NULL);
	a->listening = false;
	for (struct client *c = a->clients; c != NULL; c = client_next(c))
		client_close(c);
}

void api_free(struct api *a)
{
	if (a->listener >= 0)
		close(a->listener);
	free(a);
}
