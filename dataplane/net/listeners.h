// SPDX-License-Identifier: BSD-3-Clause
// Which listener a datagram is for. Filled once from the core map; only configuration is in it, so
// nobody outside chooses what collides.

#pragma once

#include "dataplane/net/state.h"

void listeners_init(struct net *n);
// Index in the core map, or -1.
int listeners_find(const struct net *n, uint16_t port, const struct ip_addr *ip, uint16_t udp_port);
