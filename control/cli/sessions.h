// SPDX-License-Identifier: BSD-3-Clause
// Whom a session is with, as the tables of sessions show it.

#pragma once

#include "control/cli/print.h"

// identity: of a reply to "sessions". The first domain that it proved and how many more; or its
// certificate's subject.
struct cell identity_cell(const json_t *identity);
