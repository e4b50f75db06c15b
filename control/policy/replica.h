// SPDX-License-Identifier: BSD-3-Clause
// Control's own copy of a compiled policy: the very image that the dataplane gets, checked by the
// same image_open() and asked by the same policy_decide(). What `fedctl explain` looks into.
// One thread at a time; opening may be another's than asking.

#pragma once

#include "lib/policy/decide.h"

struct replica;

struct replica_error {
	image_rule_id rule; // of the pattern at fault, IMAGE_RULE_NONE when it is none
	char text[200];
};

// Maps a sealed image, checks it and compiles its patterns; those of former (or NULL) are taken
// over when they are the same. The descriptor stays the caller's. NULL: errno is EINVAL for a
// pattern, EBADMSG for the image, with error set; or ENOMEM.
struct replica *replica_open(
	int image_fd, uint64_t n_bytes, struct replica *former, struct replica_error *error);
void replica_close(struct replica *r);

const struct image *replica_image(const struct replica *r);
void replica_decide(struct replica *r, const struct policy_query *query, struct verdict *verdict);
// policy_peer_of().
uint32_t replica_peer_of(struct replica *r, struct view name);
