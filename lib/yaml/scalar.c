// SPDX-License-Identifier: BSD-3-Clause

#include "lib/yaml/scalar.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

const struct schema_unit schema_bytes[] = {
	{"B", 1}, {"KB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}, {NULL, 0}};
const struct schema_unit schema_time[] = {
	{"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000}, {NULL, 0}};

__attribute__((format(printf, 2, 3))) static void append(char *what, const char *format, ...)
{
	size_t n = strlen(what);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what + n, SCALAR_WHAT_BYTES - n, format, arguments);
	va_end(arguments);
}

// In the largest unit that divides it.
static void append_number(char *what, const struct schema_key *key, uint64_t number)
{
	const struct schema_unit *best = NULL;

	for (const struct schema_unit *u = key->units; u != NULL && u->name != NULL; u++) {
		if (number % u->factor == 0)
			best = u;
	}
	if (best != NULL)
		append(what, "%" PRIu64 " %s", number / best->factor, best->name);
	else
		append(what, "%" PRIu64, number);
}

static void append_number_what(char *what, const struct schema_key *key)
{
	append(what, "a number ");
	if (key->max != 0) {
		append(what, "from ");
		append_number(what, key, key->min);
		append(what, " to ");
		append_number(what, key, key->max);
	} else {
		append(what, "of at least ");
		append_number(what, key, key->min);
	}
	if (key->units == NULL)
		return;
	append(what, " with its unit (");
	for (const struct schema_unit *u = key->units; u->name != NULL; u++)
		append(what, "%s%s", u == key->units ? "" : ", ", u->name);
	append(what, ")");
}

void scalar_what(const struct schema_key *key, char what[SCALAR_WHAT_BYTES])
{
	what[0] = '\0';
	if (key->what != NULL) {
		append(what, "%s", key->what);
		return;
	}
	switch (key->type) {
	case SCHEMA_MAP:
		append(what, "a map of keys");
		break;
	case SCHEMA_TEXT:
		append(what, "text");
		if (key->max != 0)
			append(what, " of %" PRIu64 " to %" PRIu64 " bytes", key->min, key->max);
		break;
	case SCHEMA_NUMBER:
		append_number_what(what, key);
		break;
	case SCHEMA_BOOL:
		append(what, "true or false");
		break;
	case SCHEMA_WORD:
		for (unsigned i = 0; key->words[i] != NULL; i++)
			append(what, "%s%s",
				i == 0 ? "" : (key->words[i + 1] == NULL ? " or " : ", "),
				key->words[i]);
		break;
	}
}

// Digits without leading zeros; what follows them is left in *rest.
static bool parse_digits(struct view text, uint64_t *number, struct view *rest)
{
	size_t n = 0;

	*number = 0;
	for (; n < text.len && text.at[n] >= '0' && text.at[n] <= '9'; n++) {
		if (__builtin_mul_overflow(*number, (uint64_t)10, number) ||
			__builtin_add_overflow(*number, (uint64_t)(text.at[n] - '0'), number))
			return false;
	}
	*rest = view_of(text.at + n, text.len - n);
	return n > 0 && (n == 1 || text.at[0] != '0');
}

static bool parse_number(const struct schema_key *key, struct view text, uint64_t *number)
{
	struct view rest;

	if (!parse_digits(text, number, &rest))
		return false;
	if (key->units == NULL)
		return rest.len == 0;
	while (rest.len > 0 && rest.at[0] == ' ') {
		rest.at++;
		rest.len--;
	}
	for (const struct schema_unit *u = key->units; u->name != NULL; u++) {
		if (view_equal(rest, view_string(u->name)))
			return !__builtin_mul_overflow(*number, u->factor, number);
	}
	return false;
}

static bool check_number(const struct schema_key *key, struct view text, uint64_t *number)
{
	return parse_number(key, text, number) && *number >= key->min &&
		(key->max == 0 || *number <= key->max);
}

static bool check_bool(struct view text, uint64_t *number)
{
	*number = view_equal(text, VIEW("true"));
	return *number == 1 || view_equal(text, VIEW("false"));
}

static bool check_word(const struct schema_key *key, struct view text, uint64_t *number)
{
	for (unsigned i = 0; key->words[i] != NULL; i++) {
		if (view_equal(text, view_string(key->words[i]))) {
			*number = i;
			return true;
		}
	}
	return false;
}

static bool check_text(const struct schema_key *key, struct view text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < 0x20 || text.at[i] == 0x7f)
			return false;
	}
	return text.len >= key->min && (key->max == 0 || text.len <= key->max);
}

bool scalar_check(
	const struct schema_key *key, bool plain, struct schema_event *event, struct errors *errors)
{
	char what[SCALAR_WHAT_BYTES];
	bool ok = false;

	// A plain empty scalar, ~ and null are YAML's null: the key was written without a value.
	if (plain &&
		(event->text.len == 0 || view_equal(event->text, VIEW("~")) ||
			view_equal(event->text, VIEW("null")))) {
		scalar_what(key, what);
		errors_add(errors, event->line, "%s has no value; expected %s", key->name, what);
		return false;
	}
	switch (key->type) {
	case SCHEMA_TEXT:
		ok = check_text(key, event->text);
		break;
	case SCHEMA_NUMBER:
		ok = plain && check_number(key, event->text, &event->number);
		break;
	case SCHEMA_BOOL:
		ok = plain && check_bool(event->text, &event->number);
		break;
	case SCHEMA_WORD:
		ok = check_word(key, event->text, &event->number);
		break;
	case SCHEMA_MAP:
		break;
	}
	if (ok)
		return true;
	scalar_what(key, what);
	errors_add(errors, event->line, "%s: %s%.*s%s is not right; expected %s", key->name,
		plain ? "" : "\"", (int)(event->text.len < 60 ? event->text.len : 60),
		(const char *)event->text.at, plain ? "" : "\"", what);
	return false;
}
