// SPDX-License-Identifier: BSD-3-Clause
// One message of each type that passes, for tests to spoil.

#pragma once

#include "lib/link/message.h"

#define HONEST_EPOCH 7

void honest_message(struct link_message *m, enum link_type type);
// The way that messages of the type go.
enum link_direction honest_direction(enum link_type type);
void honest_card(struct card *c);
// Of TLS 1.3 with AES-128-GCM.
void honest_secrets(struct record_secrets *s);
