// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/attach/segments.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static void free_one(struct worker_segment **slot)
{
	if (*slot == NULL)
		return;
	link_segment_unmap((*slot)->segment);
	free(*slot);
	*slot = NULL;
}

int segments_make(struct segments *s, uint32_t epoch, int fds[])
{
	int error;

	for (unsigned i = 0; i < s->n_workers; i++) {
		struct worker_segment *made = calloc(1, sizeof(*made));

		error = -ENOMEM;
		if (made != NULL) {
			made->epoch = epoch;
			fds[i] = error = link_segment_create(&made->segment);
		}
		if (error < 0) {
			free(made);
			while (i-- > 0) {
				close(fds[i]);
				free_one(&s->current[i]);
			}
			return error;
		}
		s->current[i] = made;
	}
	return 0;
}

void segments_offer(struct segments *s)
{
	for (unsigned i = 0; i < s->n_workers; i++) {
		// Pairs with the acquire in worker_link_poll(): the rings are ready.
		atomic_store_explicit(
			&s->workers[i].offered_segment, s->current[i], memory_order_release);
	}
	s->offered = true;
}

void segments_revoke(struct segments *s)
{
	for (unsigned i = 0; i < s->n_workers; i++) {
		if (!s->offered) {
			free_one(&s->current[i]);
			continue;
		}
		s->revoked[i] = s->current[i];
		s->current[i] = NULL;
	}
	s->offered = false;
	(void)segments_free_revoked(s);
}

// A worker that has not yet shown a segment may have just loaded it, so it is taken back only when
// it was shown, and freed when NULL is shown after that: two steps, each seen by the other side.
static bool let_go(struct worker *w, const struct worker_segment *revoked)
{
	// Pairs with the release in take_up().
	const struct worker_segment *applied =
		atomic_load_explicit(&w->applied_segment, memory_order_acquire);

	if (atomic_load_explicit(&w->offered_segment, memory_order_relaxed) == NULL)
		return applied == NULL;
	if (applied == revoked)
		atomic_store_explicit(&w->offered_segment, NULL, memory_order_release);
	return false;
}

bool segments_free_revoked(struct segments *s)
{
	bool all = true;

	for (unsigned i = 0; i < s->n_workers; i++) {
		if (s->revoked[i] != NULL && let_go(&s->workers[i], s->revoked[i]))
			free_one(&s->revoked[i]);
		all = all && s->revoked[i] == NULL;
	}
	return all;
}

void segments_fini(struct segments *s)
{
	for (unsigned i = 0; i < s->n_workers; i++) {
		free_one(&s->current[i]);
		free_one(&s->revoked[i]);
	}
}
