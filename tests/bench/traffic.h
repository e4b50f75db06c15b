// SPDX-License-Identifier: BSD-3-Clause
// The messages that every relay bench sends, so that each relay gets the same ones: 512 B MESSAGEs
// from partners' users to users of one local domain, no two alike.

#pragma once

#include <stddef.h>
#include <stdint.h>

#define TRAFFIC_MESSAGES      65536
#define TRAFFIC_MESSAGE_BYTES 512
#define TRAFFIC_DOMAINS       10000  // partners that send
#define TRAFFIC_NAMES         100000 // partners that policy knows, the senders among them
#define TRAFFIC_LOCAL_DOMAIN  "contoso.example"
#define TRAFFIC_NAME_BYTES    64

// The partner domain with that number, NUL-terminated; the first TRAFFIC_DOMAINS send. Its length.
size_t traffic_domain(uint32_t number, char name[TRAFFIC_NAME_BYTES]);

// The index-th message, exactly TRAFFIC_MESSAGE_BYTES; domains follow each other in a fixed
// scattered order. sent_by: of its Via, "192.0.2.2:5060" or "[2001:db8::2]:5060".
void traffic_message(uint32_t index, const char *sent_by, uint8_t out[TRAFFIC_MESSAGE_BYTES]);
