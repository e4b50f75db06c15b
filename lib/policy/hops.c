// SPDX-License-Identifier: BSD-3-Clause

#include "lib/policy/hops.h"

#include <errno.h>
#include <stdlib.h>

static int compare(const struct endpoint *a, const struct endpoint *b)
{
	int order = memcmp(a->ip.bytes, b->ip.bytes, sizeof(a->ip.bytes));

	if (order == 0)
		order = (int)a->port - (int)b->port;
	if (order == 0)
		order = (int)a->ip.family - (int)b->ip.family;
	return order != 0 ? order : (int)a->transport - (int)b->transport;
}

static int by_endpoint(const void *a, const void *b, void *all)
{
	const struct endpoint *list = all;

	return compare(&list[*(const uint32_t *)a], &list[*(const uint32_t *)b]);
}

int hops_init(struct hops *h, const struct endpoint all[], uint32_t n)
{
	h->all = all;
	h->n = n;
	h->sorted = malloc(((size_t)n + 1) * sizeof(*h->sorted));
	if (h->sorted == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		h->sorted[i] = i;
	// Read only.
	qsort_r(h->sorted, n, sizeof(*h->sorted), by_endpoint, (void *)(uintptr_t)all);
	return 0;
}

void hops_fini(struct hops *h)
{
	free(h->sorted);
	h->sorted = NULL;
}

bool hops_have(const struct hops *h, const struct endpoint *hop)
{
	uint32_t from = 0, to = h->n;

	while (from < to) {
		uint32_t middle = from + (to - from) / 2;
		int order = compare(hop, &h->all[h->sorted[middle]]);

		if (order == 0)
			return true;
		if (order < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return false;
}
