// SPDX-License-Identifier: BSD-3-Clause
// Files that a crash leaves either whole or absent: written beside their name, synced, renamed.
// Any thread.

#pragma once

#include <stddef.h>
#include <stdint.h>

// Writes n_bytes to NAME in the directory, mode 0600. 0 or -errno; after an error the name is as it
// was.
int image_file_write(int directory, const char *name, const void *bytes, size_t n_bytes);
// The same with what a descriptor holds from its beginning on.
int image_file_copy(int directory, const char *name, int from, uint64_t n_bytes);

// A copy in a memfd sealed WRITE|GROW|SHRINK|SEAL, the caller's. The descriptor, or -errno.
int image_file_load(int directory, const char *name, uint64_t bytes_max, uint64_t *n_bytes);
