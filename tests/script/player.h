// SPDX-License-Identifier: BSD-3-Clause
// Plays a script in a world: statement by statement, in order. README.md lists them. The first
// thing that is not as the script says fails the cmocka test, with FILE:LINE and the last segments.

#pragma once

#include "tests/script/segment.h"
#include "tests/script/source.h"

#define PLAYER_DEPTH_MAX 12

struct player {
	const struct source *source;
	struct world *world;
	struct values values;
	struct peer *peer; // that in, out and calls are about
	const struct source_line *line;
	const struct source_line *callers[PLAYER_DEPTH_MAX]; // uses of the macros that line is in
	unsigned depth;
	uint8_t remembered; // state of the connection, for `unchanged`
	bool bursts;        // inside of burst
	unsigned n_burst;
	struct peer *burst_peers[TCP_BURST];
	struct wire burst[TCP_BURST];
	uint8_t *burst_payloads[TCP_BURST];
	uint8_t bytes[1 << 20]; // for reading and writing
};

struct player *player_new(const struct source *source, const struct variant *variant);
void player_free(struct player *p);

void player_case(struct player *p, const struct source_block *block);
void player_cell(struct player *p, const struct source_cell *cell);

// Ends the test: does not return.
__attribute__((format(printf, 2, 3), noreturn)) void player_fail(
	struct player *p, const char *format, ...);
// Words of a line as numbers; what is none fails.
int64_t player_number(struct player *p, const char *word);

const char *player_word(struct player *p, const struct source_line *line, unsigned i);
int64_t player_number_at(struct player *p, const struct source_line *line, unsigned i);
// A millisecond goes by, or less to end; false at the end.
bool player_tick(struct player *p, uint64_t end);

// A statement other than those that steer (player.c). False for a word that is none.
bool player_act(struct player *p, const struct source_line *line);
