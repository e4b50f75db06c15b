// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/errors.h"

#include <stdarg.h>
#include <stdio.h>

void errors_init(struct errors *e, const char *file_name)
{
	e->file_name = file_name;
	e->n = 0;
	e->n_dropped = 0;
}

__attribute__((format(printf, 4, 0))) static void add(struct errors *e, const char *file_name,
	unsigned line, const char *format, va_list arguments)
{
	char *text;
	int n;

	if (e->n == ERRORS_MAX) {
		e->n_dropped++;
		return;
	}
	text = e->text[e->n++];
	if (line > 0)
		n = snprintf(text, ERRORS_TEXT_BYTES, "%s:%u: ", file_name, line);
	else
		n = snprintf(text, ERRORS_TEXT_BYTES, "%s: ", file_name);
	if (n > 0 && n < ERRORS_TEXT_BYTES)
		vsnprintf(text + n, (size_t)(ERRORS_TEXT_BYTES - n), format, arguments);
}

void errors_add(struct errors *e, unsigned line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add(e, e->file_name, line, format, arguments);
	va_end(arguments);
}

void errors_add_in(struct errors *e, const char *file_name, unsigned line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add(e, file_name, line, format, arguments);
	va_end(arguments);
}

bool errors_full(const struct errors *e)
{
	return e->n == ERRORS_MAX;
}
