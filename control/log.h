// SPDX-License-Identifier: BSD-3-Clause
// What control tells its administrator, on standard error, subject first. Loop's thread only.
// At most LOG_LINES_A_SECOND: a peer that can cause a line cannot fill a disk.

#pragma once

#define LOG_LINES_A_SECOND 50

__attribute__((format(printf, 2, 3))) void log_line(const char *subject, const char *format, ...);
