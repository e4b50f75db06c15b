// SPDX-License-Identifier: BSD-3-Clause

#include "control/policy/intake.h"

#include "control/policy/file.h"

#include <errno.h>

static int read_document(int fd, struct view *text, struct errors *errors)
{
	int error = file_read(fd, DOCUMENT_BYTES_MAX, text);

	if (error == 0)
		return 0;
	if (error == -EFBIG)
		errors_add(errors, 0, "too large; a document of at most %u KB is expected",
			DOCUMENT_BYTES_MAX / 1024);
	else
		errors_add(errors, 0, "%s", file_error(error));
	return -EINVAL;
}

// Those read are the caller's to free, also after an error.
static int read_files(const struct intake *in, const struct document *d,
	struct view files[DOCUMENT_FILES_MAX], struct errors *errors)
{
	const struct document_entry *entry;
	size_t n = 0;
	int error;

	for (; (entry = document_file(d, n)) != NULL; n++) {
		if (n + 1 >= in->n_fds) {
			errors_add(errors, entry->line, "list file %s was not handed over",
				entry->text);
			return -EINVAL;
		}
		error = file_read(in->fds[n + 1], COMPILE_FILE_BYTES_MAX, &files[n]);
		if (error < 0) {
			errors_add(errors, entry->line, "list file %s: %s", entry->text,
				file_error(error));
			return -EINVAL;
		}
	}
	if (n + 1 != in->n_fds) {
		errors_add(
			errors, 0, "names %zu list files, %zu were handed over", n, in->n_fds - 1);
		return -EINVAL;
	}
	return 0;
}

int intake_compile(
	const struct intake *in, struct compiled *out, struct view *text, struct errors *errors)
{
	struct view files[DOCUMENT_FILES_MAX] = {0};
	struct compile_input input = {
		.files = files, .generation = in->generation, .former = in->former};
	struct document *d = NULL;
	int error;

	*text = VIEW_NONE;
	if (in->n_fds == 0)
		return -EINVAL;
	error = read_document(in->fds[0], text, errors);
	if (error < 0)
		return error;
	d = document_parse(*text, errors);
	error = d != NULL ? read_files(in, d, files, errors) : -EINVAL;
	if (error == 0) {
		input.document = d;
		memcpy(input.relay_key, in->relay_key, sizeof(input.relay_key));
		error = compile(&input, out, errors);
	}
	for (size_t i = 0; i < DOCUMENT_FILES_MAX; i++)
		file_free(&files[i]);
	document_free(d);
	if (error < 0)
		file_free(text);
	return error;
}
