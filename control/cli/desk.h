// SPDX-License-Identifier: BSD-3-Clause
// For commands that read a document themselves and need no running control.

#pragma once

#include "control/policy/document.h"

// NULL when errors, whose file name is the document's, has been added to.
struct document *desk_read_document(const char *path, struct errors *errors);
