// SPDX-License-Identifier: BSD-3-Clause

#include "control/tls/refusal.h"

#include <stddef.h>

struct refusal {
	const char *name, *text, *diagnosis;
};

static const struct refusal refusals[TLS_REFUSAL_N] = {
#define TLS_REFUSAL(name, text, diagnosis) [TLS_REFUSAL_##name] = {#name, text, diagnosis},
#define TLS_ALERT(number, name, text, diagnosis) \
	[TLS_REFUSAL_peer_alert_##name] = {"peer_alert_" #name, text, diagnosis},
#include "control/tls/refusal.def"
#undef TLS_REFUSAL
#undef TLS_ALERT
};

static const struct refusal unknown = {"unknown", "unknown", ""};

static const struct refusal *find(enum tls_refusal r)
{
	return (unsigned)r < TLS_REFUSAL_N ? &refusals[r] : &unknown;
}

const char *tls_refusal_name(enum tls_refusal r)
{
	return find(r)->name;
}

const char *tls_refusal_text(enum tls_refusal r)
{
	return find(r)->text;
}

const char *tls_refusal_diagnosis(enum tls_refusal r)
{
	return find(r)->diagnosis;
}

enum tls_refusal tls_refusal_of_alert(uint8_t alert)
{
	static const struct {
		uint8_t alert;
		enum tls_refusal refusal;
	} alerts[] = {
#define TLS_REFUSAL(name, text, diagnosis)
#define TLS_ALERT(number, name, text, diagnosis) {number, TLS_REFUSAL_peer_alert_##name},
#include "control/tls/refusal.def"
#undef TLS_REFUSAL
#undef TLS_ALERT
	};

	for (size_t i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++) {
		if (alerts[i].alert == alert)
			return alerts[i].refusal;
	}
	return TLS_REFUSAL_peer_alert_other;
}
