// SPDX-License-Identifier: BSD-3-Clause
// Files of the test data that lies beside the repository (../shared/data). A clone on its own has
// none: tests that need them skip, saying so.

#pragma once

#include "lib/base/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline bool shared_data_is_there(void)
{
	if (access(SHARED_DATA_DIR, R_OK) == 0)
		return true;
	printf("skipped: no %s\n", SHARED_DATA_DIR);
	return false;
}

// The whole file in an allocation of exactly its size, so that ASan sees a read past its end; the
// caller frees .at. VIEW_NONE where there is no such file.
static inline struct view shared_data_read(const char *name)
{
	char path[512];
	struct view file = VIEW_NONE;
	uint8_t *bytes;
	long n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", SHARED_DATA_DIR, name);
	f = fopen(path, "rb");
	if (f == NULL)
		return VIEW_NONE;
	if (fseek(f, 0, SEEK_END) == 0 && (n = ftell(f)) > 0) {
		rewind(f);
		bytes = malloc((size_t)n);
		if (bytes != NULL && fread(bytes, 1, (size_t)n, f) == (size_t)n)
			file = view_of(bytes, (size_t)n);
		else
			free(bytes);
	}
	fclose(f);
	return file;
}

static inline void shared_data_free(struct view file)
{
	free((void *)(uintptr_t)file.at);
}
