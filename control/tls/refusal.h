// SPDX-License-Identifier: BSD-3-Clause
// Why a TLS handshake failed. See refusal.def for the list and its meaning.

#pragma once

#include <stdint.h>

enum tls_refusal {
#define TLS_REFUSAL(name, text, diagnosis)       TLS_REFUSAL_##name,
#define TLS_ALERT(number, name, text, diagnosis) TLS_REFUSAL_peer_alert_##name,
#include "control/tls/refusal.def"
#undef TLS_REFUSAL
#undef TLS_ALERT
	TLS_REFUSAL_N,
};

// For a value outside the list: "unknown".
const char *tls_refusal_name(enum tls_refusal r);
const char *tls_refusal_text(enum tls_refusal r);
const char *tls_refusal_diagnosis(enum tls_refusal r);

// The refusal that a fatal alert of the peer's is. Also for one that a worker tells of, after the
// handshake: a TLS 1.3 server judges our certificate when we are done already.
enum tls_refusal tls_refusal_of_alert(uint8_t alert);
