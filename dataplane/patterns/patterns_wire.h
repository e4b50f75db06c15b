// SPDX-License-Identifier: BSD-3-Clause
// What the dataplane's main thread, the compiler child and its compilers say to each other, on one
// SOCK_SEQPACKET pair. Texts and databases travel as sealed memfds. Private to this folder.

#pragma once

#include <stddef.h>
#include <stdint.h>

// Bounds of both directions: IMAGE_PATTERNS_MAX expressions of 1000 bytes, and far more than
// Hyperscan was ever seen to make of them.
#define PATTERNS_TEXT_BYTES_MAX     (UINT64_C(32) << 20)
#define PATTERNS_DATABASE_BYTES_MAX (UINT64_C(512) << 20)
#define PATTERNS_ERROR_BYTES        200

enum patterns_verb {
	PATTERNS_COMPILE = 1, // with a memfd of texts
	PATTERNS_CANCEL,
};

struct patterns_job {
	uint32_t verb;   // enum patterns_verb
	uint32_t number; // comes back in the answer
	uint64_t n_bytes;
};

// In the memfd: n_patterns of these, each followed by n_bytes of expression, the last of them NUL.
struct patterns_text {
	uint32_t flags; // Hyperscan's
	uint32_t n_bytes;
};

struct patterns_answer {
	uint32_t number;
	int32_t error;                   // 0, with a memfd of the serialized database; or an errno
	uint64_t n_bytes;                // of the database
	char text[PATTERNS_ERROR_BYTES]; // NUL-terminated
};

// The child itself: serves jobs from socket until its end. Never returns.
_Noreturn void patterns_zygote_run(int socket);

// A compiler, forked by the child for one job: answers it and ends.
_Noreturn void patterns_compiler_run(int socket, int text_fd, const struct patterns_job *job);

struct patterns_child;

// The dataplane's end of a socket at whose other end somebody forked a child (or a test plays it).
// Takes the socket over. NULL with errno.
struct patterns_child *patterns_child_over(int socket);

// One message with at most one descriptor (-1: none), without blocking. 0 or -errno. The descriptor
// stays the caller's.
int patterns_send(int socket, const void *message, size_t n_bytes, int fd);
// Waits for one message of exactly n_bytes. 1 with *fd the caller's, or -1; 0 at the end; -EAGAIN
// where the socket does not block; -EPROTO for anything of another form; or -errno.
int patterns_receive(int socket, void *message, size_t n_bytes, int *fd);
