// SPDX-License-Identifier: BSD-3-Clause

#include "control/policy/builder_state.h"
#include "control/policy/wildcard.h"
#include "lib/policy/patterns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

// Slots of the first table of names; it doubles when half full.
#define FIRST_SLOTS 1024

// Keeps the seed of the names' hash apart from other uses of the relay's key.
static const char seed_label[] = "policy image names";

struct builder *builder_new(const struct builder_settings *settings)
{
	struct builder *b = calloc(1, sizeof(*b));
	struct siphash_key key = siphash_key_from(settings->relay_key);

	if (b == NULL)
		return NULL;
	b->settings = *settings;
	b->settings.stamp = VIEW_NONE; // the caller's; copied below
	b->seed[0] = siphash(&key, seed_label, sizeof(seed_label));
	b->seed[1] = siphash(&key, seed_label, sizeof(seed_label) - 1);
	b->slot_mask = FIRST_SLOTS - 1;
	hop_keys_init(&b->hop_keys, &key);
	b->slots = calloc(FIRST_SLOTS, sizeof(*b->slots));
	// Unit 0, see names.h.
	if (b->slots == NULL || buffer_add(&b->units, 1, sizeof(struct name_record)) == NULL ||
		(settings->stamp.len > 0 && builder_add_text(b, settings->stamp, &b->stamp) != 0)) {
		builder_free(b);
		errno = ENOMEM;
		return NULL;
	}
	return b;
}

void builder_free(struct builder *b)
{
	if (b == NULL)
		return;
	buffer_free(&b->names);
	buffer_free(&b->units);
	buffer_free(&b->patterns);
	buffer_free(&b->peers);
	buffer_free(&b->hops);
	buffer_free(&b->prefixes);
	buffer_free(&b->identities);
	buffer_free(&b->hop_names);
	buffer_free(&b->sources);
	buffer_free(&b->text);
	free(b->slots);
	explicit_bzero(b, sizeof(*b));
	free(b);
}

int builder_add_text(struct builder *b, struct view text, struct image_text *out)
{
	size_t offset = b->text.n;
	uint8_t *copy;

	if (offset + text.len + 1 > UINT32_MAX)
		return -ENOSPC;
	copy = buffer_add(&b->text, text.len + 1, 1);
	if (copy == NULL)
		return -ENOMEM;
	memcpy(copy, text.at, text.len);
	*out = (struct image_text){(uint32_t)offset, (uint32_t)text.len};
	return 0;
}

int builder_add_source(struct builder *b, struct view text)
{
	struct image_text copied, *source;
	int rc;

	if (text.len == 0 || text.len > IMAGE_EXPRESSION_BYTES_MAX ||
		memchr(text.at, 0, text.len) != NULL)
		return -EINVAL;
	if (b->sources.n == IMAGE_SOURCES_MAX)
		return -ENOSPC;
	rc = builder_add_text(b, text, &copied);
	if (rc != 0)
		return rc;
	source = buffer_add(&b->sources, 1, sizeof(*source));
	if (source == NULL)
		return -ENOMEM;
	*source = copied;
	return (int)b->sources.n - 1;
}

bool builder_rule_is_known(const struct builder *b, image_rule_id rule)
{
	return rule == IMAGE_RULE_NONE || rule >> 24 < b->sources.n;
}

static bool entry_is_valid(
	const struct builder *b, enum image_list list, uint32_t peer, image_rule_id rule)
{
	if (!builder_rule_is_known(b, rule) || (unsigned)list > IMAGE_BLOCK)
		return false;
	return list == IMAGE_BLOCK ? peer == IMAGE_PEER_NONE : peer < b->peers.n;
}

static struct name_record *record_at(const struct builder *b, uint32_t name)
{
	const struct builder_name *names = b->names.items;

	return (struct name_record *)b->units.items + names[name].unit;
}

static int grow_slots(struct builder *b)
{
	const struct builder_name *names = b->names.items;
	uint64_t mask = b->slot_mask * 2 + 1;
	struct builder_slot *slots = calloc(mask + 1, sizeof(*slots));

	if (slots == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < b->names.n; i++) {
		uint64_t at = names[i].hash & mask;

		while (slots[at].name_plus_1 != 0)
			at = (at + 1) & mask;
		slots[at] = (struct builder_slot){(uint32_t)(names[i].hash >> 32), i + 1};
	}
	free(b->slots);
	b->slots = slots;
	b->slot_mask = mask;
	return 0;
}

// The slot that holds the name, or the free one where it belongs.
static struct builder_slot *find_slot(
	const struct builder *b, const struct domain *name, uint64_t hash)
{
	uint64_t at = hash & b->slot_mask;

	for (; b->slots[at].name_plus_1 != 0; at = (at + 1) & b->slot_mask) {
		const struct name_record *record;

		if (b->slots[at].hash_high != (uint32_t)(hash >> 32))
			continue;
		record = record_at(b, b->slots[at].name_plus_1 - 1);
		if (record->len == name->len &&
			memcmp(name_record_text(record), name->text, name->len) == 0)
			break;
	}
	return &b->slots[at];
}

