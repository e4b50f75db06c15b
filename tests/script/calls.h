// SPDX-License-Identifier: BSD-3-Clause
// Statements that call the engine as its user does, and those that ask it something. README.md
// says what each means; what is not as the line says ends the test.

#pragma once

#include "tests/script/player.h"

void act_abort(struct player *p, const struct source_line *line);
void act_close(struct player *p, const struct source_line *line);
void act_counted(struct player *p, const struct source_line *line);
void act_event(struct player *p, const struct source_line *line);
void act_expect(struct player *p, const struct source_line *line);
void act_icmp(struct player *p, const struct source_line *line);
void act_info(struct player *p, const struct source_line *line);
void act_isn(struct player *p, const struct source_line *line);
void act_listen(struct player *p, const struct source_line *line);
void act_open(struct player *p, const struct source_line *line);
void act_read(struct player *p, const struct source_line *line);
void act_readable(struct player *p, const struct source_line *line);
void act_remember(struct player *p, const struct source_line *line);
void act_room(struct player *p, const struct source_line *line);
void act_state(struct player *p, const struct source_line *line);
void act_total(struct player *p, const struct source_line *line);
void act_unacked(struct player *p, const struct source_line *line);
void act_unchanged(struct player *p, const struct source_line *line);
void act_unlisten(struct player *p, const struct source_line *line);
void act_usage(struct player *p, const struct source_line *line);
void act_write(struct player *p, const struct source_line *line);
