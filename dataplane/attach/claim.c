// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/attach/attach_state.h"
#include "dataplane/attach/listener.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// Connections taken a step, so that heartbeats and publications get their turn.
#define ACCEPTS_A_STEP 8

void claim_refuse(struct attachment *a, const char *why)
{
	a->counts[REASON_attach_refused]++;
	attach_say_bye(&a->claimant, 0, false, why);
	attach_close_peer(&a->claimant);
}

void claim_accept(struct attachment *a)
{
	for (unsigned i = 0; i < ACCEPTS_A_STEP; i++) {
		struct peer p = {.heard_ms = a->now_ms};
		int got = listener_accept(a->listener, a->uid, &p.socket, &p.pid);

		if (got == -EACCES)
			a->counts[REASON_attach_refused]++;
		else if (got != 1)
			return;
		if (got != 1)
			continue;
		// The newest counts: an older one that still only claims may hang.
		if (a->claimant.socket != -1)
			claim_refuse(a, "another control connected");
		a->claimant = p;
		a->claimed = false;
		a->replaced_epoch = 0;
	}
}

static void take_claim(struct attachment *a, const struct attach_claim *claim)
{
	char text[ATTACH_ERROR_BYTES];

	if (strcmp(claim->version, FEDRELAY_VERSION) != 0) {
		snprintf(text, sizeof(text),
			"control is version %s, the dataplane " FEDRELAY_VERSION, claim->version);
		claim_refuse(a, text);
		return;
	}
	if (a->control.socket != -1 && claim->only_if_free) {
		snprintf(text, sizeof(text), "another control is attached (process %d)",
			a->control.pid);
		claim_refuse(a, text);
		return;
	}
	a->claimed = true;
	if (a->control.socket == -1)
		return;
	snprintf(text, sizeof(text), "replaced by another control (process %d)", a->claimant.pid);
	a->replaced_epoch = a->epoch;
	attach_drop(a, REASON_attach_replaced, text);
}

void claim_hear(struct attachment *a)
{
	struct attach_message m;
	const char *error;
	int fd, got = attach_receive(a->claimant.socket, &m, &fd, false, &error);

	if (got == 1 && m.type == ATTACH_CLAIM && !a->claimed) {
		take_claim(a, &m.claim);
	} else if (got != 0) {
		if (fd != -1)
			close(fd);
		a->counts[REASON_attach_malformed]++;
		attach_close_peer(&a->claimant);
	} else if (a->now_ms - a->claimant.heard_ms > ATTACH_SILENCE_MS) {
		claim_refuse(
			a, a->claimed ? "a worker has not let go of the former rings" : "no claim");
	}
}
