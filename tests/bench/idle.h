// SPDX-License-Identifier: BSD-3-Clause
// Very many connections to one engine, from clients that are no engine: each answers the SYN-ACK
// that it gets, and says no more.

#pragma once

#include "lib/tcp/tcp.h"

#define IDLE_AT_ONCE TCP_BURST

// Connections first to first + IDLE_AT_ONCE - 1, whose events are the caller's to take. Exits where
// an answer is none.
void idle_establish(struct tcp *t, const struct endpoint *server, unsigned first, uint64_t now);

size_t idle_resident_bytes(void); // of this process
