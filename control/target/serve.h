// SPDX-License-Identifier: BSD-3-Clause
// Answers workers that ask for connections: joins targets.h to the dataplane's rings and to what is
// published. The loop's thread.

#pragma once

#include "control/dns/finder.h"
#include "control/publish/publisher.h"
#include "control/target/targets.h"

struct target_server;

// From now on, for as long as the publisher has its dataplane. finder: of next hops that are names,
// must outlive the server; NULL: none of them is found. NULL with errno.
struct target_server *target_server_new(struct publisher *p, struct finder *finder);
// After publisher_stop(), or before it was used.
void target_server_free(struct target_server *s);

// targets_forgive().
void target_server_forgive(struct target_server *s, const struct link_target *which);
const struct targets *target_server_targets(const struct target_server *s);
// targets_name(), as a whom_name_fn (control/session). server: struct target_server.
bool target_server_name(
	void *server, const struct ip_addr *key, enum hop_kind *kind, struct view *name);
