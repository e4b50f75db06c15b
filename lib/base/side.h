// SPDX-License-Identifier: BSD-3-Clause
// The border that every rule about stamps, identities and trust means.

#pragma once

enum side {
	SIDE_INSIDE,  // our own servers
	SIDE_OUTSIDE, // partners
	SIDE_N,
};
