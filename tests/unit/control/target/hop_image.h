// SPDX-License-Identifier: BSD-3-Clause
// Policy images whose one peer has the TCP next hops that a test wants, in a small allocation.

#pragma once

#include "control/policy/builder.h"
#include "lib/link/sealed.h"
#include "tests/unit/test.h"

#include <unistd.h>

struct hop_image {
	void *bytes;
	struct image *image;
};

// hops: texts up to NULL.
static inline void hop_image_open(
	struct hop_image *h, uint64_t generation, const char *const hops[])
{
	const struct builder_settings settings = {.body_bytes_max = 1000};
	struct builder *b = builder_new(&settings);
	struct image_info info;
	struct endpoint e;
	const char *why;
	size_t n;
	int fd;

	assert_non_null(b);
	for (; *hops != NULL; hops++) {
		assert_int_equal(endpoint_parse(view_string(*hops), 5060, TRANSPORT_TCP, &e), 0);
		assert_true(builder_add_peer(b, &e, 1, NULL, 0, IMAGE_RULE_NONE) >= 0);
	}
	fd = builder_finish(b, generation, &info);
	assert_true(fd >= 0);
	builder_free(b);
	n = (size_t)lseek(fd, 0, SEEK_END);
	h->bytes = aligned_alloc(64, (n + 63) / 64 * 64);
	assert_non_null(h->bytes);
	assert_int_equal(sealed_read(fd, h->bytes, n), 0);
	close(fd);
	h->image = image_open(h->bytes, n, &why);
	assert_non_null(h->image);
}

static inline void hop_image_close(struct hop_image *h)
{
	image_close(h->image);
	free(h->bytes);
}
