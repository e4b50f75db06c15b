// SPDX-License-Identifier: BSD-3-Clause
// Sessions between a worker and a pool of handshakes that the test plays.

#pragma once

#include "control/session/sessions.h"

#define MS        UINT64_C(1000000)
#define SAID_MAX  256
#define N_MAX     8
#define N_SHAKING 4

struct world {
	struct sessions *sessions;
	uint64_t now;
	unsigned room; // messages that the rings still take
	unsigned n_said;
	struct link_message said[SAID_MAX];
	unsigned said_to[SAID_MAX];
	bool unready;
	enum reason admits, judges;
	bool begins;
	unsigned n_begun, n_stepped, n_dropped;
	uint64_t begun, stepped, dropped; // the last id of each
	uint8_t record[SESSIONS_RECORD_BYTES_MAX];
	size_t n_record;
	unsigned n_established, n_ended;
	struct session_row row; // of the last of both
	enum reason reason;
	uint8_t alert;
};

int world_setup(void **state);
int world_teardown(void **state);

// Worker 0 says it. Each is checked as the link thread does.
void world_hear(struct world *w, struct link_message *m);
void world_hear_from(struct world *w, unsigned worker, struct link_message *m);
void world_open(struct world *w, uint64_t conn, enum record_role role);
void world_show(
	struct world *w, uint64_t conn, uint32_t offset, const void *bytes, size_t n, bool last);
// A record of n bytes after its header, in one slice.
void world_show_record(struct world *w, uint64_t conn, uint32_t offset, uint16_t n);
void world_end(struct world *w, uint64_t conn, enum reason reason, bool was_established);
void world_list(struct world *w, uint64_t conn, uint64_t card);
void world_end_list(struct world *w, uint32_t cursor, bool more);
void world_tell_card(struct world *w, uint64_t name);

// The pool's answer to the last step asked for.
void world_go_on(struct world *w, uint64_t id, const char *output);
void world_done(struct world *w, uint64_t id, const char *output, uint64_t card);
void world_fail(struct world *w, uint64_t id, const char *output);

// An accepted one, established after one record of 3 bytes; card 9.
void world_establish(struct world *w, uint64_t conn);

// The i-th message said, which must be of that type.
const struct link_message *world_said(const struct world *w, unsigned i, enum link_type type);
void world_forget(struct world *w); // what was said
unsigned world_count(const struct world *w);
struct session_row world_row(const struct world *w, uint64_t conn); // state NULL: none
