// SPDX-License-Identifier: BSD-3-Clause
// base64url (RFC 4648 §5) of whole groups of three bytes: no padding, so every text has one value
// and every value one text. Its alphabet is within the token of RFC 3261 §25.1.

#pragma once

#include <stddef.h>
#include <stdint.h>

#define BASE64_TEXT_BYTES(n) ((size_t)(n) / 3 * 4)

// n_bytes: a multiple of three. Writes BASE64_TEXT_BYTES(n_bytes).
void base64_encode(const uint8_t *bytes, size_t n_bytes, uint8_t *text);

// n_text: a multiple of four. Writes n_text / 4 * 3 bytes. 0, or -EINVAL for a byte outside the
// alphabet; bytes are then undefined.
int base64_decode(const uint8_t *text, size_t n_text, uint8_t *bytes);
