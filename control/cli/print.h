// SPDX-License-Identifier: BSD-3-Clause
// What fedctl writes: aligned tables, ages and numbers that a person reads at a glance, JSON.

#pragma once

#include "lib/base/errors.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

// Indented, keys in control's order; the value is given away.
void print_json(json_t *value);

// Each on a line of its own to stderr, and how many were not shown.
void print_errors(const struct errors *errors);

// Columns as wide as their widest cell; one that ends in '>' in its heading is aligned right.
struct table;

// headings: separated by '|'. NULL: out of memory.
struct table *table_new(const char *headings);
// Cells of one row, in the headings' order, copied.
void table_add(struct table *t, const char *const cells[]);
// Writes it and frees it. A table without rows writes nothing.
void table_print(struct table *t);

// Text in a buffer of the caller's, for a cell.
struct cell {
	char text[64];
};
// 1234567 as "1,234,567".
struct cell cell_number(uint64_t value);
// With its noun: "1 name", "1,234 names".
struct cell cell_count(uint64_t n, const char *noun);
// Nanoseconds as "340 ns", "12.3 µs", "4.1 ms", "12 s", "3 min", "5 h", "2 d".
struct cell cell_duration(uint64_t ns);
// Seconds since the epoch as local "2024-05-01 12:00:00".
struct cell cell_time(int64_t seconds);
