// SPDX-License-Identifier: BSD-3-Clause

#include "control/cli/call.h"

#include "control/api/frame.h"
#include "control/cli/print.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static int open_socket(const char *path)
{
	const struct timeval silence = {.tv_sec = CALL_SILENCE_S};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof(silence));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &silence, sizeof(silence));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool send_bytes(int socket, const void *bytes, size_t n_bytes, const int fds[], size_t n_fds)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(FRAME_FDS_MAX * sizeof(int))] = {0};
	const uint8_t *at = bytes;

	while (n_bytes > 0) {
		struct iovec iov = {(void *)(uintptr_t)at, n_bytes};
		struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
		ssize_t n;

		if (n_fds > 0) {
			// CMSG_FIRSTHDR() of a buffer that has room for one.
			struct cmsghdr *h = (struct cmsghdr *)control;

			m.msg_control = control;
			m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
			h->cmsg_level = SOL_SOCKET;
			h->cmsg_type = SCM_RIGHTS;
			h->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
			memcpy(CMSG_DATA(h), fds, n_fds * sizeof(int));
		}
		n = sendmsg(socket, &m, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		n_fds = 0;
		at += n;
		n_bytes -= (size_t)n;
	}
	return true;
}

static bool receive_bytes(int socket, void *bytes, size_t n_bytes)
{
	uint8_t *at = bytes;

	while (n_bytes > 0) {
		ssize_t n = read(socket, at, n_bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = ECONNRESET;
		if (n <= 0)
			return false;
		at += n;
		n_bytes -= (size_t)n;
	}
	return true;
}

static json_t *receive_reply(int socket)
{
	uint8_t header[FRAME_HEADER_BYTES];
	json_t *reply = NULL;
	size_t n;
	char *text;

	if (!receive_bytes(socket, header, sizeof(header)))
		return NULL;
	if (!frame_decode(header, FRAME_REPLY_BYTES_MAX, &n)) {
		errno = EPROTO;
		return NULL;
	}
	text = malloc(n);
	if (text != NULL && receive_bytes(socket, text, n)) {
		reply = json_loadb(text, n, 0, NULL);
		if (!json_is_object(reply)) {
			json_decref(reply);
			reply = NULL;
			errno = EPROTO;
		}
	}
	free(text);
	return reply;
}

static void tell_unreachable(const struct fedctl *f, int error)
{
	char text[512];

	snprintf(text, sizeof(text), "control cannot be reached at %s: %s", f->socket,
		strerror(error));
	if (f->json)
		print_json(json_pack("{s:b, s:s}", "ok", 0, "error", text));
	else
		fprintf(stderr, "fedctl: %s\n", text);
}

json_t *call(const struct fedctl *f, json_t *request, const int fds[], size_t n_fds)
{
	char *text = json_dumps(request, JSON_COMPACT);
	size_t n = text != NULL ? strlen(text) : 0;
	uint8_t header[FRAME_HEADER_BYTES];
	int socket = open_socket(f->socket);
	json_t *reply = NULL;

	json_decref(request);
	wire_put32(header, (uint32_t)n);
	if (socket >= 0 && send_bytes(socket, header, sizeof(header), fds, n_fds) &&
		send_bytes(socket, text, n, NULL, 0))
		reply = receive_reply(socket);
	if (reply == NULL)
		tell_unreachable(f, errno);
	if (socket >= 0)
		close(socket);
	free(text);
	return reply;
}

json_t *call_and_check(const struct fedctl *f, json_t *request, int *exit_code)
{
	json_t *reply;
	const char *error;

	if (request == NULL) {
		*exit_code = usage_error("an argument is not UTF-8");
		return NULL;
	}
	reply = call(f, request, NULL, 0);
	*exit_code = FEDCTL_UNREACHABLE;
	if (reply == NULL)
		return NULL;
	*exit_code = json_is_true(json_object_get(reply, "ok")) ? FEDCTL_OK : FEDCTL_FAILED;
	if (f->json) {
		print_json(reply);
		return NULL;
	}
	if (*exit_code == FEDCTL_OK)
		return reply;
	error = json_string_value(json_object_get(reply, "error"));
	fprintf(stderr, "fedctl: %s\n", error != NULL ? error : "refused");
	json_decref(reply);
	return NULL;
}
