// SPDX-License-Identifier: BSD-3-Clause
// Tests of partners (FEATURES O8): the next hops of a domain are tried by the way that messages
// take, by the workers themselves, and watched. The loop's thread.

#pragma once

#include "control/partner/trial.h"
#include "control/target/serve.h"

#define TRIALS_HOPS_MAX 16
#define TRIALS_MS_MAX   20000
#define TRIALS_MAX      8 // at once

struct trials;

struct trials_config {
	uv_loop_t *loop;
	struct publisher *publisher;
	struct finder *finder; // NULL: names lead nowhere
	struct target_server *targets;
	struct session_server *sessions;
};

struct trials *trials_new(const struct trials_config *config); // NULL with errno
// Answers what is under way. Run the loop before trials_free().
void trials_stop(struct trials *t);
void trials_free(struct trials *t);

// hops: n of them, gone afterwards.
typedef void trials_done_fn(void *arg, const struct trial hops[], size_t n);

// Tries the next hops of a domain, in any spelling; from: of ours, whose certificate is shown, or
// empty: the default one. done is called once, later. 0; -EINVAL, one of them is no domain;
// -ENOENT, nobody has the domain; -ENOTCONN, no dataplane; -EBUSY, -ENOMEM.
int trials_start(
	struct trials *t, struct view domain, struct view from, trials_done_fn *done, void *arg);
