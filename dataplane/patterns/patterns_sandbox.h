// SPDX-License-Identifier: BSD-3-Clause
// What the compiler child and its compilers give up. Both steps end in a seccomp filter that kills
// the process at the first system call it does not list. Private to this folder and its tests.

#pragma once

// The child, once, at its start: another user, limits (which its compilers inherit), no dump, and a
// filter that still lets it fork. Descriptors above 2 other than keep_fd are closed. 0 or -errno.
int patterns_sandbox_zygote(int keep_fd);

// A compiler: no fork, no signals to others, no more descriptors than it has. 0 or -errno.
int patterns_sandbox_compiler(void);
