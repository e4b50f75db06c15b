// SPDX-License-Identifier: BSD-3-Clause
// The requests that fedload sends: all of them outside dialogs of their own, every byte a function
// of id and kind, so that whoever receives one knows whether it was changed on the way, and
// whoever receives a response knows which request it answers. Pure but for requests_init().

#pragma once

#include "lib/base/addr.h"
#include "lib/sip/message.h"
#include "tests/load/mix.h"

#define REQUEST_BYTES_MAX   (MIX_DOCUMENT_BYTES_MAX + 2048)
#define REQUEST_FILL_BYTES  (MIX_DOCUMENT_BYTES_MAX + 64)
#define REQUEST_DOMAIN_MAX  255
#define REQUEST_USERS_MAX   90000
#define REQUEST_DOMAINS_MAX 100000
#define REQUEST_MESSAGE_MIN 400
#define REQUEST_MESSAGE_MAX 8192

struct requests_config {
	const char *from_domain, *to_domain; // at most REQUEST_DOMAIN_MAX bytes; the caller's
	uint32_t n_users;                    // of each, 1 to REQUEST_USERS_MAX
	// Over 1, at most REQUEST_DOMAINS_MAX: senders are of so many domains below from_domain,
	// d00000.NAME, d00001.NAME and so on, so that a relay has to look up as many.
	uint32_t n_domains;
	uint32_t message_bytes; // of a MESSAGE, head and all
	enum transport transport;
};

struct requests {
	struct requests_config config;
	struct view from_domain, to_domain;
	uint8_t fill[REQUEST_FILL_BYTES];
};

void requests_init(struct requests *r, const struct requests_config *config);

// "d00000." of the number of a domain.
#define REQUEST_LABEL_BYTES 8
void requests_domain_label(uint32_t number, char label[REQUEST_LABEL_BYTES]);

// Who sends: sent_by for Via and Contact; domain of those below from_domain, where there are some.
struct request_sender {
	struct view sent_by;
	uint32_t domain;
};
#define REQUEST_ANY_DOMAIN UINT32_MAX // that of the conversation

// Its length, or 0 when it does not fit.
size_t requests_write(const struct requests *r, const struct mix_request *what, uint64_t id,
	const struct request_sender *sender, uint8_t *out, size_t room);

// What a Call-ID of ours says.
struct request_mark {
	uint64_t id;
	uint64_t body_bytes;
};
// False for a message whose Call-ID is not one of ours.
bool requests_recognise(const struct sip_message *m, struct request_mark *out);
// Whether a request that was recognised has the very body that it was sent with.
bool requests_is_whole(
	const struct requests *r, const struct sip_message *m, const struct request_mark *mark);
// Whether Via and CSeq of a response are those of the request, of that kind, with that id.
bool requests_is_answered(const struct sip_message *m, enum mix_kind kind, uint64_t id);
