// SPDX-License-Identifier: BSD-3-Clause
// Answers every request with 200, and looks whether those of a fedload are what was sent.
// Thread: the station's.

#pragma once

#include "tests/load/request.h"
#include "tests/load/station.h"

struct callee_counts {
	uint64_t n_requests; // without ACK
	uint64_t n_answered;
	uint64_t n_foreign; // of them, not of a fedload: any body is right
	uint64_t n_altered; // the body is not the one that was sent: answered with 400
	uint64_t n_unsent;  // answers for which there was no room, or nobody any more
};

struct callee {
	struct station *station;
	const struct requests *requests;
	struct callee_counts counts;
};

void callee_hear(struct callee *c, const struct sip_message *m, const struct way *from);
