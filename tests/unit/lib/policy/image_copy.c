// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/lib/policy/image_copy.h"

#include "tests/unit/test.h"

#include <errno.h>

struct image_copy copy_image(const struct fixture *f)
{
	struct image_copy c = {.n = f->n_bytes};

	c.bytes = aligned_alloc(IMAGE_ALIGNMENT, (c.n + 127) & ~63UL);
	assert_non_null(c.bytes);
	memcpy(c.bytes, f->bytes, c.n);
	c.header = (struct image_header *)c.bytes;
	return c;
}

void *copy_section(const struct image_copy *c, enum image_section s)
{
	return c->bytes + c->header->sections[s].offset;
}

void copy_mend(struct image_copy *c)
{
	c->header->digest = image_digest_of(c->bytes, c->n);
	c->header->checksum = image_checksum_of(c->header);
}

const char *copy_error(const struct image_copy *c)
{
	const char *error = NULL;
	struct image *image;

	errno = 0;
	image = image_open(c->bytes, c->n, &error);
	if (image == NULL)
		assert_int_equal(errno, EBADMSG);
	image_close(image);
	return error;
}
