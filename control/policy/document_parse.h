// SPDX-License-Identifier: BSD-3-Clause
// A federation document being read: what document.c and document_peers.c share; nobody else
// includes it.

#pragma once

#include "control/policy/document.h"
#include "lib/yaml/schema.h"

struct parse {
	struct document *document;
	int section; // enum document_key of the map last begun
	size_t n_files;
	unsigned hop_line[DOCUMENT_HOPS_MAX]; // of the peer being read
	bool out_of_memory;
};

// Room for one more in an array that only this grows: n elements of size bytes, doubled as n passes
// the powers of two. A zeroed element, or NULL.
void *document_push(struct parse *p, void **array, size_t *n, size_t size);
#define PUSH(p, array, n) document_push(p, (void **)&(array), &(n), sizeof(*(array)))

char *document_copy_text(struct parse *p, struct view text); // NULL: p->out_of_memory is set

// document_peers.c: local domains and partners, by where a request to them goes and what they send
// from. Begun at its map's begin, ended at the end of one that is whole.
void document_begin_peer(struct parse *p, bool local, unsigned line);
void document_add_hop(struct parse *p, const struct schema_event *e, struct errors *errors);
void document_add_source(struct parse *p, const struct schema_event *e, struct errors *errors);
void document_end_peer(struct parse *p);
static inline struct document_peer *document_last_peer(struct parse *p)
{
	return &p->document->peers[p->document->n_peers - 1];
}
