// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/reason.h"

static const struct {
	const char *name;
	const char *text;
	uint16_t sip_status;
	uint16_t diagnostic;
} reasons[REASON_N] = {
#define REASON(name, sip_status, diagnostic, text) {#name, text, sip_status, diagnostic},
#include "lib/base/reason.def"
#undef REASON
};

const char *reason_name(enum reason r)
{
	return (unsigned)r < REASON_N ? reasons[r].name : "unknown";
}

const char *reason_text(enum reason r)
{
	return (unsigned)r < REASON_N ? reasons[r].text : "unknown";
}

unsigned reason_sip_status(enum reason r)
{
	return (unsigned)r < REASON_N ? reasons[r].sip_status : 0;
}

unsigned reason_diagnostic(enum reason r)
{
	return (unsigned)r < REASON_N ? reasons[r].diagnostic : 0;
}
