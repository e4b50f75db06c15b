// SPDX-License-Identifier: BSD-3-Clause

#include "tests/wire/frame_port.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// Room for what a bandwidth-delay product puts between two programs.
#define SOCKET_BYTES (8 << 20)

static int enter(const char *namespace)
{
	char path[128];
	int fd, rc;

	snprintf(path, sizeof(path), "/run/netns/%s", namespace);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	rc = setns(fd, CLONE_NEWNET);
	close(fd);
	return rc;
}

static int tap_open(const char *name)
{
	const char *at = strchr(name, '@');
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	size_t n = at != NULL ? (size_t)(at - name) : strlen(name);
	int fd;

	if (n == 0 || n >= sizeof(request.ifr_name)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(request.ifr_name, name, n);
	// The device is where the process is while it opens it.
	if (at != NULL && enter(at + 1) < 0)
		return -1;
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && ioctl(fd, TUNSETIFF, &request) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

// Whoever sees the path can connect: it gets its name when somebody listens.
static int accept_one(int fd, const struct sockaddr_un *address)
{
	struct sockaddr_un early = *address;
	size_t n = strlen(early.sun_path);

	if (n + 2 > sizeof(early.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(early.sun_path + n, "~", 2);
	unlink(early.sun_path);
	if (bind(fd, (const struct sockaddr *)&early, sizeof(early)) < 0 || listen(fd, 1) < 0 ||
		rename(early.sun_path, address->sun_path) < 0)
		return -1;
	return accept4(fd, NULL, NULL, SOCK_CLOEXEC);
}

static int socket_open(const char *path, bool listens)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), size = SOCKET_BYTES, peer = fd;

	if (fd < 0)
		return -1;
	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		goto fail;
	}
	memcpy(address.sun_path, path, strlen(path));
	if (listens) {
		peer = accept_one(fd, &address);
		if (peer < 0)
			goto fail;
		close(fd);
	} else if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		goto fail;
	}
	// Root may pass the limit of the system; others get what they may have.
	if (setsockopt(peer, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(peer, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	fcntl(peer, F_SETFL, fcntl(peer, F_GETFL) | O_NONBLOCK);
	return peer;
fail:
	close(fd);
	return -1;
}

int frame_port_open(const char *name)
{
	if (strncmp(name, "tap:", 4) == 0)
		return tap_open(name + 4);
	if (strncmp(name, "listen:", 7) == 0)
		return socket_open(name + 7, true);
	if (strncmp(name, "connect:", 8) == 0)
		return socket_open(name + 8, false);
	errno = EINVAL;
	return -1;
}

bool frame_port_receive(int fd, uint8_t bytes[FRAME_BYTES_MAX], size_t *n_bytes)
{
	ssize_t n = read(fd, bytes, FRAME_BYTES_MAX);

	*n_bytes = n > 0 ? (size_t)n : 0;
	// EIO: a TAP whose device is down.
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR || errno == EIO));
}

void frame_port_send(int fd, const uint8_t *bytes, size_t n_bytes)
{
	ssize_t n = write(fd, bytes, n_bytes);

	(void)n;
}
