// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/worker/generation.h"

#include "lib/link/sealed.h"

#include <errno.h>
#include <numa.h>
#include <stdlib.h>
#include <sys/mman.h>

// Names that a worker remembers: enough that of the 10^4 that are active at a time (FEATURES §7)
// few share a set with two others.
#define CACHE_SLOTS 65536

// So that huge pages fit: look-ups go all over an image, and small ones cost a TLB miss each.
#define ALIGNMENT (UINT64_C(2) << 20)

struct block {
	void *at; // NULL: none
	size_t n_bytes;
};

struct generation_node {
	struct generation_node *next;
	int node;
	struct block bytes;
	struct block database_bytes;
	struct image *image;
	struct policy policy;
};

static bool has_nodes(void)
{
	return numa_available() >= 0 && numa_max_node() > 0;
}

// Memory of one node, never dumped: an image holds keys. False with errno.
static bool block_map(struct block *b, size_t n_bytes, int node)
{
	const size_t n_mapped = (n_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	uint8_t *at = mmap(NULL, n_mapped + ALIGNMENT, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t head;

	if (at == MAP_FAILED)
		return false;
	head = (ALIGNMENT - (uintptr_t)at % ALIGNMENT) % ALIGNMENT;
	if (head > 0)
		munmap(at, head);
	munmap(at + head + n_mapped, ALIGNMENT - head);
	b->at = at + head;
	b->n_bytes = n_mapped;
	// Both are hints, and both come before the first touch.
	(void)madvise(b->at, n_mapped, MADV_HUGEPAGE);
	(void)madvise(b->at, n_mapped, MADV_DONTDUMP);
	if (node >= 0 && has_nodes())
		numa_tonode_memory(b->at, n_mapped, node);
	return true;
}

static void block_unmap(struct block *b)
{
	if (b->at != NULL)
		munmap(b->at, b->n_bytes);
	b->at = NULL;
}

static void free_nodes(struct generation_node *n)
{
	while (n != NULL) {
		struct generation_node *next = n->next;

		image_close(n->image);
		block_unmap(&n->bytes);
		block_unmap(&n->database_bytes);
		free(n);
		n = next;
	}
}

// Where an image comes from: a memfd, or memory.
struct source {
	int fd;
	const void *bytes; // NULL: fd
	size_t n_bytes;
};

static int fill(const struct source *s, void *to)
{
	if (s->bytes == NULL)
		return sealed_read(s->fd, to, s->n_bytes);
	memcpy(to, s->bytes, s->n_bytes);
	return 0;
}

// NULL with errno and *error.
static struct generation_node *node_new(const struct source *s, int node, const char **error)
{
	struct generation_node *n = calloc(1, sizeof(*n));
	int rc;

	*error = "no memory for the image";
	if (n == NULL)
		return NULL;
	n->node = node;
	if (!block_map(&n->bytes, s->n_bytes, node))
		goto fail;
	rc = fill(s, n->bytes.at);
	if (rc < 0) {
		*error = "the image cannot be read";
		errno = -rc;
		goto fail;
	}
	n->image = image_open(n->bytes.at, s->n_bytes, error);
	if (n->image == NULL)
		goto fail;
	n->policy.image = n->image;
	return n;
fail:
	rc = errno;
	free_nodes(n);
	errno = rc;
	return NULL;
}

static struct generation_node *find_node(struct generation *g, int node)
{
	for (struct generation_node *n = g->nodes; n != NULL; n = n->next) {
		if (n->node == node)
			return n;
	}
	return NULL;
}

static struct generation *load(
	const struct source *from, const int nodes[], unsigned n_workers, const char **error)
{
	struct generation *g;
	struct source s = *from;

	*error = "too many workers";
	errno = EINVAL;
	if (n_workers == 0 || n_workers > GENERATION_WORKERS_MAX)
		return NULL;
	*error = "no memory for the image";
	g = calloc(1, sizeof(*g));
	if (g == NULL)
		return NULL;
	g->n_workers = n_workers;
	for (unsigned i = 0; i < n_workers; i++) {
		const int node = has_nodes() ? nodes[i] : -1;
		struct generation_node *n = find_node(g, node);

		if (n == NULL) {
			n = node_new(&s, node, error);
			if (n == NULL) {
				int saved = errno;

				generation_free(g);
				errno = saved;
				return NULL;
			}
			n->next = g->nodes;
			g->nodes = n;
			// The copies of further nodes are made from ours, which cannot change.
			s.bytes = n->bytes.at;
		}
		g->policy[i] = &n->policy;
	}
	g->info = *image_info(g->policy[0]->image);
	g->number = g->info.generation;
	return g;
}

struct generation *generation_read(
	int fd, size_t n_bytes, const int nodes[], unsigned n_workers, const char **error)
{
	const struct source s = {.fd = fd, .n_bytes = n_bytes};

	return load(&s, nodes, n_workers, error);
}

static int copy_database(struct generation_node *n, const char *serialized, size_t n_serialized)
{
	size_t n_bytes;
	hs_database_t *database;

	if (hs_serialized_database_size(serialized, n_serialized, &n_bytes) != HS_SUCCESS)
		return -EBADMSG;
	if (!block_map(&n->database_bytes, n_bytes, n->node))
		return -errno;
	database = n->database_bytes.at;
	if (hs_deserialize_database_at(serialized, n_serialized, database) != HS_SUCCESS)
		return -EBADMSG;
	n->policy.database = database;
	return 0;
}

static int copy_databases(struct generation *g, const hs_database_t *database)
{
	char *serialized;
	size_t n_serialized;
	int error = 0;

	if (hs_serialize_database(database, &serialized, &n_serialized) != HS_SUCCESS)
		return -ENOMEM;
	for (struct generation_node *n = g->nodes; n != NULL && error == 0; n = n->next)
		error = copy_database(n, serialized, n_serialized);
	free(serialized);
	return error;
}

int generation_arm(struct generation *g, const hs_database_t *database)
{
	int error = database != NULL ? copy_databases(g, database) : 0;

	for (unsigned i = 0; i < g->n_workers && error == 0; i++) {
		const struct generation_node *n = g->nodes;

		while (&n->policy != g->policy[i])
			n = n->next;
		// What main touches first here, the worker reads for as long as it lives.
		if (n->node >= 0)
			numa_set_preferred(n->node);
		g->decider[i] = decider_new(g->policy[i], CACHE_SLOTS);
		if (n->node >= 0)
			numa_set_localalloc();
		if (g->decider[i] == NULL)
			error = -ENOMEM;
	}
	return error;
}

struct generation *generation_new(const void *bytes, size_t n_bytes, const hs_database_t *database,
	const int nodes[], unsigned n_workers, const char **error)
{
	const struct source s = {.fd = -1, .bytes = bytes, .n_bytes = n_bytes};
	struct generation *g = load(&s, nodes, n_workers, error);
	int rc;

	if (g == NULL)
		return NULL;
	rc = generation_arm(g, database);
	if (rc == 0)
		return g;
	*error = "no memory for the deciders";
	generation_free(g);
	errno = -rc;
	return NULL;
}

void generation_free(struct generation *g)
{
	if (g == NULL)
		return;
	for (unsigned i = 0; i < g->n_workers; i++)
		decider_free(g->decider[i]);
	free_nodes(g->nodes);
	free(g);
}
