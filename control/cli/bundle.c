// SPDX-License-Identifier: BSD-3-Clause

#include "control/cli/bundle.h"

#include "control/policy/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static int open_document(struct bundle *b, const char *path, struct errors *errors)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		errors_add(errors, 0, "%s", strerror(errno));
		return -EINVAL;
	}
	b->fds[b->n_fds++] = fd;
	return 0;
}

static void open_list(struct bundle *b, const char *path, const struct document_entry *entry,
	struct errors *errors)
{
	const char *slash = strrchr(path, '/');
	char whole[PATH_MAX];
	int fd, n, directory = slash != NULL ? (int)(slash - path + 1) : 0;

	// Relative to where the document lies, not to where somebody happens to stand.
	if (entry->text[0] == '/')
		directory = 0;
	n = snprintf(whole, sizeof(whole), "%.*s%s", directory, path, entry->text);
	fd = n < (int)sizeof(whole) ? open(whole, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		errors_add(errors, entry->line, "list file %s: %s", entry->text,
			n < (int)sizeof(whole) ? strerror(errno) : "path too long");
	else
		b->fds[b->n_fds++] = fd;
}

static void open_lists(struct bundle *b, const char *path, struct errors *errors)
{
	const struct document_entry *entry;
	struct document *d;
	struct view text;
	int error = file_read(b->fds[0], DOCUMENT_BYTES_MAX, &text);

	if (error < 0) {
		errors_add(errors, 0, "%s", file_error(error));
		return;
	}
	d = document_parse(text, errors);
	file_free(&text);
	for (size_t i = 0; d != NULL && (entry = document_file(d, i)) != NULL; i++)
		open_list(b, path, entry, errors);
	document_free(d);
}

int bundle_open(struct bundle *b, const char *path, struct errors *errors)
{
	b->n_fds = 0;
	if (open_document(b, path, errors) == 0)
		open_lists(b, path, errors);
	if (errors->n == 0)
		return 0;
	bundle_close(b);
	return -EINVAL;
}

void bundle_close(struct bundle *b)
{
	while (b->n_fds > 0)
		close(b->fds[--b->n_fds]);
}
