// SPDX-License-Identifier: BSD-3-Clause

#include "control/policy/compile.h"

#include "control/policy/builder.h"
#include "control/policy/list.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLACE_BYTES 128
#define SOURCES_MAX (4 + DOCUMENT_FILES_MAX)

struct compile {
	const struct compile_input *input;
	struct builder *builder;
	struct errors *errors;
	// By the builder's number of a source: the list file's entry, NULL for the document itself.
	const struct document_entry *file_of_source[SOURCES_MAX];
	uint8_t source_of_list[3]; // by enum image_list: the document's section
	uint8_t source_of_partners;
};

// Where a name comes from, and what it says.
struct origin {
	const char *file_name;
	unsigned line;
	enum image_list list;
	uint32_t peer;
	image_rule_id rule;
};

static int add_source(struct compile *c, const char *text, const struct document_entry *file)
{
	int source = builder_add_source(c->builder, view_string(text));

	if (source >= SOURCES_MAX)
		return -ENOSPC;
	if (source >= 0)
		c->file_of_source[source] = file;
	return source;
}

static int add_sections(struct compile *c)
{
	int source;

	for (unsigned list = IMAGE_LOCAL; list <= IMAGE_BLOCK; list++) {
		source = add_source(c, document_section(list), NULL);
		if (source < 0)
			return source;
		c->source_of_list[list] = (uint8_t)source;
	}
	source = add_source(c, "partners", NULL);
	if (source < 0)
		return source;
	c->source_of_partners = (uint8_t)source;
	return 0;
}

static int take_hops(struct compile *c, const struct document_peer *peer,
	struct endpoint hops[DOCUMENT_HOPS_MAX])
{
	int error = 0;

	for (size_t i = 0; i < peer->n_hops && error == 0; i++) {
		const struct document_hop *hop = &peer->hops[i];
		struct domain host;

		hops[i] = hop->to;
		if (hop->host == NULL)
			continue;
		error = domain_canonical(view_string(hop->host), &host);
		if (error == 0)
			error = builder_name_hop(c->builder, HOP_HOST, &host, hop->to.port,
				(enum transport)hop->to.transport, &hops[i]);
	}
	return error;
}

static int set_identity(struct compile *c, uint32_t number, const struct document_peer *peer)
{
	struct domain hosts[IMAGE_IDENTITIES_MAX];
	int error = 0;

	if (peer->identity == IMAGE_IDENTITY_FINGERPRINT)
		return builder_set_fingerprints(c->builder, number,
			(const uint8_t(*)[IMAGE_FINGERPRINT_BYTES])peer->fingerprints,
			peer->n_fingerprints);
	if (peer->identity != IMAGE_IDENTITY_HOST)
		return 0;
	for (size_t i = 0; i < peer->n_hosts && error == 0; i++)
		error = domain_canonical(view_string(peer->hosts[i]), &hosts[i]);
	return error < 0 ? error : builder_set_hosts(c->builder, number, hosts, peer->n_hosts);
}

static int add_peer(struct compile *c, const struct document_peer *peer)
{
	uint8_t source = peer->local ? c->source_of_list[IMAGE_LOCAL] : c->source_of_partners;
	image_rule_id rule = IMAGE_RULE(source, peer->line);
	struct endpoint hops[DOCUMENT_HOPS_MAX];
	int64_t number = take_hops(c, peer, hops);
	int error;

	if (number == 0)
		number = peer->discovered
			? builder_add_discovered(c->builder, peer->sources, peer->n_sources, rule)
			: builder_add_peer(c->builder, hops, peer->n_hops, peer->sources,
				  peer->n_sources, rule);
	if (number < 0)
		return (int)number;
	error = builder_set_connections(c->builder, (uint32_t)number, peer->connections);
	if (error == 0)
		error = builder_set_verification(c->builder, (uint32_t)number, peer->verification);
	if (error == 0 && peer->certificate != NULL)
		error = builder_set_certificate(c->builder, (uint32_t)number,
			image_certificate_id(view_string(peer->certificate)));
	return error == 0 ? set_identity(c, (uint32_t)number, peer) : error;
}

// Peers get the document's own numbers, for they are added in its order.
static int add_peers(struct compile *c)
{
	const struct document *d = c->input->document;
	int error = 0;

	for (size_t i = 0; i < d->n_peers && error == 0; i++)
		error = add_peer(c, &d->peers[i]);
	return error;
}

