// SPDX-License-Identifier: BSD-3-Clause
// What every unit test includes: cmocka, with the headers it wants before it.

#pragma once

// clang-format off: cmocka.h needs these before it
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
// clang-format on
