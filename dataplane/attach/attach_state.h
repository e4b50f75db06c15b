// SPDX-License-Identifier: BSD-3-Clause
// What the attachment (attach.c) and those who want to be attached (claim.c) share; nobody else
// includes it. Main thread.

#pragma once

#include "dataplane/attach/attach.h"
#include "dataplane/attach/segments.h"

#include <sys/types.h>

// One connection. Both kinds below are this.
struct peer {
	int socket; // -1: none
	pid_t pid;
	int64_t heard_ms, said_ms;
};

struct attachment {
	const struct core_map *map;
	struct publisher *publisher;
	struct segments segments;
	int listener;
	uid_t uid; // who may attach, beside root
	int64_t now_ms;
	// Connected, and to say or having said CLAIM; attached once the former rings are free.
	struct peer claimant;
	bool claimed;
	uint32_t replaced_epoch; // of the one that made way for the claimant, 0: none
	// The attached control.
	struct peer control;
	uint32_t epoch;            // its, or the last one's
	uint32_t publishing_epoch; // whose publication is under way, 0: nobody's
	uint64_t counts[REASON_N]; // of this thread
};

// attach.c
void attach_close_peer(struct peer *p);
// As good as it goes: the socket may be full or dead.
void attach_say_bye(struct peer *p, uint32_t epoch, bool replaced, const char *why);
// The control is told why, left, and its rings are revoked; counted unless REASON_none.
void attach_drop(struct attachment *a, enum reason reason, const char *why);

// claim.c
void claim_accept(struct attachment *a); // connections that wait
void claim_hear(struct attachment *a);   // the claimant, who is connected
void claim_refuse(struct attachment *a, const char *why);
