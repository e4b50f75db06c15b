// SPDX-License-Identifier: BSD-3-Clause
// Identity cards of one worker: each once, however many sessions have it. One that no session has
// stays until its room is needed, since control gives a card before the session that has it.
// Private to this folder. Thread: the worker's.

#pragma once

#include "lib/policy/card.h"

struct cards;

struct cards *cards_new(uint32_t n); // at once; NULL with errno
void cards_free(struct cards *c);

// name: control's choice, not 0. 0, also of one that is there already; -EEXIST where another card
// has that name; -ENOBUFS where every card is a session's.
int cards_add(struct cards *c, uint64_t name, const struct card *card);

// For a session. Its number, not 0, to be given back; 0: there is none.
uint32_t cards_get(struct cards *c, uint64_t name);
void cards_put(struct cards *c, uint32_t number); // 0 does nothing

// Of a number that a session has.
const struct card *cards_at(const struct cards *c, uint32_t number);
uint64_t cards_name(const struct cards *c, uint32_t number);
// Of this card alone, also when another one has its place or its name; not 0.
uint64_t cards_serial(const struct cards *c, uint32_t number);
// NULL: there is none.
const struct card *cards_find(const struct cards *c, uint64_t name);

uint32_t cards_count(const struct cards *c);
