// SPDX-License-Identifier: BSD-3-Clause
// Frames in a file that tcpdump and Wireshark read, to see what a failed test said on its wire.

#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// NULL and errno. Closed by fclose(), or by the program's end.
FILE *pcap_new(const char *path);
// With the time of day.
void pcap_add(FILE *file, const uint8_t *frame, size_t n_bytes);
