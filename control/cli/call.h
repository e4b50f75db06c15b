// SPDX-License-Identifier: BSD-3-Clause
// One question to control and its answer. Says what went wrong.

#pragma once

#include "control/cli/fedctl.h"

// Seconds without a sign of control before it counts as unreachable.
#define CALL_SILENCE_S 90

// request is given away; fds stay the caller's. The reply whatever it says, the caller's; NULL when
// control could not be reached, which has been said.
json_t *call(const struct fedctl *f, json_t *request, const int fds[], size_t n_fds);

// The usual way on from a reply: NULL and the exit code of what went wrong, having said it; or the
// reply, to be shown; with --json it has been printed already: NULL and FEDCTL_OK.
json_t *call_and_check(const struct fedctl *f, json_t *request, int *exit_code);
