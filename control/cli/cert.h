// SPDX-License-Identifier: BSD-3-Clause
// The parts of `fedctl cert`. Only `partners` needs control.

#pragma once

#include "control/cli/fedctl.h"

// Arguments after the word, argv[0] is the word. An enum fedctl_exit.
int cert_request_run(const struct fedctl *f, int argc, char *argv[]);
int cert_partners_run(const struct fedctl *f, int argc, char *argv[]);
int cert_show_run(const struct fedctl *f, int argc, char *argv[]);
