// SPDX-License-Identifier: BSD-3-Clause
// Control, as far as a worker that is measured needs one: it allows every target, and hands over
// each session at once, without a handshake, under secrets that are known beforehand to whoever
// plays the peers. One identity card serves all sessions. It has its end of a real segment, so the
// worker hears it by its rings, a turn's share at a time.
//
// Thread: any one; the worker may run meanwhile.

#pragma once

#include "dataplane/worker/worker.h"

// Proved by the card of every session.
#define CONTROL_END_HOST "edge.partner.example"

struct control_end;

// Offers the worker a segment; it takes it up in its next turn. Exits where it cannot.
struct control_end *control_end_open(struct worker *w);
// The worker is no more.
void control_end_close(struct control_end *c);

// Answers what the worker has said. True while it says something, or the worker has not heard it.
bool control_end_answer(struct control_end *c);

// TLS 1.3 with AES-128-GCM, as this role has them: of every session the same, though each has keys
// of its own as far as the record layer can tell.
void control_end_secrets(enum record_role role, struct record_secrets *secrets);
// The card of a partner by number, any: what differs is its fingerprint.
void control_end_card(uint32_t number, struct card *card);
