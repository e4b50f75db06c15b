// SPDX-License-Identifier: BSD-3-Clause
// What the payload of a ring message must hold to: called by link_message_check() when type and
// size are right. Private to this folder.

#pragma once

#include "lib/link/message.h"

// NULL, or which rule is broken (static text).
const char *link_payload_check(const struct link_message *m);
