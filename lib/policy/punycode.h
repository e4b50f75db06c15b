// SPDX-License-Identifier: BSD-3-Clause
// Punycode, the ASCII form of a label that is not ASCII (RFC 3492).

#pragma once

#include <stddef.h>
#include <stdint.h>

// Without the "xn--". n_points ≤ 1000, or the deltas could overflow. The bytes written, or -EINVAL
// where they would be more than room.
int punycode_encode(const uint32_t points[], size_t n_points, uint8_t *out, size_t room);
