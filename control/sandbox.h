// SPDX-License-Identifier: BSD-3-Clause
// What control may still do once it is up: nothing that it does not need. Main thread, before any
// other thread is started, for they inherit it.

#pragma once

#include <stdbool.h>
#include <sys/types.h>

// Becomes this user for good: groups, group, user, no way back, not dumpable. 0 or -errno.
int sandbox_drop(const char *name, uid_t uid, gid_t gid);

// From here on: no new privileges by exec, and of system calls only those on the list. Others fail
// with EPERM; a socket may only be a Unix one, a clone only a thread. 0 or -errno.
int sandbox_seal(void);
