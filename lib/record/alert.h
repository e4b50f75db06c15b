// SPDX-License-Identifier: BSD-3-Clause
// Alerts by number and by name (alert.def). Pure; any thread.

#pragma once

#include <stdint.h>

enum record_alert {
#define RECORD_ALERT(name, number) RECORD_ALERT_##name = (number),
#include "lib/record/alert.def"
#undef RECORD_ALERT
	RECORD_ALERT_NONE = 255, // no alert: not a number of the protocol
};

// "unknown" for a number that alert.def has not.
const char *record_alert_name(uint8_t number);
