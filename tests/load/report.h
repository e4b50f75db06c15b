// SPDX-License-Identifier: BSD-3-Clause
// What a run came to, for people or, an object a line, for programs.

#pragma once

#include "tests/load/options.h"

#include <stdio.h>

void report_trial(const struct options *o, const struct load_result *r, double rate, FILE *out);
void report_callee(const struct options *o, const struct load_result *r, double seconds, FILE *out);
// What became of frames, datagrams and segments that came: every counter that is not zero.
void report_reasons(const struct load_result *r, FILE *out);
// rate: 0 where none passed.
void report_found(const struct options *o, double rate, unsigned n_trials, FILE *out);
