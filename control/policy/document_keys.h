// SPDX-License-Identifier: BSD-3-Clause
// The one list of keys that a federation document may have, as lib/yaml/schema.h reads it.
// For document.c.

#pragma once

#include "lib/yaml/schema.h"

#define DOCUMENT_BODY_DEFAULT  (5000u * 1024)
#define DOCUMENT_STAMP_DEFAULT "ms-edge-proxy-message-trust" // FEATURES P5

enum document_key {
	KEY_FEDERATION,
	KEY_ENABLED,
	KEY_SIP,
	KEY_STAMP,
	KEY_LIMITS,
	KEY_BODY,
	KEY_CERTIFICATES,
	KEY_KEY,
	KEY_TLS,
	KEY_TRUST,
	KEY_TRUST_INSIDE,
	KEY_CRL,
	KEY_EKU,
	KEY_REVOCATION,
	KEY_MINIMUM,
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
	KEY_DISCOVER,
	KEY_IDENTITY,
	KEY_HOST,
	KEY_FINGERPRINT,
	KEY_VERIFICATION,
	KEY_CERTIFICATE,
	KEY_COMMENT,
};

extern const struct schema_key document_keys[];
