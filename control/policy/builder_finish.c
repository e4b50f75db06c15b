// SPDX-License-Identifier: BSD-3-Clause

#include "control/policy/builder_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

// Names a bucket of sixteen slots holds at most on average: at eight, one bucket in 300 overflows
// into the next one.
#define NAMES_A_BUCKET 8
// Doublings of the table until every name is within NAMES_PROBES_MAX buckets.
#define DOUBLINGS_MAX 3

// How many slots of each bucket are taken. Deciding where names go on these bytes first, which fit
// the cache, is quicker than on the table itself.
struct fill {
	uint8_t *n_used;
	uint64_t mask;
};

// The bucket that takes a name, counted; -1: none within the bound.
static int64_t take_bucket(struct fill *fill, uint64_t hash)
{
	for (unsigned probe = 0; probe < NAMES_PROBES_MAX; probe++) {
		uint64_t bucket = (hash + probe) & fill->mask;

		if (fill->n_used[bucket] < NAMES_BUCKET_SLOTS) {
			fill->n_used[bucket]++;
			return (int64_t)bucket;
		}
	}
	return -1;
}

static bool all_names_fit(struct fill *fill, const struct builder_name *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (take_bucket(fill, names[i].hash) < 0)
			return false;
	}
	return true;
}

// Chooses the number of buckets. fill->n_used is the caller's to free.
static int size_table(const struct builder *b, struct fill *fill)
{
	uint64_t n_buckets = 1;

	while (n_buckets * NAMES_A_BUCKET < b->names.n)
		n_buckets *= 2;
	for (unsigned doubling = 0; doubling <= DOUBLINGS_MAX; doubling++, n_buckets *= 2) {
		fill->mask = n_buckets - 1;
		fill->n_used = calloc(n_buckets, 1);
		if (fill->n_used == NULL)
			return -ENOMEM;
		if (all_names_fit(fill, b->names.items, b->names.n)) {
			memset(fill->n_used, 0, n_buckets);
			return 0;
		}
		free(fill->n_used);
		fill->n_used = NULL;
	}
	return -ENOSPC;
}

static void put_names(const struct builder *b, struct fill *fill, struct name_bucket *buckets)
{
	const struct builder_name *names = b->names.items;

	for (size_t i = 0; i < b->names.n; i++) {
		int64_t bucket = take_bucket(fill, names[i].hash);

		if (bucket < 0)
			abort(); // size_table() took the same way
		buckets[bucket].slots[fill->n_used[bucket] - 1] =
			names_slot(names[i].hash, names[i].unit);
	}
}

// Fills the header's extents; returns the bytes of the whole image.
static uint64_t lay_out(const struct builder *b, uint64_t n_buckets, struct image_header *header)
{
	const uint64_t counts[SECTION_N] = {
		[SECTION_BUCKETS] = n_buckets,
		[SECTION_NAMES] = b->units.n + NAMES_TAIL_UNITS,
		[SECTION_PATTERNS] = b->patterns.n,
		[SECTION_PEERS] = b->peers.n,
		[SECTION_HOPS] = b->hops.n,
		[SECTION_PREFIXES] = b->prefixes.n,
		[SECTION_IDENTITIES] = b->identities.n,
		[SECTION_HOP_NAMES] = b->hop_names.n,
		[SECTION_SOURCES] = b->sources.n,
		[SECTION_TEXT] = b->text.n,
	};
	uint64_t end = sizeof(*header);

	for (unsigned i = 0; i < SECTION_N; i++) {
		struct image_extent *s = &header->sections[i];

		s->offset = (end + IMAGE_ALIGNMENT - 1) & ~(uint64_t)(IMAGE_ALIGNMENT - 1);
		s->count = counts[i];
		s->n_bytes = counts[i] * image_item_bytes[i];
		end = s->offset + s->n_bytes;
	}
	return end;
}

static void write_image(const struct builder *b, struct fill *fill,
	const struct image_header *header, uint8_t *image)
{
	const struct buffer *const buffers[SECTION_N] = {
		[SECTION_NAMES] = &b->units,
		[SECTION_PATTERNS] = &b->patterns,
		[SECTION_PEERS] = &b->peers,
		[SECTION_HOPS] = &b->hops,
		[SECTION_PREFIXES] = &b->prefixes,
		[SECTION_IDENTITIES] = &b->identities,
		[SECTION_HOP_NAMES] = &b->hop_names,
		[SECTION_SOURCES] = &b->sources,
		[SECTION_TEXT] = &b->text,
	};
	struct image_header *written = (struct image_header *)image;

	memcpy(image, header, sizeof(*header));
	for (unsigned i = 0; i < SECTION_N; i++) {
		if (buffers[i] != NULL && buffers[i]->n > 0)
			memcpy(image + header->sections[i].offset, buffers[i]->items,
				buffers[i]->n * image_item_bytes[i]);
	}
	put_names(
		b, fill, (struct name_bucket *)(image + header->sections[SECTION_BUCKETS].offset));
	written->digest = image_digest_of(image, header->n_bytes);
	written->checksum = image_checksum_of(written);
}

// The descriptor of a sealed memfd with the image, or -errno. info: of the image.
static int write_memfd(const struct builder *b, struct fill *fill,
	const struct image_header *header, struct image_info *info)
{
	int fd = memfd_create("policy-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *image;
	int rc;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)header->n_bytes) != 0)
		goto fail;
	image = mmap(
		NULL, header->n_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (image == MAP_FAILED)
		goto fail;
	write_image(b, fill, header, image);
	*info = image_info_of(image);
	munmap(image, header->n_bytes);
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
		goto fail;
	return fd;
fail:
	rc = -errno;
	close(fd);
	return rc;
}

static int compare_hop_names(const void *a, const void *b)
{
	const struct image_hop_row *x = a, *y = b;
	int order = memcmp(x->key, y->key, sizeof(x->key));

	return order != 0 ? order
			  : (x->name.offset > y->name.offset) - (x->name.offset < y->name.offset);
}

// By key, each once.
static void sort_hop_names(struct buffer *names)
{
	struct image_hop_row *rows = names->items;
	size_t n = 0;

	if (names->n > 1)
		qsort(rows, names->n, sizeof(*rows), compare_hop_names);
	for (size_t i = 0; i < names->n; i++) {
		if (n == 0 || memcmp(rows[n - 1].key, rows[i].key, sizeof(rows[i].key)) != 0)
			rows[n++] = rows[i];
	}
	names->n = n;
}

int builder_finish(struct builder *b, uint64_t generation, struct image_info *info)
{
	struct image_header header = {
		.magic = IMAGE_MAGIC,
		.version = IMAGE_VERSION,
		.flags = b->settings.flags,
		.generation = generation,
		.pattern_digest =
			image_pattern_digest_of(b->patterns.items, b->patterns.n, b->text.items),
		.names_seed = {b->seed[0], b->seed[1]},
		.relay_key = siphash_key_from(b->settings.relay_key),
		.body_bytes_max = b->settings.body_bytes_max,
		.n_names = (uint32_t)b->names.n,
		.stamp = b->stamp,
	};
	struct fill fill = {0};
	int rc = size_table(b, &fill);

	sort_hop_names(&b->hop_names);
	if (rc == 0) {
		header.n_bytes = lay_out(b, fill.mask + 1, &header);
		rc = header.n_bytes <= IMAGE_BYTES_MAX ? write_memfd(b, &fill, &header, info)
						       : -ENOSPC;
	}
	free(fill.n_used);
	return rc;
}