int builder_add_name(struct builder *b, const struct domain *name, enum image_list list,
	uint32_t peer, image_rule_id rule, enum image_list *other_list, image_rule_id *other)
{
	uint64_t hash = names_hash(b->seed, name);
	unsigned n_units = names_units_of(name->len);
	struct builder_slot *slot = find_slot(b, name, hash);
	struct builder_name *added;
	struct name_record *record;

	if (!entry_is_valid(b, list, peer, rule))
		return -EINVAL;
	if (slot->name_plus_1 != 0) {
		record = record_at(b, slot->name_plus_1 - 1);
		*other_list = record->list;
		*other = record->rule;
		return -EEXIST;
	}
	if (b->names.n == IMAGE_NAMES_MAX ||
		b->units.n + n_units + NAMES_TAIL_UNITS > NAMES_UNITS_MAX)
		return -ENOSPC;
	if (b->names.n * 2 > b->slot_mask) {
		if (grow_slots(b) != 0)
			return -ENOMEM;
		slot = find_slot(b, name, hash);
	}
	record = buffer_add(&b->units, n_units, sizeof(*record));
	if (record == NULL)
		return -ENOMEM;
	added = buffer_add(&b->names, 1, sizeof(*added));
	if (added == NULL) {
		b->units.n -= n_units;
		return -ENOMEM;
	}
	*added = (struct builder_name){hash, (uint32_t)(b->units.n - n_units)};
	record->entry = (uint32_t)b->names.n - 1;
	record->peer = peer;
	record->rule = rule;
	record->list = (uint8_t)list;
	record->len = name->len;
	memcpy((uint8_t *)record + offsetof(struct name_record, text), name->text, name->len);
	*slot = (struct builder_slot){(uint32_t)(hash >> 32), record->entry + 1};
	return 0;
}

static int refuse(char error[PATTERN_ERROR_BYTES], const char *text)
{
	snprintf(error, PATTERN_ERROR_BYTES, "%s", text);
	return -EINVAL;
}

// Parses the expression, which costs a tenth of compiling it. Only one that may match nothing is
// compiled, for that is what the parser does not judge.
static int check_expression(const char *expression, uint32_t flags, char error[PATTERN_ERROR_BYTES])
{
	hs_compile_error_t *compile_error = NULL;
	hs_expr_info_t *info = NULL;
	hs_database_t *database = NULL;
	hs_error_t result = hs_expression_info(expression, flags, &info, &compile_error);
	int rc = 0;

	if (result == HS_SUCCESS && info->min_width == 0)
		result = hs_compile(
			expression, flags, HS_MODE_BLOCK, NULL, &database, &compile_error);
	if (result != HS_SUCCESS)
		rc = refuse(
			error, compile_error != NULL ? compile_error->message : "out of memory");
	free(info);
	hs_free_database(database);
	hs_free_compile_error(compile_error);
	return rc;
}

// expression: NUL-terminated.
static int add_expression(struct builder *b, struct view expression, uint32_t flags,
	enum image_list list, uint32_t peer, image_rule_id rule, char error[PATTERN_ERROR_BYTES])
{
	struct image_pattern_row row = {
		.flags = flags, .list = (uint32_t)list, .peer = peer, .rule = rule};
	struct image_pattern_row *added;
	int rc;

	if (!entry_is_valid(b, list, peer, rule))
		return refuse(error, "the list does not go with the peer or the rule");
	if (b->patterns.n == IMAGE_PATTERNS_MAX)
		return -ENOSPC;
	rc = check_expression((const char *)expression.at, flags, error);
	if (rc != 0)
		return rc;
	rc = builder_add_text(b, expression, &row.expression);
	if (rc != 0)
		return rc;
	added = buffer_add(&b->patterns, 1, sizeof(*added));
	if (added == NULL)
		return -ENOMEM;
	*added = row;
	return 0;
}

int builder_add_regex(struct builder *b, struct view expression, enum image_list list,
	uint32_t peer, image_rule_id rule, char error[PATTERN_ERROR_BYTES])
{
	char text[PATTERN_BYTES_MAX + 1];

	if (expression.len == 0)
		return refuse(error, "empty");
	if (expression.len > PATTERN_BYTES_MAX)
		return refuse(error, "longer than 1000 bytes");
	for (size_t i = 0; i < expression.len; i++) {
		if (expression.at[i] == 0 || expression.at[i] >= 0x80)
			return refuse(error, "not ASCII: names are matched in their xn-- form");
		text[i] = (char)expression.at[i];
	}
	text[expression.len] = '\0';
	return add_expression(b, view_of(text, expression.len),
		HS_FLAG_CASELESS | HS_FLAG_DOTALL | HS_FLAG_SINGLEMATCH, list, peer, rule, error);
}

int builder_add_wildcard(struct builder *b, struct view wildcard, enum image_list list,
	uint32_t peer, image_rule_id rule, char error[PATTERN_ERROR_BYTES])
{
	char text[IMAGE_EXPRESSION_BYTES_MAX + 1];
	const char *why;
	int len;

	if (wildcard.len > PATTERN_BYTES_MAX)
		return refuse(error, "longer than 1000 bytes");
	len = wildcard_to_regex(wildcard, text, sizeof(text), &why);
	if (len < 0)
		return refuse(error, why);
	// Names and expression are lower case already.
	return add_expression(b, view_of(text, (size_t)len), HS_FLAG_DOTALL | HS_FLAG_SINGLEMATCH,
		list, peer, rule, error);
}
