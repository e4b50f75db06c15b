// SPDX-License-Identifier: BSD-3-Clause
// A federation document and one list file, parted by a NUL: read under the schema and, when it
// holds, compiled. Every error has a text; what compiles is an image that opens.

#include "control/policy/compile.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compile_it(const struct document *d, struct view list, struct errors *errors)
{
	struct view files[DOCUMENT_FILES_MAX];
	struct compile_input input = {.document = d, .files = files, .generation = 1};
	struct compiled out;
	int error;

	for (size_t i = 0; i < DOCUMENT_FILES_MAX; i++)
		files[i] = list;
	error = compile(&input, &out, errors);
	if (error == 0) {
		if (errors->n != 0 || out.replica == NULL)
			abort();
		compiled_close(&out);
	} else if (error == -EINVAL && errors->n == 0) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
	struct view text = view_of(data, nul != NULL ? (size_t)(nul - data) : size);
	struct view list = VIEW_NONE;
	struct errors errors;
	struct document *d;

	if (nul != NULL)
		list = view_of(nul + 1, size - text.len - 1);
	errors_init(&errors, "document");
	d = document_parse(text, &errors);
	if ((d == NULL) != (errors.n > 0))
		abort();
	if (d != NULL)
		compile_it(d, list, &errors);
	for (unsigned i = 0; i < errors.n; i++) {
		if (strncmp(errors.text[i], "document", 8) != 0 && d == NULL)
			abort();
	}
	document_free(d);
	return 0;
}