static void format_place(const struct compile *c, image_rule_id rule, char place[PLACE_BYTES])
{
	const struct document_entry *file = c->file_of_source[rule >> 24];

	snprintf(place, PLACE_BYTES, "%s:%u", file != NULL ? file->text : c->errors->file_name,
		image_rule_line(rule));
}

// Whether the entry that a rule names leads to this peer and no other. Two entries on one line
// cannot be told apart by their rule: both must.
static bool leads_to(const struct compile *c, image_rule_id rule, uint32_t peer)
{
	const struct document *d = c->input->document;
	const struct document_entry *file = c->file_of_source[rule >> 24];
	unsigned line = image_rule_line(rule);
	size_t low = 0, high = d->n_entries;

	if (file != NULL)
		return file->peer == peer;
	// Entries stand in the document's order: by line.
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (d->entries[middle].line < line)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < d->n_entries && d->entries[low].line == line; low++) {
		if (d->entries[low].peer != peer)
			return false;
	}
	return true;
}

static const char *list_says(enum image_list list)
{
	static const char *const says[] = {
		[IMAGE_LOCAL] = "declared local",
		[IMAGE_ALLOW] = "allowed",
		[IMAGE_BLOCK] = "blocked",
	};

	return says[list];
}

static void refuse_twice(const struct compile *c, const struct origin *o, struct view name,
	enum image_list other_list, image_rule_id other)
{
	char place[PLACE_BYTES];

	format_place(c, other, place);
	if (other_list != o->list)
		errors_add_in(c->errors, o->file_name, o->line,
			"\"%.*s\" is %s here and %s at %s; remove one of the two", (int)name.len,
			(const char *)name.at, list_says(o->list), list_says(other_list), place);
	else
		errors_add_in(c->errors, o->file_name, o->line,
			"\"%.*s\" is %s here and, for another peer, at %s; remove one of the two",
			(int)name.len, (const char *)name.at, list_says(o->list), place);
}

// How much of an entry an error quotes.
static int shown(struct view v)
{
	return v.len < 80 ? (int)v.len : 80;
}

static int add_name(struct compile *c, const struct origin *o, struct view name)
{
	enum image_list other_list;
	image_rule_id other;
	struct domain domain;
	int error;

	if (domain_canonical(name, &domain) < 0) {
		errors_add_in(c->errors, o->file_name, o->line,
			"\"%.*s\" is not a valid domain name; one such as contoso.example is "
			"expected",
			shown(name), (const char *)name.at);
		return 0;
	}
	error = builder_add_name(
		c->builder, &domain, o->list, o->peer, o->rule, &other_list, &other);
	if (error != -EEXIST)
		return error;
	if (other_list != o->list || (o->list != IMAGE_BLOCK && !leads_to(c, other, o->peer)))
		refuse_twice(c, o, view_of(domain.text, domain.len < 80 ? domain.len : 80),
			other_list, other);
	return 0;
}

static int add_pattern(struct compile *c, const struct origin *o, struct view text, bool is_regex)
{
	char why[PATTERN_ERROR_BYTES] = "";
	int error;

	if (is_regex)
		error = builder_add_regex(c->builder, text, o->list, o->peer, o->rule, why);
	else
		error = builder_add_wildcard(c->builder, text, o->list, o->peer, o->rule, why);
	if (error != -EINVAL)
		return error;
	errors_add_in(c->errors, o->file_name, o->line, "pattern \"%.*s\": %s", shown(text),
		(const char *)text.at, why);
	return 0;
}

static int add_file(struct compile *c, const struct document_entry *file, struct view text)
{
	int source = add_source(c, file->text, file), error = 0;
	struct origin o = {.file_name = file->text, .list = file->list, .peer = file->peer};
	struct list_reader reader;
	struct view entry;

	if (source < 0)
		return source;
	list_open(&reader, text);
	while (error == 0 && !errors_full(c->errors)) {
		enum list_item item = list_next(&reader, &entry);

		o.line = reader.line;
		o.rule = IMAGE_RULE((unsigned)source, reader.line);
		if (item == LIST_END)
			return 0;
		if (reader.line > IMAGE_LINE_MAX) {
			errors_add_in(c->errors, file->text, reader.line,
				"too many lines; at most %u are expected", IMAGE_LINE_MAX);
			return 0;
		}
		if (item == LIST_BAD)
			errors_add_in(c->errors, o.file_name, o.line, "%s", reader.error);
		else if (item == LIST_NAME)
			error = add_name(c, &o, entry);
		else
			error = add_pattern(c, &o, entry, item == LIST_REGEX);
	}
	return error;
}

