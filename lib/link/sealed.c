// SPDX-License-Identifier: BSD-3-Clause

#include "lib/link/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

const char *sealed_check(int fd, size_t n_bytes, int seals)
{
	struct stat st;
	int has = fcntl(fd, F_GET_SEALS);

	if (has < 0)
		return "not a memfd";
	if ((has & seals) != seals)
		return "not sealed";
	if (fstat(fd, &st) < 0)
		return "no size";
	if (st.st_size < 0 || (uint64_t)st.st_size != n_bytes)
		return "not of the announced size";
	return NULL;
}

int sealed_read(int fd, void *to, size_t n_bytes)
{
	size_t done = 0;

	while (done < n_bytes) {
		ssize_t n = pread(fd, (char *)to + done, n_bytes - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		done += (size_t)n;
	}
	return 0;
}

static int write_all(int fd, const void *bytes, size_t n_bytes)
{
	size_t done = 0;

	while (done < n_bytes) {
		ssize_t n = write(fd, (const char *)bytes + done, n_bytes - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

int sealed_create(const char *name, const void *bytes, size_t n_bytes)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int error;

	if (fd < 0)
		return -errno;
	error = write_all(fd, bytes, n_bytes);
	if (error == 0 && fcntl(fd, F_ADD_SEALS, SEALED_CONTENT | F_SEAL_SEAL) < 0)
		error = -errno;
	if (error < 0) {
		close(fd);
		return error;
	}
	return fd;
}
