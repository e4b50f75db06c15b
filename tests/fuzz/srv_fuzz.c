// SPDX-License-Identifier: BSD-3-Clause
// SRV records of anybody's DNS: what is taken is a host name that can be written and read again.

#include "control/dns/srv.h"

#include <stdlib.h>

static uint32_t draw(void *arg)
{
	uint32_t *state = arg;

	*state = *state * 1664525 + 1013904223;
	return *state;
}

static void check_name(const struct srv *srv)
{
	size_t n = strlen(srv->target);

	if (n >= DNS_NAME_BYTES || (n > 0 && (srv->target[0] == '.' || srv->target[n - 1] == '.')))
		abort();
	for (size_t i = 0; i < n; i++) {
		char c = srv->target[i];

		if (ascii_lower((uint8_t)c) != (uint8_t)c || c <= ' ' || (uint8_t)c >= 0x7f)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct srv list[8];
	uint32_t seed = (uint32_t)size, sum = 0, sum_after = 0;
	size_t n = 0, at = 0;

	// Records one after the other, each behind its length.
	while (n < 8 && at < size) {
		size_t len = data[at++];

		if (len > size - at)
			len = size - at;
		if (srv_parse(view_of(data + at, len), &list[n]) == 0) {
			check_name(&list[n]);
			sum += list[n++].weight;
		}
		at += len;
	}
	srv_order(list, n, draw, &seed);
	for (size_t i = 0; i < n; i++) {
		sum_after += list[i].weight;
		if (i > 0 && list[i].priority < list[i - 1].priority)
			abort();
	}
	if (sum != sum_after)
		abort();
	return 0;
}
