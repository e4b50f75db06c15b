// SPDX-License-Identifier: BSD-3-Clause

#include "tests/script/source.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void wrong(const char *file, unsigned number, const char *text)
{
	fprintf(stderr, "%s:%u: %s\n", file, number, text);
	exit(1);
}

// Cuts text, which is changed, into words: a "text in quotes" is one, # begins a comment.
static unsigned cut_words(char *text, const char *file, unsigned number, char *words[])
{
	unsigned n = 0;

	for (;;) {
		bool quoted;

		text += strspn(text, " \t\r\n");
		if (*text == '\0' || *text == '#')
			return n;
		if (n == SOURCE_WORDS_MAX)
			wrong(file, number, "too many words");
		quoted = *text == '"';
		text += quoted;
		words[n++] = text;
		text += strcspn(text, quoted ? "\"" : " \t\r\n");
		if (quoted && *text == '\0')
			wrong(file, number, "quote without an end");
		if (*text != '\0')
			*text++ = '\0';
	}
}

static void add_file(struct source *s, const char *path);

static void include(struct source *s, const struct source_line *line)
{
	const char *slash = strrchr(line->file, '/');
	char path[512];

	if (line->n_words != 2)
		wrong(line->file, line->number, "include NAME");
	snprintf(path, sizeof(path), "%.*s%s", slash != NULL ? (int)(slash + 1 - line->file) : 0,
		line->file, line->words[1]);
	add_file(s, path);
}

// True when it keeps text.
static bool add_line(struct source *s, const char *file, unsigned number, char *text)
{
	struct source_line *line = &s->lines[s->n_lines];

	if (s->n_lines == SOURCE_LINES_MAX)
		wrong(file, number, "too many lines");
	line->file = file;
	line->number = number;
	line->n_words = cut_words(text, file, number, line->words);
	if (line->n_words == 0)
		return false;
	if (strcmp(line->words[0], "include") != 0) {
		s->n_lines++;
		return true;
	}
	// Its lines go where this one lies.
	include(s,
		&(struct source_line){file, number, line->n_words,
			{line->words[0], line->n_words > 1 ? line->words[1] : NULL}});
	return false;
}

// Lines and names stay allocated until the program ends: they are in every message.
static void add_file(struct source *s, const char *path)
{
	FILE *f = fopen(path, "r");
	char *name = strdup(path), *text = NULL;
	size_t room = 0;

	if (f == NULL || name == NULL)
		wrong(path, 0, "cannot be read");
	for (unsigned number = 1; getline(&text, &room, f) >= 0; number++) {
		char *kept = strdup(text);

		if (kept == NULL)
			wrong(path, number, "out of memory");
		if (!add_line(s, name, number, kept))
			free(kept);
	}
	free(text);
	fclose(f);
}

static bool is(const struct source_line *line, const char *word)
{
	return strcmp(line->words[0], word) == 0;
}

static bool opens_block(const struct source_line *line)
{
	return is(line, "case") || is(line, "define") || is(line, "table") || is(line, "repeat") ||
		is(line, "burst");
}

unsigned source_end(const struct source *s, unsigned at, unsigned last)
{
	unsigned depth = 1;

	for (unsigned i = at + 1; i < last; i++) {
		if (opens_block(&s->lines[i]))
			depth++;
		else if (is(&s->lines[i], "end") && --depth == 0)
			return i;
	}
	return last;
}

static void add_block(
	struct source *s, struct source_block blocks[], unsigned *n, unsigned first, unsigned last)
{
	const struct source_line *head = &s->lines[first];

	if (head->n_words < 2)
		wrong(head->file, head->number, "a name is missing");
	for (unsigned i = 0; i < *n; i++) {
		if (strcmp(blocks[i].name, head->words[1]) == 0)
			wrong(head->file, head->number, "this name is taken");
	}
	if (*n == SOURCE_BLOCKS_MAX)
		wrong(head->file, head->number, "too many blocks");
	blocks[(*n)++] = (struct source_block){head, head->words[1], first + 1, last};
}

// First line `columns NAME...`, then `ROW CELL...`; a cell `-` is no case.
static void add_table(struct source *s, unsigned first, unsigned last)
{
	const struct source_line *columns = &s->lines[first + 1];

	if (first + 1 >= last || !is(columns, "columns"))
		wrong(s->lines[first].file, s->lines[first].number, "a table begins with columns");
	for (unsigned i = first + 2; i < last; i++) {
		const struct source_line *row = &s->lines[i];

		if (row->n_words != columns->n_words)
			wrong(row->file, row->number, "not as many cells as columns");
		for (unsigned c = 1; c < row->n_words; c++) {
			if (strcmp(row->words[c], "-") == 0)
				continue;
			if (s->n_cells == SOURCE_BLOCKS_MAX)
				wrong(row->file, row->number, "too many cells");
			s->cells[s->n_cells++] = (struct source_cell){
				row, columns->words[c], row->words[0], row->words[c]};
		}
	}
}

static void add_blocks(struct source *s)
{
	for (unsigned i = 0; i < s->n_lines; i++) {
		const struct source_line *line = &s->lines[i];
		unsigned end = source_end(s, i, s->n_lines);

		if (end == s->n_lines)
			wrong(line->file, line->number, "no end");
		if (is(line, "case"))
			add_block(s, s->cases, &s->n_cases, i, end);
		else if (is(line, "define"))
			add_block(s, s->defines, &s->n_defines, i, end);
		else if (is(line, "table"))
			add_table(s, i, end);
		else
			wrong(line->file, line->number, "expected case, define, table or include");
		i = end;
	}
}

const struct source_block *source_define(const struct source *s, const char *name)
{
	for (unsigned i = 0; i < s->n_defines; i++) {
		if (strcmp(s->defines[i].name, name) == 0)
			return &s->defines[i];
	}
	return NULL;
}

static void check_cells(const struct source *s)
{
	for (unsigned i = 0; i < s->n_cells; i++) {
		const struct source_cell *c = &s->cells[i];

		if (source_define(s, c->column) == NULL || source_define(s, c->row) == NULL ||
			source_define(s, c->cell) == NULL) {
			fprintf(stderr, "%s %s %s: ", c->row, c->column, c->cell);
			wrong(c->line->file, c->line->number, "a macro of this row is not defined");
		}
	}
}

struct source *source_read(const char *path)
{
	struct source *s = calloc(1, sizeof(*s));

	if (s == NULL || (s->lines = calloc(SOURCE_LINES_MAX, sizeof(*s->lines))) == NULL)
		wrong(path, 0, "out of memory");
	add_file(s, path);
	add_blocks(s);
	check_cells(s);
	if (s->n_cases + s->n_cells == 0)
		wrong(path, 0, "no cases");
	return s;
}
