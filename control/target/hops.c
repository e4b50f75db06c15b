// SPDX-License-Identifier: BSD-3-Clause

#include "control/target/hops.h"

#include "lib/policy/mix.h"

#include <stdlib.h>

static uint64_t place_of(const struct hops *h, const struct endpoint *hop)
{
	uint64_t rest = (uint64_t)hop->port << 16 | (uint64_t)hop->transport << 8 | hop->ip.family;

	return mix_multiply(mix_load64(hop->ip.bytes) ^ 0x9e3779b97f4a7c15,
		       mix_multiply(mix_load64(hop->ip.bytes + 8) ^ rest, 0xd6e8feb86659fd93)) &
		h->mask;
}

// The slot of the hop, or the free one where it belongs.
static uint32_t *find(const struct hops *h, const struct endpoint all[], const struct endpoint *hop)
{
	uint64_t at = place_of(h, hop);

	while (h->slots[at] != 0 && !endpoint_equal(&all[h->slots[at] - 1], hop))
		at = (at + 1) & h->mask;
	return &h->slots[at];
}

static bool is_of(const struct hops *h, const struct image_info *info)
{
	return h->slots != NULL && h->generation == info->generation &&
		memcmp(h->digest, info->digest, sizeof(h->digest)) == 0;
}

static bool build(struct hops *h, const struct image *image)
{
	const struct image_info *info = image_info(image);
	uint32_t n;
	const struct endpoint *all = image_hops_of_all(image, &n);

	hops_fini(h);
	// At most half full, so that a search ends.
	for (h->mask = 1; h->mask < 2 * (uint64_t)n;)
		h->mask = 2 * h->mask + 1;
	h->slots = calloc(h->mask + 1, sizeof(*h->slots));
	if (h->slots == NULL)
		return false;
	h->generation = info->generation;
	memcpy(h->digest, info->digest, sizeof(h->digest));
	for (uint32_t i = 0; i < n; i++)
		*find(h, all, &all[i]) = i + 1;
	return true;
}

bool hops_have(struct hops *h, const struct image *image, const struct endpoint *hop)
{
	uint32_t n;

	if (image == NULL || (!is_of(h, image_info(image)) && !build(h, image)))
		return false;
	return *find(h, image_hops_of_all(image, &n), hop) != 0;
}

void hops_fini(struct hops *h)
{
	free(h->slots);
	*h = (struct hops){0};
}
