// SPDX-License-Identifier: BSD-3-Clause
// Where a test program gets Ethernet frames from, and gives them to, by name:
//
//   tap:NAME[@NAMESPACE]   a TAP device, made there; gone with the program
//   listen:PATH            a Unix socket that another test program connects to; opening waits for
//   it connect:PATH           the other end
//
// Never blocks but in opening. Thread: any one.

#pragma once

#include "lib/base/view.h"

#define FRAME_BYTES_MAX 9018 // jumbo frames

// A descriptor to poll and close; -1 and errno.
int frame_port_open(const char *name);

// A frame, in the caller's bytes; n_bytes 0 when there is none. False when the other end is gone.
bool frame_port_receive(int fd, uint8_t bytes[FRAME_BYTES_MAX], size_t *n_bytes);
// A full port drops, as a wire would.
void frame_port_send(int fd, const uint8_t *bytes, size_t n_bytes);
