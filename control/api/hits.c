// SPDX-License-Identifier: BSD-3-Clause

#include "control/api/request.h"

#include "lib/policy/names.h"

#include <errno.h>
#include <stdlib.h>

#define TOP_MAX 10000

// Requests that the answer under way is for.
static struct request *waiting;

struct top {
	uint64_t n_hits;
	uint32_t entry;
};

// A heap of the n_max busiest entries, the least busy on top.
static void sift_down(struct top heap[], size_t n, size_t at)
{
	for (;;) {
		size_t least = at, child = 2 * at + 1;
		struct top moved = heap[at];

		for (size_t i = child; i < child + 2 && i < n; i++) {
			if (heap[i].n_hits < heap[least].n_hits)
				least = i;
		}
		if (least == at)
			return;
		heap[at] = heap[least];
		heap[least] = moved;
		at = least;
	}
}

static int busiest_first(const void *a, const void *b)
{
	const struct top *x = a, *y = b;

	if (x->n_hits != y->n_hits)
		return x->n_hits < y->n_hits ? 1 : -1;
	return x->entry < y->entry ? -1 : x->entry > y->entry;
}

static size_t pick_top(const uint64_t hits[], size_t n, struct top heap[], size_t n_max)
{
	size_t got = 0;

	for (size_t i = 0; i < n; i++) {
		if (hits[i] == 0)
			continue;
		if (got < n_max) {
			heap[got++] = (struct top){hits[i], (uint32_t)i};
			for (size_t at = got; got == n_max && at > 0; at--)
				sift_down(heap, got, at - 1);
		} else if (n_max > 0 && hits[i] > heap[0].n_hits) {
			heap[0] = (struct top){hits[i], (uint32_t)i};
			sift_down(heap, got, 0);
		}
	}
	qsort(heap, got, sizeof(heap[0]), busiest_first);
	return got;
}

static json_t *entry_json(const char *text, size_t n, uint64_t n_hits, const struct image *image,
	unsigned list, image_rule_id rule)
{
	return json_pack("{s:I, s:s%, s:s, s:o}", "hits", (json_int_t)n_hits, "entry", text, n,
		"list", list_name(list), "rule", rule_json(image, rule));
}

static int by_entry(const void *a, const void *b)
{
	const struct top *const *x = a, *const *y = b;

	return (*x)->entry < (*y)->entry ? -1 : (*x)->entry > (*y)->entry;
}

// Records have no index: one walk over them, in their order, finds all that are asked for.
static void add_names(const struct image *image, struct top *const sorted[], size_t n,
	json_t *rows[], const struct top *first)
{
	const struct names *names = image_names(image);
	uint32_t n_names = image_info(image)->n_names;
	const struct name_record *record = names->units + 1;
	size_t next = 0;

	for (uint32_t entry = 0; entry < n_names && next < n; entry++) {
		if (sorted[next]->entry == entry) {
			rows[sorted[next] - first] =
				entry_json((const char *)name_record_text(record), record->len,
					sorted[next]->n_hits, image, record->list, record->rule);
			next++;
		}
		record += names_units_of(record->len);
	}
	for (; next < n; next++) {
		struct image_pattern pattern =
			image_pattern_at(image, sorted[next]->entry - n_names);

		rows[sorted[next] - first] =
			entry_json((const char *)pattern.expression.at, pattern.expression.len,
				sorted[next]->n_hits, image, pattern.list, pattern.rule);
	}
}

static json_t *top_json(const struct image *image, struct top top[], size_t n)
{
	json_t **rows = calloc(n + 1, sizeof(json_t *)), *list = json_array();
	struct top **sorted = calloc(n + 1, sizeof(struct top *));

	if (rows != NULL && sorted != NULL) {
		for (size_t i = 0; i < n; i++)
			sorted[i] = &top[i];
		qsort(sorted, n, sizeof(struct top *), by_entry);
		add_names(image, sorted, n, rows, top);
		for (size_t i = 0; i < n; i++)
			json_array_append_new(list, rows[i]);
	}
	free(rows);
	free(sorted);
	return list;
}

static void answer(
	struct request *r, int error, uint64_t generation, const uint64_t hits[], size_t n)
{
	const struct replica *replica = publisher_replica(r->control->publisher);
	const struct image *image = replica != NULL ? replica_image(replica) : NULL;
	uint64_t n_top = 20;
	struct top *top;

	if (!request_get_number(r, "top", TOP_MAX, &n_top))
		return;
	if (error < 0) {
		request_refuse(r, "the dataplane did not answer: %s", strerror(-error));
		return;
	}
	// Entries have names only in the very image that they were counted in.
	if (image == NULL || image_info(image)->generation != generation ||
		n != (size_t)image_info(image)->n_names + image_info(image)->n_patterns) {
		request_refuse(r, "the dataplane judges by another revision; ask again");
		return;
	}
	top = calloc(n_top + 1, sizeof(*top));
	if (top == NULL) {
		request_refuse(r, "out of memory");
		return;
	}
	n = pick_top(hits, n, top, n_top);
	request_reply(r,
		json_pack("{s:I, s:o}", "generation", (json_int_t)generation, "hits",
			top_json(image, top, n)));
	free(top);
}

static void done(void *arg, int error, uint64_t generation, const uint64_t hits[], size_t n)
{
	struct request *r = waiting, *next;

	(void)arg;
	waiting = NULL;
	for (; r != NULL; r = next) {
		next = r->next;
		answer(r, error, generation, hits, n);
	}
}

void hits_command(struct request *r)
{
	int error = 0;

	if (waiting == NULL)
		error = dataplane_get_hits(publisher_dataplane(r->control->publisher), done, NULL);
	if (error < 0) {
		if (error == -ENOTCONN)
			request_refuse(r, "no dataplane is attached");
		else
			request_refuse(r, "the dataplane cannot be asked: %s", strerror(-error));
		return;
	}
	r->next = waiting;
	waiting = r;
}
