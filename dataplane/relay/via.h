// SPDX-License-Identifier: BSD-3-Clause
// The topmost Via of a request against where the request came from (RFC 3261 §18.2.1, RFC 3581).
// Pure.

#pragma once

#include "dataplane/relay/request.h"
#include "lib/sip/edit.h"

// Adds to edits: received, where sent-by is not the source address or rport asks for it; and
// rport's value. Values that are there already are replaced: only the relay knows them.
// text: where they are written; must live as long as the edits. rq->has_via.
void via_add_source(struct sip_edits *edits, struct text *text, const struct request *rq,
	const struct endpoint *source);

// Where the response to the request goes (§18.2.2, RFC 3581 §4): always the source's address.
struct endpoint via_response_address(const struct request *rq, const struct endpoint *source);
