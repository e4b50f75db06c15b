// SPDX-License-Identifier: BSD-3-Clause
// federation.yaml as a struct: what may federate, and where it goes (FEATURES P1 to P4, O1).
// The schema's table in document.c is the one list of keys. Text in; nothing is opened here: a list
// file is only named. Any thread.

#pragma once

#include "lib/base/addr.h"
#include "lib/base/errors.h"
#include "lib/policy/image.h"

#define DOCUMENT_BYTES_MAX   (8u << 20)
#define DOCUMENT_FILES_MAX   64 // their descriptors travel in one message
#define DOCUMENT_HOPS_MAX    16 // of one peer
#define DOCUMENT_SOURCES_MAX 256

// A local domain's servers, or a partner's.
struct document_peer {
	char *name; // a partner's; NULL for a local domain
	bool local;
	unsigned line;
	struct endpoint *hops;
	size_t n_hops;
	struct ip_prefix *sources; // by default the hops' own addresses
	size_t n_sources;
	unsigned connections; // to each of the hops that is reached by a stream
};

enum document_entry_kind {
	DOCUMENT_DOMAIN,
	DOCUMENT_FILE, // a list file, see list.h; a path relative to the document's
	DOCUMENT_WILDCARD,
	DOCUMENT_REGEX,
};

// One line of local_domains, allow or block.
struct document_entry {
	enum document_entry_kind kind;
	enum image_list list;
	unsigned line;
	char *text;    // without `re:`
	char *partner; // as written; NULL in local_domains and block
	uint32_t peer; // index; UINT32_MAX in block
};

struct document {
	uint32_t flags; // enum image_flag
	uint32_t body_bytes_max;
	struct document_peer *peers;
	size_t n_peers;
	struct document_entry *entries; // in the document's order within each list
	size_t n_entries;
};

// NULL when errors has been added to (file_name of which is the document's).
struct document *document_parse(struct view text, struct errors *errors);
void document_free(struct document *d);

// The section that a list is called in the document: "local_domains", "allow" or "block".
const char *document_section(enum image_list list);

// The index-th list file that the document names, NULL beyond the last: each entry counts, also
// when two name the same file.
const struct document_entry *document_file(const struct document *d, size_t index);
