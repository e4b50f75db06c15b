// SPDX-License-Identifier: BSD-3-Clause

#include "control/policy/document.h"

#include "control/policy/document_keys.h"
#include "control/policy/document_parse.h"
#include "lib/policy/domain.h"

#include <errno.h>
#include <stdlib.h>

// Room for one more in an array that only this grows: n elements of size bytes, doubled as n passes
// the powers of two. A zeroed element, or NULL.
void *document_push(struct parse *p, void **array, size_t *n, size_t size)
{
	void *grown = *array;

	if ((*n & (*n - 1)) == 0) {
		grown = reallocarray(*array, *n > 0 ? *n * 2 : 1, size);
		if (grown == NULL) {
			p->out_of_memory = true;
			return NULL;
		}
		*array = grown;
	}
	return memset((uint8_t *)grown + (*n)++ * size, 0, size);
}

char *document_copy_text(struct parse *p, struct view text)
{
	char *copy = strndup((const char *)text.at, text.len);

	p->out_of_memory |= copy == NULL;
	return copy;
}

static struct document_entry *last_entry(struct parse *p)
{
	return &p->document->entries[p->document->n_entries - 1];
}

static struct document_entry *begin_entry(struct parse *p, enum image_list list, unsigned line)
{
	struct document *d = p->document;
	struct document_entry *entry = PUSH(p, d->entries, d->n_entries);

	if (entry != NULL) {
		entry->list = list;
		entry->line = line;
		entry->peer = UINT32_MAX;
	}
	return entry;
}

static void check_domain(const struct schema_event *e, struct errors *errors)
{
	struct domain domain;

	if (domain_canonical(e->text, &domain) < 0)
		errors_add(errors, e->line,
			"\"%.100s\" is not a valid domain name; one such as contoso.example is "
			"expected",
			(const char *)e->text.at);
}

static void add_local_domain(struct parse *p, const struct schema_event *e, struct errors *errors)
{
	struct document_entry *entry = begin_entry(p, IMAGE_LOCAL, e->line);

	check_domain(e, errors);
	if (entry == NULL)
		return;
	entry->peer = (uint32_t)(p->document->n_peers - 1);
	entry->text = document_copy_text(p, e->text);
}

static void set_entry(struct parse *p, const struct schema_event *e, struct errors *errors)
{
	struct document_entry *entry = last_entry(p);
	struct view text = e->text;

	if (entry->text != NULL) {
		errors_add(errors, e->line,
			"an entry has one of domain, file and pattern; begin another entry for a "
			"second");
		return;
	}
	entry->line = e->line;
	if (e->key->id == KEY_DOMAIN) {
		entry->kind = DOCUMENT_DOMAIN;
		check_domain(e, errors);
	} else if (e->key->id == KEY_FILE) {
		entry->kind = DOCUMENT_FILE;
		if (p->n_files++ == DOCUMENT_FILES_MAX)
			errors_add(errors, e->line, "more than %d list files; join some of them",
				DOCUMENT_FILES_MAX);
	} else if (text.len >= 3 && memcmp(text.at, "re:", 3) == 0) {
		entry->kind = DOCUMENT_REGEX;
		text = view_of(text.at + 3, text.len - 3);
	} else {
		entry->kind = DOCUMENT_WILDCARD;
	}
	entry->text = document_copy_text(p, text);
}

static void take_begin(struct parse *p, const struct schema_event *e)
{
	p->section = e->key->id;
	if (e->key->id == KEY_LOCAL_DOMAINS || e->key->id == KEY_PARTNERS)
		document_begin_peer(p, e->key->id == KEY_LOCAL_DOMAINS, e->line);
	else if (e->key->id == KEY_CERTIFICATES)
		document_begin_certificate(p, e->line);
	else if (e->key->id == KEY_ALLOW || e->key->id == KEY_BLOCK)
		begin_entry(p, e->key->id == KEY_ALLOW ? IMAGE_ALLOW : IMAGE_BLOCK, e->line);
}

static void take_end(struct parse *p, const struct schema_event *e, struct errors *errors)
{
	if (e->faulty)
		return;
	if (e->key->id == KEY_LOCAL_DOMAINS || e->key->id == KEY_PARTNERS)
		document_end_peer(p, errors);
	else if ((e->key->id == KEY_ALLOW || e->key->id == KEY_BLOCK) &&
		last_entry(p)->text == NULL)
		errors_add(errors, last_entry(p)->line,
			"an entry of %s without a name; domain, file or pattern is expected",
			e->key->name);
}

static void take_peer_value(struct parse *p, const struct schema_event *e, struct errors *errors)
{
	struct document_peer *peer = document_last_peer(p);

	switch (e->key->id) {
	case KEY_NAME:
		peer->name = document_copy_text(p, e->text);
		break;
	case KEY_HOP:
		document_add_hop(p, e, errors);
		break;
	case KEY_SOURCE:
		document_add_source(p, e, errors);
		break;
	case KEY_CONNECTIONS:
		peer->connections = (unsigned)e->number;
		break;
	case KEY_DISCOVER:
		peer->discovered = e->number != 0;
		p->discover_line = e->line;
		break;
	case KEY_IDENTITY:
		peer->identity = (enum image_identity)e->number;
		p->identity_line = e->line;
		break;
	case KEY_HOST:
		document_add_host(p, e, errors);
		break;
	case KEY_FINGERPRINT:
		document_add_fingerprint(p, e, errors);
		break;
	case KEY_VERIFICATION:
		peer->verification = (enum image_verification)e->number;
		p->verification_line = e->line;
		break;
	case KEY_CERTIFICATE:
		peer->certificate = document_copy_text(p, e->text);
		peer->certificate_line = e->line;
		break;
	default:
		break;
	}
}

