// SPDX-License-Identifier: BSD-3-Clause
// The next hops of a policy image as a set: whether any peer has a given one. Made by image_open(),
// in time that no choice of hops makes longer than n log n; image_has_hop() asks it.

#pragma once

#include "lib/base/addr.h"

struct hops {
	const struct endpoint *all; // the image's
	uint32_t n;
	uint32_t *sorted; // their indexes, by what endpoint_equal() compares
};

// 0, or -ENOMEM.
int hops_init(struct hops *h, const struct endpoint all[], uint32_t n);
void hops_fini(struct hops *h);

bool hops_have(const struct hops *h, const struct endpoint *hop);
