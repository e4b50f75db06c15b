// SPDX-License-Identifier: BSD-3-Clause
// The next hop of a request: always one of the configured hops of the verdict's peer, or where DNS
// finds the domain that a discovered peer has; never an address out of the message, so that nobody
// can aim the relay. Pure.

#pragma once

#include "dataplane/relay/job.h"

// The hop that the target names literally; else one by rendezvous over the pair (From, To), the
// same for every request of a pair on every worker. Only hops that a listener of the egress side
// reaches; for sips, only TLS. to: the domain that the request is for, in any spelling; of a
// discovered peer the hop is struct found's. REASON_none, no_next_hop or sip_sips_downgrade.
enum reason hop_choose(struct relay *r, const struct job *job, const struct verdict *verdict,
	struct view to, struct hop *out);
