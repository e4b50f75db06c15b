// SPDX-License-Identifier: BSD-3-Clause
// federation.yaml as a struct: what may federate, and where it goes (FEATURES P1 to P4, O1).
// The schema's table in document.c is the one list of keys. Text in; nothing is opened here: a list
// file is only named. Any thread.

#pragma once

#include "lib/base/addr.h"
#include "lib/base/errors.h"
#include "lib/policy/image.h"

#define DOCUMENT_BYTES_MAX        (8u << 20)
#define DOCUMENT_FILES_MAX        64 // their descriptors travel in one message
#define DOCUMENT_HOPS_MAX         16 // of one peer
#define DOCUMENT_SOURCES_MAX      256
#define DOCUMENT_CERTIFICATES_MAX 256
#define DOCUMENT_TRUST_MAX        64 // files of roots, and of CRLs

// Where requests go: an address, or the name of a host (to: of family IP_NAMED, without key).
struct document_hop {
	struct endpoint to;
	char *host; // canonical; NULL for an address
};

// A local domain's servers, or a partner's.
struct document_peer {
	char *name; // a partner's; NULL for a local domain
	bool local;
	unsigned line;
	struct document_hop *hops; // none of one that is discovered
	size_t n_hops;
	bool discovered;
	struct ip_prefix *sources; // by default the addresses of the hops without TLS
	size_t n_sources;
	unsigned connections; // to each of the hops that is reached by a stream
	// What a connection over TLS must have proved. Hosts, or fingerprints, where that is it.
	enum image_identity identity;
	char **hosts; // canonical
	size_t n_hosts;
	uint8_t (*fingerprints)[IMAGE_FINGERPRINT_BYTES];
	size_t n_fingerprints;
	enum image_verification verification;
	char *certificate; // of ours, of a local domain; NULL: the default one
	unsigned certificate_line;
	unsigned tls_line; // where it is said that it is reached over TLS; 0: it is not
};

// One of our certificates. Its files, and all others of struct document_tls, are plain names:
// control opens them itself, in its own folder, so that no key is ever handed to it.
struct document_certificate {
	char *name;
	char *certificate, *key; // PEM: the certificate and its issuers; its key
	unsigned line;
};

// In the order of the words in document_keys.c.
enum document_eku {
	DOCUMENT_EKU_SERVER, // FEATURES T6
	DOCUMENT_EKU_IGNORE,
	DOCUMENT_EKU_STRICT,
};
enum document_revocation {
	DOCUMENT_REVOCATION_KNOWN,    // who is on a CRL is refused
	DOCUMENT_REVOCATION_REQUIRED, // and who has none that is current
};
enum document_tls_version {
	DOCUMENT_TLS_12,
	DOCUMENT_TLS_13,
};

// DOCUMENT_TRUST_SYSTEM among roots means the system's.
#define DOCUMENT_TRUST_SYSTEM "system"

struct document_tls {
	struct document_certificate *certificates; // the first is the default one
	size_t n_certificates;
	char **trust; // who vouches for partners
	size_t n_trust;
	char **trust_inside; // who for our own servers; none: the same
	size_t n_trust_inside;
	char **crls;
	size_t n_crls;
	enum document_eku eku;
	enum document_revocation revocation;
	enum document_tls_version version_min;
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
	char *stamp; // name of its header field
	struct document_tls tls;
	struct document_peer *peers;
	size_t n_peers;
	struct document_entry *entries; // in the document's order within each list
	size_t n_entries;
};

// NULL when errors has been added to (file_name of which is the document's).
struct document *document_parse(struct view text, struct errors *errors);
void document_free(struct document *d);

// Whether it may be served: one that is reached over TLS, or reaches others so, needs certificates
// and trust. Not asked by document_parse(), for that reads it too for who wants to make them. 0, or
// -EINVAL when errors has been added to.
int document_check_tls(const struct document *d, struct errors *errors);

// The section that a list is called in the document: "local_domains", "allow" or "block".
const char *document_section(enum image_list list);

// The index-th list file that the document names, NULL beyond the last: each entry counts, also
// when two name the same file.
const struct document_entry *document_file(const struct document *d, size_t index);
