// SPDX-License-Identifier: BSD-3-Clause
// What the dataplane tells control, as messages. Main thread. Private to this folder.

#pragma once

#include "dataplane/publish/publish.h"

void answer_hello(struct attach_message *m, const struct core_map *map,
	const struct generation *current, uint32_t replaced_epoch);
void answer_segment(struct attach_message *m, const struct worker *w);
void answer_listener(struct attach_message *m, const struct core_map *map, unsigned index);
void answer_counters(struct attach_message *m, const struct worker *w);

// With the memfd that goes along, the caller's. -errno.
int answer_hits(struct attach_message *m, const struct generation *current);
