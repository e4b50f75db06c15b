// SPDX-License-Identifier: BSD-3-Clause
// Reads a whole file through a descriptor that somebody else opened: control opens no path on
// anybody's behalf. Any thread.

#pragma once

#include "lib/base/view.h"

// Reads from the file's beginning, whatever its offset is. *text is the caller's: file_free().
// 0; -EINVAL when it is no regular file, -EFBIG over bytes_max, -ENOMEM, or what read says.
int file_read(int fd, size_t bytes_max, struct view *text);
void file_free(struct view *text);

// In words, for a message about the file. Static text, or strerror()'s.
const char *file_error(int error);