static int add_entries(struct compile *c)
{
	const struct document *d = c->input->document;
	size_t n_files = 0;
	int error = 0;

	for (size_t i = 0; i < d->n_entries && error == 0 && !errors_full(c->errors); i++) {
		const struct document_entry *e = &d->entries[i];
		const struct origin o = {c->errors->file_name, e->line, e->list, e->peer,
			IMAGE_RULE(c->source_of_list[e->list], e->line)};

		switch (e->kind) {
		case DOCUMENT_DOMAIN:
			error = add_name(c, &o, view_string(e->text));
			break;
		case DOCUMENT_FILE:
			error = add_file(c, e, c->input->files[n_files++]);
			break;
		case DOCUMENT_WILDCARD:
		case DOCUMENT_REGEX:
			error = add_pattern(c, &o, view_string(e->text), e->kind == DOCUMENT_REGEX);
			break;
		}
	}
	return error;
}

static void refuse_replica(const struct compile *c, const struct replica_error *error)
{
	const struct document_entry *file;

	if (error->rule == IMAGE_RULE_NONE) {
		errors_add(c->errors, 0, "cannot be compiled: %s", error->text);
		return;
	}
	file = c->file_of_source[error->rule >> 24];
	errors_add_in(c->errors, file != NULL ? file->text : c->errors->file_name,
		image_rule_line(error->rule), "pattern: %s", error->text);
}

// The image, and control's own copy of it: what is wrong with the patterns together shows there.
static int finish(struct compile *c, struct compiled *out)
{
	struct replica_error replica_error = {.rule = IMAGE_RULE_NONE};
	struct stat st;
	int error;

	out->image_fd = builder_finish(c->builder, c->input->generation, &out->info);
	if (out->image_fd < 0)
		return out->image_fd;
	if (fstat(out->image_fd, &st) == 0) {
		out->n_bytes = (uint64_t)st.st_size;
		out->replica =
			replica_open(out->image_fd, out->n_bytes, c->input->former, &replica_error);
		if (out->replica != NULL)
			return 0;
	}
	error = -errno;
	if (error == -EINVAL || error == -EBADMSG)
		refuse_replica(c, &replica_error);
	close(out->image_fd);
	return error;
}

static int build(struct compile *c, struct compiled *out)
{
	int error = add_sections(c);

	if (error == 0)
		error = add_peers(c);
	if (error == 0)
		error = add_entries(c);
	if (error < 0)
		return error;
	return c->errors->n > 0 ? -EINVAL : finish(c, out);
}

int compile(const struct compile_input *input, struct compiled *out, struct errors *errors)
{
	struct builder_settings settings = {
		.flags = input->document->flags,
		.body_bytes_max = input->document->body_bytes_max,
		.stamp = view_string(input->document->stamp),
	};
	struct compile c = {.input = input, .errors = errors};
	int error = document_check_tls(input->document, errors);

	if (error < 0)
		return error;
	memcpy(settings.relay_key, input->relay_key, sizeof(settings.relay_key));
	c.builder = builder_new(&settings);
	if (c.builder == NULL)
		return -ENOMEM;
	error = build(&c, out);
	builder_free(c.builder);
	if (error < 0 && error != -ENOMEM && errors->n == 0) {
		if (error == -ENOSPC)
			errors_add(errors, 0,
				"more than the relay takes: %u names, %u patterns and %u peers "
				"are the most",
				IMAGE_NAMES_MAX, IMAGE_PATTERNS_MAX, IMAGE_PEERS_MAX);
		else
			errors_add(errors, 0, "cannot be compiled: %s", strerror(-error));
		return -EINVAL;
	}
	return error < 0 && errors->n > 0 ? -EINVAL : error;
}

void compiled_close(struct compiled *c)
{
	replica_close(c->replica);
	if (c->image_fd >= 0)
		close(c->image_fd);
	c->replica = NULL;
	c->image_fd = -1;
}
