// SPDX-License-Identifier: BSD-3-Clause

#include "tests/script/value.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct cursor {
	const struct values *values;
	const char *at;
	unsigned depth;
	bool wrong;
};

#define DEPTH_MAX 8

static size_t name_length(const char *text)
{
	size_t n = 0;

	if (!islower((unsigned char)text[0]))
		return 0;
	while (islower((unsigned char)text[n]) || isdigit((unsigned char)text[n]) || text[n] == '_')
		n++;
	return n;
}

bool value_set(struct values *v, const char *name, int64_t value)
{
	size_t n = name_length(name);
	unsigned i = 0;

	if (n == 0 || name[n] != '\0' || n >= VALUE_NAME_BYTES)
		return false;
	while (i < v->n && strcmp(v->of[i].name, name) != 0)
		i++;
	if (i == VALUE_NAMES_MAX)
		return false;
	if (i == v->n) {
		memcpy(v->of[i].name, name, n + 1);
		v->n++;
	}
	v->of[i].value = value;
	return true;
}

static int64_t read_sum(struct cursor *c);

static int64_t read_name(struct cursor *c)
{
	size_t n = name_length(c->at);

	for (unsigned i = 0; n > 0 && i < c->values->n; i++) {
		if (strncmp(c->values->of[i].name, c->at, n) == 0 &&
			c->values->of[i].name[n] == '\0') {
			c->at += n;
			return c->values->of[i].value;
		}
	}
	c->wrong = true;
	return 0;
}

static int64_t read_factor(struct cursor *c)
{
	int64_t value = 0;

	if (*c->at == '-') {
		c->at++;
		return -read_factor(c);
	}
	if (*c->at == '(' && c->depth < DEPTH_MAX) {
		c->at++;
		c->depth++;
		value = read_sum(c);
		c->depth--;
		c->wrong |= *c->at != ')';
		c->at += *c->at == ')';
		return value;
	}
	if (isdigit((unsigned char)*c->at)) {
		char *end;

		value = strtoll(c->at, &end, 0);
		c->at = end;
		return value;
	}
	return read_name(c);
}

static int64_t read_product(struct cursor *c)
{
	int64_t value = read_factor(c);

	while ((*c->at == '*' || *c->at == '/') && !c->wrong) {
		bool times = *c->at++ == '*';
		int64_t factor = read_factor(c);

		if (!times && factor == 0)
			c->wrong = true;
		else
			value = times ? value * factor : value / factor;
	}
	return value;
}

static int64_t read_sum(struct cursor *c)
{
	int64_t value = read_product(c);

	while ((*c->at == '+' || *c->at == '-') && !c->wrong) {
		bool plus = *c->at++ == '+';
		int64_t other = read_product(c);

		value = plus ? value + other : value - other;
	}
	return value;
}

bool value_read(const struct values *v, const char *text, int64_t *out)
{
	struct cursor c = {v, text, 0, false};

	*out = read_sum(&c);
	return !c.wrong && *c.at == '\0';
}

bool value_read_range(const struct values *v, const char *text, int64_t *low, int64_t *high)
{
	struct cursor c = {v, text, 0, false};

	*low = *high = read_sum(&c);
	if (!c.wrong && strncmp(c.at, "..", 2) == 0) {
		c.at += 2;
		*high = read_sum(&c);
	}
	return !c.wrong && *c.at == '\0' && *low <= *high;
}
