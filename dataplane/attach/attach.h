// SPDX-License-Identifier: BSD-3-Clause
// The dataplane's end of the attachment: one control at a time, checked by uid, fresh segments and
// an epoch for each, heartbeats, publications, counters. See lib/link/attach.h for the messages.
// Main thread. Nothing here waits for control: who does not read, or is silent, is dropped.

#pragma once

#include "dataplane/publish/publish.h"

struct attachment;

// Whether the socket can have its place, which is made where it is missing: to be asked before
// anything that takes long. 0; or -errno, and error says what is wrong.
int attachment_check(const struct core_map *map, char error[CORE_MAP_ERROR_BYTES]);

// Listens on the core map's socket, for root and the map's control_user alone (this process' own
// user where the map names none). Before privileges are dropped. NULL with errno.
struct attachment *attachment_open(
	const struct core_map *map, struct worker *workers, struct publisher *publisher);
// The workers have stopped. NULL is fine.
void attachment_close(struct attachment *a);

// Waits at most timeout_ms for control to say something, and acts. Call it in main's loop.
void attachment_poll(struct attachment *a, int timeout_ms);

// Acts on what there is, without waiting. now_ms: CLOCK_MONOTONIC, or a test's own.
void attachment_step(struct attachment *a, int64_t now_ms);
