// SPDX-License-Identifier: BSD-3-Clause
// Another relay, as a process of its own on this machine, whose CPU time a message is what ours is
// to be seen next to.

#pragma once

#include <stdbool.h>
#include <sys/types.h>

bool foreign_is_installed(const char *program); // somewhere in PATH

// Starts it, with /dev/null in the place of its terminal. argv: as execvp() takes it. -1 with
// errno.
pid_t foreign_start(char *const argv[]);
// Ends it, and waits for that.
void foreign_stop(pid_t pid);

// Adds CPU time of the process, user and system. False when it is gone, or no more than a corpse.
bool foreign_cpu_ns(pid_t pid, double ns[2]);
