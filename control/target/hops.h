// SPDX-License-Identifier: BSD-3-Clause
// The next hops of a policy image as a set: whether any peer has a given one. Built once for a
// published image, since a worker that wants a connection waits for the answer. The loop's thread.

#pragma once

#include "lib/policy/image.h"

struct hops {
	uint8_t digest[IMAGE_DIGEST_BYTES]; // of the image that it is of
	uint64_t generation;                // 0: of none
	uint64_t mask;
	uint32_t *slots; // index of a hop, + 1; 0: free
};

// Whether one of the image's peers has the hop. image: NULL has none. Where memory has run out, as
// if none had it.
bool hops_have(struct hops *h, const struct image *image, const struct endpoint *hop);
void hops_fini(struct hops *h);
