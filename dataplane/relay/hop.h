// SPDX-License-Identifier: BSD-3-Clause
// The next hop of a request: always one of the configured hops of the verdict's peer, never an
// address out of the message, so that nobody can aim the relay. Pure.

#pragma once

#include "dataplane/relay/job.h"

// The hop that the target names literally; else one by rendezvous over the pair (From, To), the
// same for every request of a pair on every worker. Only hops that a listener of the egress side
// reaches; for sips, only TLS. REASON_none, no_next_hop or sip_sips_downgrade.
enum reason hop_choose(const struct relay *r, const struct job *job, const struct verdict *verdict,
	struct hop *out);
