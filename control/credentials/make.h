// SPDX-License-Identifier: BSD-3-Clause
// From the federation document to what handshakes go by: the certificates, keys, roots and CRLs
// that it names are plain files in one folder, which control alone opens and nobody hands to it.
// Any thread.

#pragma once

#include "control/policy/document.h"
#include "control/tls/context.h"
#include "lib/base/side.h"

struct credentials_source {
	const char *folder;
	// Seconds since the epoch by which our certificates must be valid; 0 does not look: a
	// control that restarts goes on with what it has.
	int64_t now_s;
	struct tls_cache *cache; // outlives what is made
};

// A context for each side, with a reference each, the caller's; NULL where the document has no
// certificates. 0; -EINVAL when errors has been added to; -ENOMEM.
int credentials_make(const struct credentials_source *source, const struct document *document,
	struct tls_context *made[SIDE_N], struct errors *errors);
