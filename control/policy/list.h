// SPDX-License-Identifier: BSD-3-Clause
// Reads a list file: one entry a line, as people keep such lists.
//
//   name.example            a name, which covers its sub-domains; one a line
//   0.0.0.0 name.example    hosts format: an address that leads nowhere, then one or more names
//   *.spam-*.example        a wildcard: `*` is any run of bytes, `?` any one
//   re:^spam[0-9]+\.example$  a regular expression: the rest of the line, as it stands
//   # comment               also after a name; empty lines, CRLF and a byte order mark are fine
//
// The machine's own names (localhost and the like), which every hosts file carries, are passed
// over. Whether a name is a valid domain is for the caller to find out. Pure; any thread; views
// into the text; no allocation.

#pragma once

#include "lib/base/view.h"

#define LIST_LINE_BYTES_MAX 2000

enum list_item {
	LIST_END,
	LIST_NAME,
	LIST_WILDCARD,
	LIST_REGEX, // text without its `re:`
	LIST_BAD,   // error says why; the reader goes on with the next line
};

struct list_reader {
	struct view rest;   // lines not yet begun
	struct view tokens; // what is left of the line under way
	bool hosts;         // that line began with an address
	bool nowhere;       // which leads nowhere
	unsigned line;      // of the entry last given, from 1
	const char *error;  // static text
};

void list_open(struct list_reader *r, struct view text);
enum list_item list_next(struct list_reader *r, struct view *entry);
