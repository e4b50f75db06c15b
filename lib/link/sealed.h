// SPDX-License-Identifier: BSD-3-Clause
// Memory that is handed to another process by a sealed memfd: images, databases, hit counters.
// The receiver reads it through pread(), never by a mapping: a descriptor of another kind than the
// one expected then gives an error instead of a signal.

#pragma once

#include <fcntl.h>
#include <stddef.h>

// Seals after which nobody, its maker included, can change content or size.
#define SEALED_CONTENT (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK)

// NULL when fd is a memfd of exactly n_bytes with all these seals (F_SEAL_*); otherwise what is
// wrong with it (static text).
const char *sealed_check(int fd, size_t n_bytes, int seals);

// Copies all n_bytes, 0 or -errno (-EIO when there are fewer).
int sealed_read(int fd, void *to, size_t n_bytes);

// A memfd with a copy of bytes, sealed SEALED_CONTENT|SEAL; the caller's. -errno.
int sealed_create(const char *name, const void *bytes, size_t n_bytes);
