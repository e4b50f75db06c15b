// SPDX-License-Identifier: BSD-3-Clause
// Whom a handshake is to be with (FEATURES T2), by the published policy. Of a connection that was
// accepted, nobody in particular: its peer's card says who it is, and the policy judges what it
// says. Of one that we opened, somebody whom a peer with that next hop may be.
//
// Pure but for the replica, which is the loop's thread's.

#pragma once

#include "control/policy/replica.h"
#include "control/tls/handshake.h"
#include "lib/base/side.h"
#include "lib/link/message.h"

// The name that a hop of family IP_NAMED stands for; false: it is not known. For those that are not
// in the image: a partner's that DNS finds.
typedef bool whom_name_fn(
	void *arg, const struct ip_addr *key, enum hop_kind *kind, struct view *name);

// What is asked of the handshake itself; its views live as long as the image and this struct.
struct whom {
	struct tls_params params;
	char server_name[TLS_SERVER_NAME_BYTES];
	uint8_t fingerprints[IMAGE_IDENTITIES_MAX][CARD_FINGERPRINT_BYTES];
};

// image: NULL: nothing is published. False: no peer has the hop that it was opened for.
bool whom_ask(const struct image *image, whom_name_fn *name_of, void *arg, enum side side,
	const struct link_session_opened *opened, struct whom *out);

// Whether the peer of a connection that we opened, which has that card, may be the one: what the
// handshake could not look at, since several peers have the hop, or several names. card: NULL
// without a certificate.
bool whom_accepts(struct replica *r, const struct link_target *target, const struct card *card);
