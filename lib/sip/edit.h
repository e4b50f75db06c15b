// SPDX-License-Identifier: BSD-3-Clause
// Edits of a message: a list of cuts and inserts, applied while the message is written once.
// Pure; any thread; no allocation. The source and every inserted view stay the caller's and must
// live until the write.

#pragma once

#include "lib/base/view.h"

#define SIP_EDITS_MAX 64

struct sip_edit {
	size_t at;          // offset in the source
	size_t cut;         // bytes left out there
	struct view insert; // written in their place
};

struct sip_edits {
	struct view source;
	unsigned n;
	bool overflow;  // more than SIP_EDITS_MAX, or two cuts overlapped: nothing can be written
	size_t n_bytes; // length of the edited message
	struct sip_edit list[SIP_EDITS_MAX]; // ascending by `at`
};

void sip_edits_init(struct sip_edits *e, struct view source);

// Edits may be added in any order; inserts at one place apply in the order in which they were
// added, and before a cut that starts there. A cut directly behind another one without an insert
// between them is joined to it, so that a run of adjacent fields costs one edit.
void sip_edits_add(struct sip_edits *e, size_t at, size_t cut, struct view insert);

static inline void sip_edits_cut(struct sip_edits *e, size_t at, size_t cut)
{
	sip_edits_add(e, at, cut, VIEW_NONE);
}

static inline void sip_edits_insert(struct sip_edits *e, size_t at, struct view insert)
{
	sip_edits_add(e, at, 0, insert);
}

// Writes the edited source; out must not overlap it. Its length; or 0, with nothing written, when
// it does not fit or the edits overflowed.
size_t sip_edits_write(const struct sip_edits *e, uint8_t *out, size_t room);
