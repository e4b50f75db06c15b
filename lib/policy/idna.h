// SPDX-License-Identifier: BSD-3-Clause
// Domain names in UTF-8 as A-labels: UTS #46 processing, non-transitional. Called by domain.c only,
// for names that are not ASCII.

#pragma once

#include "lib/policy/domain.h"

// Writes the name with each label that is not ASCII as "xn--" and its Punycode. Neither bidi nor
// context rules (RFC 5892 appendix A, RFC 5893) are demanded: they never make two names equal, and
// no registered name breaks them. The bytes written, at most DOMAIN_BYTES_MAX + 1 (a trailing dot),
// or -EINVAL. ASCII labels are not checked here.
int idna_to_ascii(struct view name, uint8_t out[DOMAIN_BYTES_MAX + 1]);
