// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/pages.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CACHE_LINE_BYTES 64U
#define HUGE_BYTES       (2U << 20)

void *pages_alloc(size_t n_bytes)
{
	size_t alignment = n_bytes >= HUGE_BYTES ? HUGE_BYTES : CACHE_LINE_BYTES, n_all;
	void *at;

	if (n_bytes > SIZE_MAX - HUGE_BYTES) {
		errno = ENOMEM;
		return NULL;
	}
	n_all = (n_bytes + alignment - 1) / alignment * alignment;
	at = aligned_alloc(alignment, n_all > 0 ? n_all : alignment);
	if (at == NULL)
		return NULL;
	// A hint, and before the first touch.
	if (alignment == HUGE_BYTES)
		(void)madvise(at, n_all, MADV_HUGEPAGE);
	memset(at, 0, n_all);
	return at;
}
