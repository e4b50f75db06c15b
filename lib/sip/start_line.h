// SPDX-License-Identifier: BSD-3-Clause
// Request-Line and Status-Line (RFC 3261 §7.1, §7.2), for message.c only.

#pragma once

#include "lib/sip/message.h"

// Reads m->start and sets what hangs on it: is_request, method, status and the spans.
// Strict: single spaces, a method that is a token, a Request-URI without white space.
// REASON_sip_not_sip where not even the version says SIP: then nothing else is set.
enum reason sip_start_line_parse(struct sip_message *m);
