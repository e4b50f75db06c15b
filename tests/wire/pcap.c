// SPDX-License-Identifier: BSD-3-Clause

#include "tests/wire/pcap.h"

#include <time.h>

// https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html
#define MAGIC_NS          0xa1b23c4du
#define LINKTYPE_ETHERNET 1
#define SNAP_BYTES        65535

FILE *pcap_new(const char *path)
{
	const struct {
		uint32_t magic;
		uint16_t major, minor;
		uint32_t zero[2], snap_bytes, link_type;
	} head = {MAGIC_NS, 2, 4, {0, 0}, SNAP_BYTES, LINKTYPE_ETHERNET};
	FILE *file = fopen(path, "we");

	if (file != NULL)
		fwrite(&head, sizeof(head), 1, file);
	return file;
}

void pcap_add(FILE *file, const uint8_t *frame, size_t n_bytes)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	const uint32_t head[] = {
		(uint32_t)t.tv_sec, (uint32_t)t.tv_nsec, (uint32_t)n_bytes, (uint32_t)n_bytes};

	fwrite(head, sizeof(head), 1, file);
	fwrite(frame, n_bytes, 1, file);
}
