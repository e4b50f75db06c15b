// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/attach/listener.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 8
// HELLO, and a SEGMENT and a LISTENER for each of the most there can be, with the kernel's
// overhead.
#define SEND_BYTES (1 << 20)

int listener_make_folder(const char *path, char folder[ATTACH_PATH_BYTES])
{
	size_t n = strlen(path);
	char *slash;

	if (n >= ATTACH_PATH_BYTES)
		return -ENAMETOOLONG;
	memcpy(folder, path, n + 1);
	slash = strrchr(folder, '/');
	if (slash == NULL || slash == folder)
		return 0;
	*slash = '\0';
	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		return -errno;
	return access(folder, W_OK | X_OK) < 0 ? -errno : 0;
}

static bool somebody_listens(const struct sockaddr_un *address)
{
	int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool answered;

	if (s < 0)
		return true;
	answered = connect(s, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
		errno != ECONNREFUSED;
	close(s);
	return answered;
}

static int bind_in_place(int s, const struct sockaddr_un *address)
{
	struct stat st;

	if (bind(s, (const struct sockaddr *)address, sizeof(*address)) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -errno;
	if (lstat(address->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode) || somebody_listens(address))
		return -EADDRINUSE;
	if (unlink(address->sun_path) < 0 ||
		bind(s, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return -errno;
	return 0;
}

int listener_open(const char *path, uid_t uid)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int error, s;
	mode_t mask;

	if (strlen(path) >= sizeof(address.sun_path) || path[0] == '\0')
		return -EINVAL;
	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s < 0)
		return -errno;
	// The owner alone may connect, from the first moment on.
	mask = umask(0177);
	error = bind_in_place(s, &address);
	umask(mask);
	if (error == 0 && uid != geteuid() && chown(path, uid, (gid_t)-1) < 0)
		error = -errno;
	if (error == 0 && listen(s, BACKLOG) < 0)
		error = -errno;
	if (error < 0) {
		close(s);
		return error;
	}
	return s;
}

int listener_accept(int listener, uid_t uid, int *socket, pid_t *pid)
{
	const int send_bytes = SEND_BYTES;
	struct ucred peer;
	socklen_t n = sizeof(peer);
	int s = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (s < 0)
		return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED ? 0 : -errno;
	if (getsockopt(s, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0 ||
		(peer.uid != uid && peer.uid != 0)) {
		close(s);
		return -EACCES;
	}
	// As much of it as the limits allow.
	(void)setsockopt(s, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof(send_bytes));
	*socket = s;
	*pid = peer.pid;
	return 1;
}
