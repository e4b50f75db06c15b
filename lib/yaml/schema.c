// SPDX-License-Identifier: BSD-3-Clause

#include "lib/yaml/schema.h"

#include "lib/yaml/scalar.h"

#include <errno.h>
#include <yaml.h>

struct reader {
	yaml_parser_t parser;
	yaml_event_t event; // the one being looked at
	struct view text;
	schema_sink *sink;
	void *arg;
	struct errors *errors;
	int broken; // 0; or why no further event can be had: -EINVAL, -ENOMEM
};

// Where libyaml's own reader failed it gives an offset only.
static unsigned line_at(struct view text, size_t offset)
{
	unsigned line = 1;

	for (size_t i = 0; i < offset && i < text.len; i++)
		line += text.at[i] == '\n';
	return line;
}

static void add_syntax_error(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	const char *problem = p->problem != NULL ? p->problem : "malformed";

	switch (p->error) {
	case YAML_MEMORY_ERROR:
		r->broken = -ENOMEM;
		return;
	case YAML_READER_ERROR:
		errors_add(r->errors, line_at(r->text, p->problem_offset),
			"not UTF-8 text: %s; expected a YAML document in UTF-8", problem);
		break;
	case YAML_NO_ERROR:
	case YAML_SCANNER_ERROR:
	case YAML_PARSER_ERROR:
	case YAML_COMPOSER_ERROR:
	case YAML_WRITER_ERROR:
	case YAML_EMITTER_ERROR:
		errors_add(r->errors, (unsigned)p->problem_mark.line + 1, "not YAML: %s%s%s",
			p->context != NULL ? p->context : "", p->context != NULL ? ", " : "",
			problem);
		break;
	}
	r->broken = -EINVAL;
}

static unsigned line_of(const struct reader *r)
{
	return (unsigned)r->event.start_mark.line + 1;
}

// What the schema has no use for, and what would make equal text mean different things.
static const char *forbidden(const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_ALIAS_EVENT:
		return "aliases (*name)";
	case YAML_SCALAR_EVENT:
		if (e->data.scalar.anchor != NULL)
			return "anchors (&name)";
		return e->data.scalar.tag != NULL ? "tags (!name)" : NULL;
	case YAML_SEQUENCE_START_EVENT:
		if (e->data.sequence_start.anchor != NULL)
			return "anchors (&name)";
		return e->data.sequence_start.tag != NULL ? "tags (!name)" : NULL;
	case YAML_MAPPING_START_EVENT:
		if (e->data.mapping_start.anchor != NULL)
			return "anchors (&name)";
		return e->data.mapping_start.tag != NULL ? "tags (!name)" : NULL;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		break;
	}
	return NULL;
}

// The type of the next event; YAML_NO_EVENT when there is none, and r->broken then says why.
static yaml_event_type_t next(struct reader *r)
{
	const char *what;

	yaml_event_delete(&r->event);
	if (r->broken != 0)
		return YAML_NO_EVENT;
	if (!yaml_parser_parse(&r->parser, &r->event)) {
		add_syntax_error(r);
		return YAML_NO_EVENT;
	}
	what = forbidden(&r->event);
	if (what != NULL) {
		errors_add(r->errors, line_of(r), "%s have no meaning here; write the value itself",
			what);
		r->broken = -EINVAL;
		yaml_event_delete(&r->event);
		return YAML_NO_EVENT;
	}
	return r->event.type;
}

// Goes to the last event of the value whose first one is being looked at.
static void skip(struct reader *r)
{
	size_t depth = 0;
	yaml_event_type_t type = r->event.type;

	for (;;) {
		if (type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT)
			depth++;
		else if (type == YAML_MAPPING_END_EVENT || type == YAML_SEQUENCE_END_EVENT)
			depth--;
		if (depth == 0 || type == YAML_NO_EVENT)
			return;
		type = next(r);
	}
}

