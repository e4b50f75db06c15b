// SPDX-License-Identifier: BSD-3-Clause
// The part of TLS 1.3's key schedule that goes on after a handshake (RFC 8446 §7.1 to §7.3).
// Within lib/record.

#pragma once

#include "lib/record/session.h"

// HKDF-Expand-Label(secret, label, "", n_out), n_out ≤ the hash's bytes. False where the provider
// fails.
bool record_expand_label(struct record_crypto *c, enum record_suite suite,
	const uint8_t secret[RECORD_SECRET_BYTES], const char *label, uint8_t *out, size_t n_out);

// Key and iv from a traffic secret; sequence 0, and an id of its own.
bool record_keys_derive(struct record_crypto *c, enum record_suite suite,
	const uint8_t traffic[RECORD_SECRET_BYTES], struct record_keys *keys);

// The next generation: a new traffic secret in the place of the old one, and keys from it.
bool record_keys_update(struct record_crypto *c, enum record_suite suite,
	uint8_t traffic[RECORD_SECRET_BYTES], struct record_keys *keys);
