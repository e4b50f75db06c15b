// SPDX-License-Identifier: BSD-3-Clause
// Reads a YAML document under a schema: a table of keys says what may stand where, and the caller
// gets one event for every value that the table allows, already checked and with its line.
//
// Errors, all with line and with what would be right: bad UTF-8 and bad syntax; unknown, doubled
// and missing keys; a map where a value should be and the like; numbers that are none, carry no or
// a wrong unit, or are out of range; words that are not in the list; anchors, aliases and tags; a
// second document. After an error the reader goes on, as far as the syntax allows, so that the
// author sees all of them.
//
// Text in, events out: no file is opened here. Any thread. Depth is the table's, so recursion is
// bounded; whatever stands below an unknown key is skipped.

#pragma once

#include "lib/base/errors.h"
#include "lib/base/view.h"

enum schema_type {
	SCHEMA_MAP,
	SCHEMA_TEXT,   // min to max bytes; no control characters
	SCHEMA_NUMBER, // decimal digits, min to max in the smallest unit
	SCHEMA_BOOL,   // true or false, not YAML 1.1's other spellings
	SCHEMA_WORD,   // one of words
};

struct schema_unit {
	const char *name; // NULL ends the table
	uint64_t factor;
};

extern const struct schema_unit schema_bytes[]; // B, KB, MB, GB: powers of 1024, in bytes
extern const struct schema_unit schema_time[];  // ms, s, min, h, d: in milliseconds

#define SCHEMA_KEYS_MAX 64

struct schema_key {
	const char *name; // NULL ends the table
	int id;           // the caller's, for its switch
	enum schema_type type;
	bool list;         // a sequence of them
	bool required;     // of a list: at least one
	unsigned n_max;    // of a list: entries, 0 for any number
	uint64_t min, max; // max 0: unbounded
	const char *what;  // what would be right, as in "expected WHAT"; NULL: said from the rest
	const char *const *words;        // of a word; NULL ends them
	const struct schema_unit *units; // of a number: one of these must follow it; NULL: none may
	const struct schema_key *keys;   // of a map: at most SCHEMA_KEYS_MAX
};

enum schema_event_kind {
	SCHEMA_BEGIN, // a map opens: a list's next entry, or the only one
	SCHEMA_VALUE,
	SCHEMA_END, // of the map last begun
};

struct schema_event {
	enum schema_event_kind kind;
	const struct schema_key *key;
	unsigned line;
	bool faulty;      // of an end: something in the map was refused, so it is not whole
	uint64_t number;  // in the smallest unit; of a bool 0 or 1; of a word its index
	struct view text; // as written, NUL-terminated after its end; lives as long as the call
};

// Gets the events in the document's order. May add errors of its own.
typedef void schema_sink(void *arg, const struct schema_event *event, struct errors *errors);

// 0, or -EINVAL when errors has been added to; or -ENOMEM. Events that came before an error was
// found have been given: throw away what was built of them.
int schema_read(struct view text, const struct schema_key *keys, schema_sink *sink, void *arg,
	struct errors *errors);
