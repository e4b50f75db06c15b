// SPDX-License-Identifier: BSD-3-Clause
// The command line.

#pragma once

#include "tests/load/load.h"

struct options {
	struct load_map_config map;
	struct load_config load;             // without map, port, pools, identities
	struct identities_config identities; // of TLS; else without a folder
	bool calls;                          // otherwise callee only
	bool find_max;
	bool json;
	bool sleep; // when there is nothing to do: for shared cores
	double rate;
	double seconds; // of a callee: 0 until it is stopped
	double warm_up_seconds;
	double drain_seconds; // for the last answers, at most
	double wait_seconds;  // for the first one, and all connections
	double allowed_ppm;
	double precision;
};

enum options_result {
	OPTIONS_RUN,
	OPTIONS_HELP,    // asked for
	OPTIONS_VERSION, // likewise
	OPTIONS_WRONG,   // errors says why
};

// Text in *out is argv's.
enum options_result options_read(int argc, char **argv, struct options *out, struct errors *errors);

extern const char options_usage[];
