// SPDX-License-Identifier: BSD-3-Clause

#include "control/policy/renumber.h"

#include "lib/link/sealed.h"
#include "lib/policy/image_format.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

// The descriptor of a sealed memfd, or -errno.
static int copy_image(const struct compiled *from, uint64_t generation)
{
	struct image_header *header = malloc(from->n_bytes);
	int result = header != NULL ? sealed_read(from->image_fd, header, from->n_bytes) : -ENOMEM;

	if (result == 0) {
		header->generation = generation;
		header->checksum = image_checksum_of(header);
		result = sealed_create("policy-image", header, from->n_bytes);
		explicit_bzero(header, sizeof(*header));
	}
	free(header);
	return result;
}

int compiled_renumber(const struct compiled *from, uint64_t generation, struct compiled *out)
{
	struct replica_error error;

	*out = (struct compiled){.n_bytes = from->n_bytes};
	out->image_fd = copy_image(from, generation);
	if (out->image_fd < 0)
		return out->image_fd;
	out->replica = replica_open(out->image_fd, out->n_bytes, from->replica, &error);
	if (out->replica == NULL) {
		int saved = errno;

		close(out->image_fd);
		out->image_fd = -1;
		return -saved;
	}
	out->info = *image_info(replica_image(out->replica));
	return 0;
}
