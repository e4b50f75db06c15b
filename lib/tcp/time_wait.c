// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/time_wait.h"

#include "lib/tcp/seq.h"

#include <string.h>

#define NONE UINT32_MAX

size_t tcp_time_waits_memory_bytes(uint32_t n)
{
	return n * sizeof(struct tcp_time_wait);
}

void tcp_time_waits_init(struct tcp_time_waits *w, void *memory, uint32_t n)
{
	*w = (struct tcp_time_waits){
		.entries = memory, .n = n, .free = NONE, .oldest = NONE, .newest = NONE};
}

static uint32_t index_of(const struct tcp_time_waits *w, const struct tcp_time_wait *e)
{
	return (uint32_t)(e - w->entries);
}

static void unlink_entry(struct tcp_time_waits *w, struct tcp_time_wait *e)
{
	if (e->prev == NONE)
		w->oldest = e->next;
	else
		w->entries[e->prev].next = e->next;
	if (e->next == NONE)
		w->newest = e->prev;
	else
		w->entries[e->next].prev = e->prev;
}

static void link_newest(struct tcp_time_waits *w, struct tcp_time_wait *e)
{
	uint32_t index = index_of(w, e);

	e->next = NONE;
	e->prev = w->newest;
	if (w->newest == NONE)
		w->oldest = index;
	else
		w->entries[w->newest].next = index;
	w->newest = index;
}

// Unused, or the oldest once it has been taken out; NULL with n of 0.
static struct tcp_time_wait *get(
	struct tcp_time_waits *w, struct tcp_time_wait *evicted, bool *has_evicted)
{
	struct tcp_time_wait *e;

	if (w->free != NONE) {
		e = &w->entries[w->free];
		w->free = e->next;
	} else if (w->n_touched < w->n) {
		e = &w->entries[w->n_touched++];
	} else if (w->oldest != NONE) {
		e = &w->entries[w->oldest];
		*evicted = *e;
		*has_evicted = true;
		unlink_entry(w, e);
		w->n_used--;
	} else {
		return NULL;
	}
	w->n_used++;
	return e;
}

struct tcp_time_wait *tcp_time_wait_add(
	struct tcp_time_waits *w, struct tcp_time_wait *evicted, bool *has_evicted)
{
	struct tcp_time_wait *e;

	*has_evicted = false;
	e = get(w, evicted, has_evicted);
	if (e == NULL)
		return NULL;
	memset(e, 0, sizeof(*e));
	link_newest(w, e);
	return e;
}

struct tcp_time_wait *tcp_time_wait_next_due(struct tcp_time_waits *w, uint32_t now)
{
	struct tcp_time_wait *e;

	if (w->oldest == NONE)
		return NULL;
	e = &w->entries[w->oldest];
	return seq_le(e->due, now) ? e : NULL;
}

void tcp_time_wait_restart(struct tcp_time_waits *w, struct tcp_time_wait *e, uint32_t due)
{
	unlink_entry(w, e);
	e->due = due;
	link_newest(w, e);
}

void tcp_time_wait_del(struct tcp_time_waits *w, struct tcp_time_wait *e)
{
	unlink_entry(w, e);
	e->next = w->free;
	w->free = index_of(w, e);
	w->n_used--;
}
