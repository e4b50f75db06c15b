// SPDX-License-Identifier: BSD-3-Clause
// The stamp: a header field that tells our own servers how far a partner vouches for a sender, and
// partners that we vouch for ours (FEATURES P5). Nobody outside can write one: what comes from
// there loses its own, and gets the relay's. Pure.

#pragma once

#include "dataplane/relay/job.h"
#include "lib/sip/edit.h"

enum stamp_mark {
	STAMP_LEFT, // no stamp is added
	STAMP_VERIFIED,
	STAMP_UNVERIFIED,
};

// What a request that the policy allows is to be marked with, to job->stamp. REASON_none, or
// stamp_missing where its partner is to vouch for it and does not.
enum reason stamp_judge(const struct relay *r, struct job *job, const struct verdict *verdict);

// Adds to edits: stamps of a message that came in from outside are taken out, of a request and of a
// response; and the request's mark is put in. text: must live as long as the edits.
void stamp_cut(const struct relay *r, const struct job *job, struct sip_edits *edits);
void stamp_add(
	const struct relay *r, const struct job *job, struct sip_edits *edits, struct text *text);
