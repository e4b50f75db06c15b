// SPDX-License-Identifier: BSD-3-Clause
// What must hold for every segment that the engine sends, whatever the script is about.

#pragma once

#include "tests/script/world.h"

// Learns what a peer has announced and sent.
void watch_input(struct peer *p, const struct wire *wire);

// Complains of a segment that no peer may ever see; learns what the engine has announced.
void watch_output(struct world *w, struct peer *p, const struct wire *wire);

// In relative numbers, as scripts write them.
void watch_describe(
	const struct peer *p, bool in, const struct wire *wire, char *text, size_t n_bytes);
