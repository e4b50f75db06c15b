// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/patterns/patterns_wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// Aligned as CMSG_FIRSTHDR wants it.
union control_bytes {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

int patterns_send(int socket, const void *message, size_t n_bytes, int fd)
{
	union control_bytes control = {0};
	// sendmsg() only reads it.
	struct iovec iov = {.iov_base = (void *)(uintptr_t)message, .iov_len = n_bytes};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd != -1) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
	}
	for (;;) {
		if (sendmsg(socket, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
}

int patterns_receive(int socket, void *message, size_t n_bytes, int *fd)
{
	union control_bytes control = {0};
	struct iovec iov = {.iov_base = message, .iov_len = n_bytes};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		// Not CMSG_SPACE: its padding has room for a second descriptor.
		.msg_controllen = CMSG_LEN(sizeof(int)),
	};
	struct cmsghdr *c;
	ssize_t n;

	*fd = -1;
	do {
		n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	c = CMSG_FIRSTHDR(&msg);
	if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
		c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	if (n == 0 && *fd == -1)
		return 0;
	if ((size_t)n == n_bytes && (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0)
		return 1;
	if (*fd != -1)
		close(*fd);
	*fd = -1;
	return -EPROTO;
}
