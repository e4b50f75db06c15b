// SPDX-License-Identifier: BSD-3-Clause
// Values out of a reply, for printing: what is absent reads as nothing.

#pragma once

#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static inline const char *reply_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

static inline uint64_t reply_number(const json_t *object, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(object, name));
}

static inline bool reply_is(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

struct rule_text {
	char text[300];
};

// "lists/bad.txt:17", or "block, line 12" for a section of the document.
static inline struct rule_text reply_rule(const json_t *object, const char *name)
{
	const json_t *rule = json_object_get(object, name);
	struct rule_text r = {"-"};
	const char *source = reply_text(rule, "source");
	bool section = strcmp(source, "block") == 0 || strcmp(source, "allow") == 0 ||
		strcmp(source, "local_domains") == 0 || strcmp(source, "partners") == 0;

	if (json_is_object(rule))
		snprintf(r.text, sizeof(r.text), section ? "%s, line %" PRIu64 : "%s:%" PRIu64,
			source, reply_number(rule, "line"));
	return r;
}
