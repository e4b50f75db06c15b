// SPDX-License-Identifier: BSD-3-Clause

#include "control/store/image_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPORARY_SUFFIX ".tmp"

static int write_all(int fd, const uint8_t *bytes, size_t n_bytes)
{
	while (n_bytes > 0) {
		ssize_t n = write(fd, bytes, n_bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		n_bytes -= (size_t)n;
	}
	return 0;
}

static int send_all(int to, int from, uint64_t n_bytes)
{
	off_t offset = 0;

	while ((uint64_t)offset < n_bytes) {
		ssize_t n = sendfile(to, from, &offset, n_bytes - (uint64_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO; // shorter than it was said to be
	}
	return 0;
}

// Opens the name's temporary neighbour, empty. The descriptor, or -errno.
static int open_temporary(int directory, const char *name, char temporary[NAME_MAX])
{
	int fd;

	if (snprintf(temporary, NAME_MAX, "%s" TEMPORARY_SUFFIX, name) >= NAME_MAX)
		return -ENAMETOOLONG;
	// O_NOFOLLOW: whatever lies there from a crash is a file of ours, not a way elsewhere.
	fd = openat(
		directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

// The file's bytes reach the disk before its name does, and the name before this returns.
static int settle(int directory, int fd, const char *temporary, const char *name, int error)
{
	if (error == 0 && fsync(fd) < 0)
		error = -errno;
	if (close(fd) < 0 && error == 0)
		error = -errno;
	if (error == 0 && renameat(directory, temporary, directory, name) < 0)
		error = -errno;
	if (error < 0) {
		unlinkat(directory, temporary, 0);
		return error;
	}
	return fsync(directory) < 0 ? -errno : 0;
}

int image_file_write(int directory, const char *name, const void *bytes, size_t n_bytes)
{
	char temporary[NAME_MAX];
	int fd = open_temporary(directory, name, temporary);

	if (fd < 0)
		return fd;
	return settle(directory, fd, temporary, name, write_all(fd, bytes, n_bytes));
}

int image_file_copy(int directory, const char *name, int from, uint64_t n_bytes)
{
	char temporary[NAME_MAX];
	int fd = open_temporary(directory, name, temporary);

	if (fd < 0)
		return fd;
	return settle(directory, fd, temporary, name, send_all(fd, from, n_bytes));
}

static int load(int file, int memfd, uint64_t bytes_max, uint64_t *n_bytes)
{
	struct stat st;
	int error;

	if (fstat(file, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size < 0 || (uint64_t)st.st_size > bytes_max)
		return -EFBIG;
	*n_bytes = (uint64_t)st.st_size;
	error = send_all(memfd, file, *n_bytes);
	if (error < 0)
		return error;
	if (fcntl(memfd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return -errno;
	return 0;
}

int image_file_load(int directory, const char *name, uint64_t bytes_max, uint64_t *n_bytes)
{
	int file = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int memfd, error;

	if (file < 0)
		return -errno;
	memfd = memfd_create("policy-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	error = memfd < 0 ? -errno : load(file, memfd, bytes_max, n_bytes);
	close(file);
	if (error < 0 && memfd >= 0)
		close(memfd);
	return error < 0 ? error : memfd;
}
