// SPDX-License-Identifier: BSD-3-Clause

#include "control/cli/print.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COLUMNS_MAX 12

struct table {
	char *headings; // cut at the '|'
	const char *heading[COLUMNS_MAX];
	bool right[COLUMNS_MAX];
	size_t width[COLUMNS_MAX];
	size_t n_columns;
	char **cells; // row by row
	size_t n_cells;
};

void print_json(json_t *value)
{
	json_dumpf(value, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(value);
}

void print_errors(const struct errors *errors)
{
	for (unsigned i = 0; i < errors->n; i++)
		fprintf(stderr, "%s\n", errors->text[i]);
	if (errors->n_dropped > 0)
		fprintf(stderr, "… and %u more\n", errors->n_dropped);
}

// Characters, not bytes: UTF-8 continuation bytes take no column.
static size_t width_of(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

struct table *table_new(const char *headings)
{
	struct table *t = calloc(1, sizeof(*t));
	char *at, *next;

	if (t == NULL || (t->headings = strdup(headings)) == NULL) {
		free(t);
		return NULL;
	}
	for (at = t->headings; at != NULL && t->n_columns < COLUMNS_MAX; at = next) {
		size_t column = t->n_columns++, len;

		next = strchr(at, '|');
		if (next != NULL)
			*next++ = '\0';
		len = strlen(at);
		if (len > 0 && at[len - 1] == '>') {
			at[len - 1] = '\0';
			t->right[column] = true;
		}
		t->heading[column] = at;
		t->width[column] = width_of(at);
	}
	return t;
}

void table_add(struct table *t, const char *const cells[])
{
	char **grown;

	if (t == NULL)
		return;
	grown = reallocarray(t->cells, t->n_cells + t->n_columns, sizeof(*grown));
	if (grown == NULL)
		return;
	t->cells = grown;
	for (size_t i = 0; i < t->n_columns; i++) {
		size_t width = width_of(cells[i]);

		if (width > t->width[i])
			t->width[i] = width;
		t->cells[t->n_cells++] = strdup(cells[i]);
	}
}

static void print_row(const struct table *t, const char *const cells[])
{
	for (size_t i = 0; i < t->n_columns; i++) {
		const char *cell = cells[i] != NULL ? cells[i] : "";
		int padding = (int)(t->width[i] - width_of(cell));

		if (t->right[i])
			printf("%*s%s", padding, "", cell);
		else if (i + 1 < t->n_columns)
			printf("%s%*s", cell, padding, "");
		else
			fputs(cell, stdout);
		fputs(i + 1 < t->n_columns ? "  " : "\n", stdout);
	}
}

void table_print(struct table *t)
{
	if (t == NULL)
		return;
	if (t->n_cells > 0)
		print_row(t, t->heading);
	for (size_t i = 0; i < t->n_cells; i += t->n_columns)
		print_row(t, (const char *const *)&t->cells[i]);
	for (size_t i = 0; i < t->n_cells; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t->headings);
	free(t);
}

struct cell cell_number(uint64_t value)
{
	char digits[24];
	struct cell c;
	int n = snprintf(digits, sizeof(digits), "%" PRIu64, value), at = 0;

	for (int i = 0; i < n; i++) {
		if (i > 0 && (n - i) % 3 == 0)
			c.text[at++] = ',';
		c.text[at++] = digits[i];
	}
	c.text[at] = '\0';
	return c;
}

struct cell cell_count(uint64_t n, const char *noun)
{
	struct cell number = cell_number(n), c;

	snprintf(c.text, sizeof(c.text), "%.30s %.30s%s", number.text, noun, n == 1 ? "" : "s");
	return c;
}

struct cell cell_duration(uint64_t ns)
{
	static const struct {
		uint64_t below, unit;
		const char *name;
		bool fraction;
	} rows[] = {
		{1000, 1, "ns", false},
		{UINT64_C(1000000), 1000, "µs", true},
		{UINT64_C(1000000000), 1000000, "ms", true},
		{UINT64_C(120000000000), 1000000000, "s", true},
		{UINT64_C(7200000000000), UINT64_C(60000000000), "min", false},
		{UINT64_C(172800000000000), UINT64_C(3600000000000), "h", false},
		{UINT64_MAX, UINT64_C(86400000000000), "d", false},
	};
	struct cell c;
	size_t i = 0;

	while (ns >= rows[i].below && i + 1 < sizeof(rows) / sizeof(rows[0]))
		i++;
	snprintf(c.text, sizeof(c.text), "%.*f %s", rows[i].fraction ? 1 : 0,
		(double)ns / (double)rows[i].unit, rows[i].name);
	return c;
}

struct cell cell_time(int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct cell c = {"-"};
	struct tm tm;

	if (localtime_r(&t, &tm) != NULL)
		strftime(c.text, sizeof(c.text), "%Y-%m-%d %H:%M:%S", &tm);
	return c;
}
