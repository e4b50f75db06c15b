// SPDX-License-Identifier: BSD-3-Clause
// What the dataplane gives up once it has started: its user, its capabilities, and the system
// calls that it has no use for. Main thread; for all threads of the process.

#pragma once

#include "dataplane/core_map/core_map.h"

// Becomes the user of the core map (or stays, where it names none), then lets no system call pass
// but those on a list: the others fail with EPERM, which a driver survives, and those that start a
// program or look into another process kill. 0, or -errno with error set; the process must then
// end.
int sandbox_enter(const struct core_map *map, char error[CORE_MAP_ERROR_BYTES]);