// Edit distance of two short names, for "did you mean".
static unsigned distance(struct view a, struct view b)
{
	unsigned row[33];

	if (a.len > 32 || b.len > 32)
		return UINT32_MAX;
	for (unsigned j = 0; j <= b.len; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a.len; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= b.len; j++) {
			unsigned best = diagonal + (a.at[i - 1] != b.at[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[b.len];
}

static void add_unknown_key(struct reader *r, const struct schema_key *keys, struct view name)
{
	const struct schema_key *nearest = NULL;
	unsigned best = 3;
	char known[160] = "";
	int shown = (int)(name.len < 60 ? name.len : 60);

	for (const struct schema_key *k = keys; k->name != NULL; k++) {
		unsigned d = distance(name, view_string(k->name));
		size_t n = strlen(known);

		if (d < best) {
			best = d;
			nearest = k;
		}
		snprintf(known + n, sizeof(known) - n, "%s%s", k == keys ? "" : ", ", k->name);
	}
	if (nearest != NULL)
		errors_add(r->errors, line_of(r), "unknown key \"%.*s\"; did you mean \"%s\"?",
			shown, (const char *)name.at, nearest->name);
	else
		errors_add(r->errors, line_of(r), "unknown key \"%.*s\"; known here: %s", shown,
			(const char *)name.at, known);
}

static bool read_map(struct reader *r, const struct schema_key *self);

static const char *event_name(yaml_event_type_t type)
{
	if (type == YAML_MAPPING_START_EVENT)
		return "a map";
	return type == YAML_SEQUENCE_START_EVENT ? "a list" : "a single value";
}

static bool refuse_type(struct reader *r, const struct schema_key *key, const char *instead_of)
{
	char what[SCALAR_WHAT_BYTES];

	scalar_what(key, what);
	errors_add(r->errors, line_of(r), "%s: found %s; expected %s%s", key->name,
		event_name(r->event.type), instead_of, what);
	skip(r);
	return false;
}

// One value, or one entry of a list. True when it was given to the sink whole.
static bool read_entry(struct reader *r, const struct schema_key *key)
{
	struct schema_event event = {.kind = SCHEMA_VALUE, .key = key, .line = line_of(r)};

	if (key->type == SCHEMA_MAP) {
		if (r->event.type != YAML_MAPPING_START_EVENT)
			return refuse_type(r, key, "");
		return read_map(r, key);
	}
	if (r->event.type != YAML_SCALAR_EVENT)
		return refuse_type(r, key, "");
	event.text = view_of(r->event.data.scalar.value, r->event.data.scalar.length);
	if (!scalar_check(
		    key, r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE, &event, r->errors))
		return false;
	r->sink(r->arg, &event, r->errors);
	return true;
}

static bool read_list(struct reader *r, const struct schema_key *key)
{
	unsigned line = line_of(r), n = 0;
	bool whole = true;

	if (r->event.type != YAML_SEQUENCE_START_EVENT)
		return refuse_type(r, key, "a list, each entry ");
	while (next(r) != YAML_SEQUENCE_END_EVENT && r->broken == 0) {
		if (key->n_max != 0 && n == key->n_max) {
			errors_add(r->errors, line_of(r), "%s: more than %u entries", key->name,
				key->n_max);
			whole = false;
		}
		if (key->n_max != 0 && n >= key->n_max)
			skip(r);
		else
			whole = read_entry(r, key) && whole;
		n++;
	}
	if (n == 0 && key->required && r->broken == 0) {
		errors_add(r->errors, line, "%s is empty; expected at least one entry", key->name);
		return false;
	}
	return whole && r->broken == 0;
}

static const struct schema_key *find_key(const struct schema_key *keys, struct view name)
{
	for (const struct schema_key *k = keys; k->name != NULL; k++) {
		if (view_equal(name, view_string(k->name)))
			return k;
	}
	return NULL;
}

// Where each key of the map being read was met first, by its place in the table; 0: not yet.
struct seen {
	unsigned line[SCHEMA_KEYS_MAX];
};

// The key being looked at, with its value.
static bool read_pair(struct reader *r, const struct schema_key *keys, struct seen *seen)
{
	const struct schema_key *key;
	unsigned line = line_of(r), before;
	struct view name;

	if (r->event.type != YAML_SCALAR_EVENT) {
		errors_add(
			r->errors, line, "a key is %s; expected a name", event_name(r->event.type));
		skip(r);
		next(r);
		skip(r);
		return false;
	}
	name = view_of(r->event.data.scalar.value, r->event.data.scalar.length);
	key = find_key(keys, name);
	before = key != NULL ? seen->line[key - keys] : 0;
	if (key == NULL)
		add_unknown_key(r, keys, name);
	else if (before != 0)
		errors_add(r->errors, line, "%s stands on line %u already; expected it once",
			key->name, before);
	if (next(r) == YAML_NO_EVENT)
		return false;
	if (key == NULL || before != 0) {
		skip(r);
		return false;
	}
	seen->line[key - keys] = line;
	return key->list ? read_list(r, key) : read_entry(r, key);
}

static bool check_required(
	struct reader *r, const struct schema_key *self, unsigned line, const struct seen *seen)
{
	char what[SCALAR_WHAT_BYTES];
	bool whole = true;

	for (const struct schema_key *k = self->keys; k->name != NULL; k++) {
		if (!k->required || seen->line[k - self->keys] != 0)
			continue;
		scalar_what(k, what);
		errors_add(r->errors, line, "%s%s%s is missing; expected %s%s",
			self->name != NULL ? self->name : "", self->name != NULL ? ": " : "",
			k->name, k->list ? "a list, each entry " : "", what);
		whole = false;
	}
	return whole;
}

// self: the map's own key; the document's has no name, and no events.
static bool read_map(struct reader *r, const struct schema_key *self)
{
	struct schema_event event = {.kind = SCHEMA_BEGIN, .key = self, .line = line_of(r)};
	struct seen seen = {0};
	bool whole = true;

	if (self->name != NULL)
		r->sink(r->arg, &event, r->errors);
	while (next(r) != YAML_MAPPING_END_EVENT && r->broken == 0)
		whole = read_pair(r, self->keys, &seen) && whole;
	if (r->broken != 0)
		return false;
	whole = check_required(r, self, event.line, &seen) && whole;
	if (self->name != NULL) {
		event.kind = SCHEMA_END;
		event.faulty = !whole;
		r->sink(r->arg, &event, r->errors);
	}
	return whole;
}

static void read_document(struct reader *r, const struct schema_key *document)
{
	next(r); // the stream's start
	if (next(r) != YAML_DOCUMENT_START_EVENT) {
		if (r->broken == 0)
			errors_add(r->errors, 0, "the document is empty; expected its keys");
		return;
	}
	if (next(r) == YAML_MAPPING_START_EVENT) {
		read_map(r, document);
	} else if (r->broken == 0) {
		errors_add(r->errors, line_of(r),
			"the document is %s; expected a map of keys at its top",
			event_name(r->event.type));
		return;
	}
	next(r); // the document's end
	if (next(r) != YAML_STREAM_END_EVENT && r->broken == 0)
		errors_add(r->errors, line_of(r), "a second document begins; expected one only");
}

int schema_read(struct view text, const struct schema_key *keys, schema_sink *sink, void *arg,
	struct errors *errors)
{
	const struct schema_key document = {.type = SCHEMA_MAP, .keys = keys};
	struct reader r = {.text = text, .sink = sink, .arg = arg, .errors = errors};
	unsigned n_before = errors->n + errors->n_dropped;

	if (!yaml_parser_initialize(&r.parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, text.at, text.len);
	read_document(&r, &document);
	yaml_event_delete(&r.event);
	yaml_parser_delete(&r.parser);
	if (r.broken == -ENOMEM)
		return -ENOMEM;
	return errors->n + errors->n_dropped > n_before ? -EINVAL : 0;
}
