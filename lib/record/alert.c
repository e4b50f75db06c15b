// SPDX-License-Identifier: BSD-3-Clause

#include "lib/record/alert.h"

#include <stddef.h>

static const char *const names[256] = {
#define RECORD_ALERT(name, number) [number] = #name,
#include "lib/record/alert.def"
#undef RECORD_ALERT
};

const char *record_alert_name(uint8_t number)
{
	return names[number] != NULL ? names[number] : "unknown";
}
