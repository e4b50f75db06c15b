// SPDX-License-Identifier: BSD-3-Clause

#include "control/policy/file.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int file_read(int fd, size_t bytes_max, struct view *text)
{
	struct stat st;
	uint8_t *bytes;
	size_t size, n = 0;
	ssize_t got = 1;

	*text = VIEW_NONE;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size < 0 || (uint64_t)st.st_size > bytes_max)
		return -EFBIG;
	size = (size_t)st.st_size;
	bytes = malloc(size + 1);
	if (bytes == NULL)
		return -ENOMEM;
	// read(), not mmap(): the owner may cut the file short at any moment.
	while (n < size && got > 0) {
		got = pread(fd, bytes + n, size - n, (off_t)n);
		if (got < 0 && errno == EINTR)
			got = 1;
		else if (got > 0)
			n += (size_t)got;
	}
	if (got < 0) {
		int error = -errno;

		free(bytes);
		return error;
	}
	*text = view_of(bytes, n);
	return 0;
}

void file_free(struct view *text)
{
	free((void *)(uintptr_t)text->at);
	*text = VIEW_NONE;
}

const char *file_error(int error)
{
	switch (error) {
	case -EINVAL:
		return "not a regular file";
	case -EFBIG:
		return "file too large";
	default:
		return strerror(-error);
	}
}
