// SPDX-License-Identifier: BSD-3-Clause
// The dataplane's end of the attachment: one control at a time, checked by uid, fresh segments and
// an epoch for each, heartbeats, publications, counters. See lib/link/attach.h for the messages.
// Main thread.

#pragma once

#include "dataplane/publish/publish.h"

struct attachment;

// Listens on the core map's socket. NULL with errno.
struct attachment *attachment_open(
	const struct core_map *map, struct worker *workers, struct publisher *publisher);
void attachment_close(struct attachment *a);

// Waits at most timeout_ms for control to say something, and acts. Call it in main's loop.
void attachment_poll(struct attachment *a, int timeout_ms);
