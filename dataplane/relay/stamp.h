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
// response.
void stamp_cut(const struct relay *r, const struct job *job, struct sip_edits *edits);

// The request's mark as a field, with its line's end; empty for none.
static inline struct view stamp_line(const struct relay *r, const struct job *job)
{
	const struct stamp_line *line;

	if (job->stamp == STAMP_LEFT)
		return VIEW_NONE;
	line = &r->stamp_lines[job->hop.listener][job->stamp == STAMP_UNVERIFIED];
	return view_of(line->bytes, line->len);
}

// Writes the fields of all listeners, for r->stamp.
void stamp_prepare(struct relay *r);
