// SPDX-License-Identifier: BSD-3-Clause
// The one list of keys that a federation document may have, as lib/yaml/schema.h reads it.
// For document.c.

#pragma once

#include "lib/yaml/schema.h"

#define DOCUMENT_BODY_DEFAULT (5000u * 1024)

enum document_key {
	KEY_FEDERATION,
	KEY_ENABLED,
	KEY_SIP,
	KEY_LIMITS,
	KEY_BODY,
	KEY_LOCAL_DOMAINS,
	KEY_PARTNERS,
	KEY_ALLOW,
	KEY_BLOCK,
	KEY_NAME,
	KEY_DOMAIN,
	KEY_FILE,
	KEY_PATTERN,
	KEY_PARTNER,
	KEY_HOP,
	KEY_SOURCE,
	KEY_CONNECTIONS,
	KEY_COMMENT,
};

extern const struct schema_key document_keys[];
