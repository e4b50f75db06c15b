// SPDX-License-Identifier: BSD-3-Clause
// Records sealed and opened from a hand-over's secrets by OpenSSL's EVP, with the key schedule
// written out (RFC 8446 §5, §7.3; RFC 5288; RFC 7905): shows that the secrets are the right ones.

#pragma once

#include "lib/base/view.h"
#include "lib/record/secrets.h"

#define AEAD_TYPE_HANDSHAKE 22
#define AEAD_TYPE_DATA      23

// Opens the next record to be received and counts on. Its content in plaintext; the length, or -1
// where it does not open. *type: of the content.
int aead_open(struct record_secrets *s, struct view record, uint8_t *plaintext, uint8_t *type);
// Seals the next record to be sent and counts on. Its length.
size_t aead_seal(struct record_secrets *s, uint8_t type, struct view plaintext, uint8_t *record);