static void take_value(struct parse *p, const struct schema_event *e, struct errors *errors)
{
	struct document *d = p->document;

	switch (e->key->id) {
	case KEY_ENABLED:
		d->flags |= e->number ? IMAGE_FEDERATION_ON : 0;
		break;
	case KEY_SIP:
		d->flags |= e->number ? IMAGE_SIP_ON : 0;
		break;
	case KEY_STAMP:
		document_set_stamp(p, e, errors);
		break;
	case KEY_BODY:
		d->body_bytes_max = (uint32_t)e->number;
		break;
	case KEY_DOMAIN:
	case KEY_FILE:
	case KEY_PATTERN:
		if (p->section == KEY_LOCAL_DOMAINS)
			add_local_domain(p, e, errors);
		else
			set_entry(p, e, errors);
		break;
	case KEY_PARTNER:
		last_entry(p)->partner = document_copy_text(p, e->text);
		break;
	case KEY_COMMENT: // for the document's readers; the revision keeps it
	default:
		break;
	}
}

// Keys of one name mean what the map that they stand in says.
static void take_in_section(struct parse *p, const struct schema_event *e, struct errors *errors)
{
	bool is_name = e->key->id == KEY_DOMAIN || e->key->id == KEY_FILE ||
		e->key->id == KEY_PATTERN || e->key->id == KEY_PARTNER;

	if (p->section == KEY_CERTIFICATES || p->section == KEY_TLS)
		document_take_tls(p, e, errors);
	else if ((p->section == KEY_LOCAL_DOMAINS || p->section == KEY_PARTNERS) && !is_name)
		take_peer_value(p, e, errors);
	else
		take_value(p, e, errors);
}

static void take(void *arg, const struct schema_event *e, struct errors *errors)
{
	struct parse *p = arg;

	if (p->out_of_memory)
		return;
	if (e->kind == SCHEMA_BEGIN)
		take_begin(p, e);
	else if (e->kind == SCHEMA_VALUE)
		take_in_section(p, e, errors);
	else
		take_end(p, e, errors);
}

static int compare_names(const void *a, const void *b)
{
	const struct document_peer *const *x = a, *const *y = b;
	int order = strcmp((*x)->name, (*y)->name);

	return order != 0 ? order : ((*x)->line > (*y)->line) - ((*x)->line < (*y)->line);
}

static int compare_name(const void *key, const void *b)
{
	const struct document_peer *const *y = b;

	return strcmp(key, (*y)->name);
}

// Entries name their partners, who may stand before or after them.
static void resolve_partners(struct parse *p, struct errors *errors)
{
	struct document *d = p->document;
	struct document_peer **sorted = calloc(d->n_peers + 1, sizeof(*sorted)), **found;
	size_t n = 0;

	if (sorted == NULL) {
		p->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < d->n_peers; i++) {
		if (d->peers[i].name != NULL)
			sorted[n++] = &d->peers[i];
	}
	qsort(sorted, n, sizeof(struct document_peer *), compare_names);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
			errors_add(errors, sorted[i]->line,
				"a partner called \"%s\" stands on line %u already; another name "
				"is "
				"expected",
				sorted[i]->name, sorted[i - 1]->line);
	}
	for (size_t i = 0; i < d->n_entries; i++) {
		struct document_entry *entry = &d->entries[i];

		if (entry->partner == NULL)
			continue;
		found = bsearch(
			entry->partner, sorted, n, sizeof(struct document_peer *), compare_name);
		if (found == NULL)
			errors_add(errors, entry->line,
				"no partner is called \"%s\"; a name from partners is expected",
				entry->partner);
		else
			entry->peer = (uint32_t)(*found - d->peers);
	}
	free(sorted);
}

struct document *document_parse(struct view text, struct errors *errors)
{
	struct parse p = {0};
	unsigned n_before = errors->n;
	int error;

	p.document = calloc(1, sizeof(*p.document));
	if (p.document == NULL) {
		errors_add(errors, 0, "out of memory");
		return NULL;
	}
	p.document->body_bytes_max = DOCUMENT_BODY_DEFAULT;
	p.document->stamp = document_copy_text(&p, VIEW(DOCUMENT_STAMP_DEFAULT));
	error = schema_read(text, document_keys, take, &p, errors);
	// Half a document would accuse entries of partners that only failed to be read.
	if (error == 0 && !p.out_of_memory) {
		resolve_partners(&p, errors);
		document_resolve_certificates(&p, errors);
	}
	if (error == -ENOMEM || p.out_of_memory)
		errors_add(errors, 0, "out of memory");
	if (error < 0 || errors->n > n_before) {
		document_free(p.document);
		return NULL;
	}
	return p.document;
}

void document_free(struct document *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->n_peers; i++)
		document_free_peer(&d->peers[i]);
	for (size_t i = 0; i < d->n_entries; i++) {
		free(d->entries[i].text);
		free(d->entries[i].partner);
	}
	document_free_tls(&d->tls);
	free(d->stamp);
	free(d->peers);
	free(d->entries);
	free(d);
}

const char *document_section(enum image_list list)
{
	static const char *const names[] = {
		[IMAGE_LOCAL] = "local_domains",
		[IMAGE_ALLOW] = "allow",
		[IMAGE_BLOCK] = "block",
	};

	return names[list];
}

const struct document_entry *document_file(const struct document *d, size_t index)
{
	for (size_t i = 0; i < d->n_entries; i++) {
		if (d->entries[i].kind == DOCUMENT_FILE && index-- == 0)
			return &d->entries[i];
	}
	return NULL;
}
