// SPDX-License-Identifier: BSD-3-Clause
// Memory for tables that are looked up all over: in huge pages where they fill any and the kernel
// has them, since each small page costs a miss of its own in the processor's page cache.
// Any thread.

#pragma once

#include <stddef.h>

// Zeroed and touched, so that nothing of it faults in later; aligned to a cache line at least.
// NULL with errno ENOMEM. Whoever has it calls free().
void *pages_alloc(size_t n_bytes);
