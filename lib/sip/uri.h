// SPDX-License-Identifier: BSD-3-Clause
// SIP and SIPS URIs (RFC 3261 §19.1, §25.1) and hosts. Pure; any thread; views into the input.

#pragma once

#include "lib/base/addr.h"
#include "lib/base/view.h"

enum sip_scheme {
	SIP_SCHEME_OTHER, // tel:, im:, http: …; only scheme_text and rest are set
	SIP_SCHEME_SIP,
	SIP_SCHEME_SIPS,
};

struct sip_uri {
	struct view text;
	struct view scheme_text;
	struct view user;    // before the host without "@", password cut off; escapes stay
	struct view host;    // name, dotted quad, or [v6] with its brackets
	struct view params;  // from the first ';' (included) to before '?', or empty
	struct view headers; // after '?', or empty
	struct ip_addr ip;   // of a literal host; family IP_NONE for a name
	uint16_t port;       // 0 when absent
	uint8_t scheme;      // enum sip_scheme
	uint8_t transport;   // enum transport of a transport= parameter, TRANSPORT_NONE otherwise
	bool has_lr;
};

// The whole of text must be one URI. 0; or -EINVAL for one that RFC 3261 §25.1 does not allow
// (white space, angle brackets, bad escapes, bad port). Hosts may carry UTF-8, which a strict
// grammar would not: internationalised names arrive so.
int sip_uri_parse(struct view text, struct sip_uri *out);

// The value of parameter name in ";a=b;c", unquoted bytes as written. Found without value: empty
// view with at != NULL. Absent: VIEW_NONE. Names are case-insensitive.
struct view sip_param_find(struct view params, struct view name);
