// SPDX-License-Identifier: BSD-3-Clause
// UDP frames for benches, built and read by code that shares nothing with the product's.

#pragma once

#include "lib/base/addr.h"

struct frame_ends {
	uint8_t family; // enum ip_family
	uint8_t source_mac[6], destination_mac[6];
	uint8_t source_ip[16], destination_ip[16];
};

struct frame_payload {
	const uint8_t *at;
	size_t n_bytes;
	uint8_t family;
};

extern const char frame_not_udp[];

// From port 5060 to 5060, without checksum offload. Its length.
size_t frame_build(
	const struct frame_ends *ends, const uint8_t *payload, size_t n_bytes, uint8_t *frame);
// NULL, or what is wrong with lengths, checksums or ports; frame_not_udp for another protocol.
const char *frame_read(const uint8_t *frame, size_t n_bytes, struct frame_ends *ends,
	struct frame_payload *payload);
