// SPDX-License-Identifier: BSD-3-Clause
// The Unix socket that control connects to. Main thread. Private to this folder.

#pragma once

#include "lib/link/attach.h"

#include <sys/types.h>

// Makes the folder that path lies in, unless it is there. 0; or -errno, and folder says which.
int listener_make_folder(const char *path, char folder[ATTACH_PATH_BYTES]);

// Binds and listens at path, for that user alone (and root); takes the place of a socket that
// nobody listens on. The descriptor; -EADDRINUSE where somebody does; or -errno.
int listener_open(const char *path, uid_t uid);

// The next connection from uid or root, and who it is from. 1; 0 for none waiting; -EACCES after
// closing one of somebody else; or -errno.
int listener_accept(int listener, uid_t uid, int *socket, pid_t *pid);
