// SPDX-License-Identifier: BSD-3-Clause

#include "control/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

static time_t second;         // that is being counted
static unsigned n_lines;      // written in it
static unsigned n_suppressed; // since the last one written

static bool may_write(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (now.tv_sec != second) {
		second = now.tv_sec;
		n_lines = 0;
	}
	if (n_lines == LOG_LINES_A_SECOND) {
		n_suppressed++;
		return false;
	}
	n_lines++;
	return true;
}

void log_line(const char *subject, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	if (!may_write())
		return;
	if (n_suppressed > 0) {
		fprintf(stderr, "log: %u lines left out\n", n_suppressed);
		n_suppressed = 0;
	}
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	// One write a line, so that lines of several processes do not mix.
	fprintf(stderr, "%s: %s\n", subject, text);
}
