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
	// Of the peer being read: where its hops and its certificate are named, and what was said.
	unsigned hop_line[DOCUMENT_HOPS_MAX];
	unsigned hops_line, identity_line, verification_line, discover_line; // 0: not said
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
void document_end_peer(struct parse *p, struct errors *errors);
void document_free_peer(struct document_peer *peer);

// document_identity.c: how a peer proves itself.
void document_add_host(struct parse *p, const struct schema_event *e, struct errors *errors);
void document_add_fingerprint(struct parse *p, const struct schema_event *e, struct errors *errors);
void document_end_identity(struct parse *p, struct errors *errors);

// document_tls.c: certificates and tls.
void document_begin_certificate(struct parse *p, unsigned line);
void document_take_tls(struct parse *p, const struct schema_event *e, struct errors *errors);
void document_set_stamp(struct parse *p, const struct schema_event *e, struct errors *errors);
void document_resolve_certificates(struct parse *p, struct errors *errors);
void document_free_tls(struct document_tls *tls);
void document_free_texts(char **texts, size_t n);

static inline struct document_peer *document_last_peer(struct parse *p)
{
	return &p->document->peers[p->document->n_peers - 1];
}
