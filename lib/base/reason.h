// SPDX-License-Identifier: BSD-3-Clause
// Why a frame, packet or message ended as it did. See reason.def for the list and its meaning.

#pragma once

#include <stdint.h>

enum reason {
#define REASON(name, sip_status, diagnostic, text) REASON_##name,
#include "lib/base/reason.def"
#undef REASON
	REASON_N,
};

// For a value outside the list: "unknown", and 0.
const char *reason_name(enum reason r);
const char *reason_text(enum reason r);
unsigned reason_sip_status(enum reason r);
unsigned reason_diagnostic(enum reason r);
