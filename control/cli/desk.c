// SPDX-License-Identifier: BSD-3-Clause

#include "control/cli/desk.h"

#include "control/policy/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct document *desk_read_document(const char *path, struct errors *errors)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int error = fd >= 0 ? 0 : -errno;
	struct document *d = NULL;
	struct view text;

	if (error == 0)
		error = file_read(fd, DOCUMENT_BYTES_MAX, &text);
	if (error == 0) {
		d = document_parse(text, errors);
		file_free(&text);
	} else {
		errors_add(errors, 0, "%s", file_error(error));
	}
	if (fd >= 0)
		close(fd);
	return d;
}
