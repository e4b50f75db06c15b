// SPDX-License-Identifier: BSD-3-Clause
// One next hop on trial: what went well and what did not, in stages, from what DNS, the workers and
// the handshakes say of it. Pure; the clock is the caller's. Private to this folder and its test.

#pragma once

#include "control/dns/finder.h"
#include "control/session/server.h"

enum trial_stage {
#define TRIAL_STAGE(name, text) TRIAL_##name,
#include "control/partner/stage.def"
#undef TRIAL_STAGE
	TRIAL_STAGE_N,
};

enum trial_outcome {
	TRIAL_PENDING, // not reached yet, or under way
	TRIAL_OK,
	TRIAL_FAILED,
	TRIAL_SKIPPED, // there is nothing to it: an address needs no DNS, plain TCP no TLS
};

#define TRIAL_TEXT_BYTES 256

struct trial_step {
	enum trial_outcome outcome;
	uint64_t ns; // it took
	char text[TRIAL_TEXT_BYTES];
	const char *diagnosis; // what to do about it; "": nothing
};

struct trial {
	struct link_target target;
	char name[LINK_NAME_BYTES_MAX + 1]; // of a named hop; else empty
	enum hop_kind kind;
	uint64_t since_ns; // the stage under way has begun
	bool over;
	unsigned worker; // of its connection
	uint64_t conn;   // 0: none yet
	struct endpoint address;
	struct trial_step steps[TRIAL_STAGE_N];
	bool has_card;
	struct card card;
};

const char *trial_stage_name(enum trial_stage s);

// name: of a hop of family IP_NAMED.
void trial_begin(struct trial *t, const struct link_target *target, enum hop_kind kind,
	struct view name, uint64_t now_ns);
void trial_found(struct trial *t, const struct finder_result *result, uint64_t now_ns);
// What its worker says of it, and the handshake.
void trial_opened(
	struct trial *t, unsigned worker, const struct link_session_opened *m, uint64_t now_ns);
void trial_shaken(struct trial *t, const struct session_report *report, uint64_t now_ns);
void trial_ended(
	struct trial *t, unsigned worker, const struct link_session_ended *m, uint64_t now_ns);
void trial_told(struct trial *t, const struct link_target_told *m, uint64_t now_ns);
// It has its connection from before, as sessions.h has it: row may be NULL.
void trial_stands(struct trial *t, const struct session_row *row);
// Nothing came in time.
void trial_late(struct trial *t, uint64_t now_ns);

// Whether all went well.
bool trial_passed(const struct trial *t);
