// SPDX-License-Identifier: BSD-3-Clause
// The text of a script: lines of words, and the blocks that they form. See README.md for the
// language. A script that cannot be read ends the program: it is a test that is wrong.

#pragma once

#define SOURCE_WORDS_MAX  48
#define SOURCE_LINES_MAX  8000
#define SOURCE_BLOCKS_MAX 1200

struct source_line {
	const char *file;
	unsigned number; // from 1
	unsigned n_words;
	char *words[SOURCE_WORDS_MAX];
};

// A `case`, or a `define` with the names of its parameters. Lines first to last - 1 are its body.
struct source_block {
	const struct source_line *head;
	const char *name;
	unsigned first, last;
};

// One cell of a `table`: the macros that are played one after the other.
struct source_cell {
	const struct source_line *line;
	const char *column, *row, *cell;
};

struct source {
	struct source_line *lines;
	unsigned n_lines;
	struct source_block defines[SOURCE_BLOCKS_MAX], cases[SOURCE_BLOCKS_MAX];
	unsigned n_defines, n_cases;
	struct source_cell cells[SOURCE_BLOCKS_MAX];
	unsigned n_cells;
};

// Reads path and what it includes; exits with a message FILE:LINE: text where it cannot.
struct source *source_read(const char *path);

// NULL for none.
const struct source_block *source_define(const struct source *s, const char *name);
// The line of the `end` that belongs to the block opened in line at; last where there is none.
unsigned source_end(const struct source *s, unsigned at, unsigned last);
