// SPDX-License-Identifier: BSD-3-Clause
// Next hops that are names. Whoever holds one knows it as an endpoint of family IP_NAMED, by a key
// of 16 bytes, and treats it as any other address; only control finds out where it is. The image
// says which names its keys are of.
//
// Keys are made under the relay's key: the names of a partner's domains are the partner's to
// choose, and two that met in one key would share a connection.
// Pure; any thread.

#pragma once

#include "lib/base/addr.h"
#include "lib/base/siphash.h"

enum hop_kind {
	HOP_HOST,   // of the host's own addresses; with port 0 as RFC 3263 §4 looks for a host
	HOP_DOMAIN, // where DNS says that the SIP servers of the domain are (FEATURES T4)
	HOP_KIND_N,
};

// What keys are made under: two hashes, begun.
struct hop_keys {
	struct siphash low, high;
};

void hop_keys_init(struct hop_keys *keys, const struct siphash_key *relay_key);

// The key of a canonical name (lib/policy/domain.h).
struct ip_addr hop_key(const struct hop_keys *keys, enum hop_kind kind, struct view name);
