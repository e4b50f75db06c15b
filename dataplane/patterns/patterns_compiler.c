// SPDX-License-Identifier: BSD-3-Clause
// One compilation, in a process of its own.

#include "dataplane/patterns/patterns_sandbox.h"
#include "dataplane/patterns/patterns_wire.h"
#include "lib/link/sealed.h"
#include "lib/policy/patterns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct texts {
	char *bytes;
	unsigned n;
	const char *expressions[IMAGE_PATTERNS_MAX];
	unsigned flags[IMAGE_PATTERNS_MAX];
};

static struct texts texts;

static bool split(size_t n_bytes)
{
	for (size_t at = 0; at < n_bytes;) {
		struct patterns_text t;

		if (n_bytes - at < sizeof(t) || texts.n == IMAGE_PATTERNS_MAX)
			return false;
		memcpy(&t, texts.bytes + at, sizeof(t));
		at += sizeof(t);
		if (t.n_bytes == 0 || t.n_bytes > n_bytes - at ||
			texts.bytes[at + t.n_bytes - 1] != '\0')
			return false;
		texts.expressions[texts.n] = texts.bytes + at;
		texts.flags[texts.n] = t.flags;
		texts.n++;
		at += t.n_bytes;
	}
	return texts.n > 0;
}

static bool read_texts(int fd, size_t n_bytes)
{
	if (n_bytes > PATTERNS_TEXT_BYTES_MAX || sealed_check(fd, n_bytes, SEALED_CONTENT) != NULL)
		return false;
	texts.bytes = malloc(n_bytes);
	return texts.bytes != NULL && sealed_read(fd, texts.bytes, n_bytes) == 0 && split(n_bytes);
}

static int compile(int *fd, struct patterns_answer *a)
{
	struct patterns_error error;
	hs_database_t *database;
	char *bytes;
	size_t n_bytes;
	int rc = patterns_compile_texts(texts.expressions, texts.flags, texts.n, &database, &error);

	if (rc < 0) {
		snprintf(a->text, sizeof(a->text), "pattern %u: %.150s", error.index,
			rc == -ENOMEM ? "not enough memory" : error.text);
		return rc;
	}
	if (hs_serialize_database(database, &bytes, &n_bytes) != HS_SUCCESS)
		return -ENOMEM;
	if (n_bytes > PATTERNS_DATABASE_BYTES_MAX)
		return -EFBIG;
	*fd = sealed_create("fedrelay-patterns", bytes, n_bytes);
	a->n_bytes = n_bytes;
	return *fd < 0 ? *fd : 0;
}

_Noreturn void patterns_compiler_run(int socket, int text_fd, const struct patterns_job *job)
{
	struct patterns_answer a = {.number = job->number};
	int fd = -1, error;

	if (patterns_sandbox_compiler() < 0)
		_exit(1);
	error = read_texts(text_fd, job->n_bytes) ? compile(&fd, &a) : -EBADMSG;
	if (error < 0) {
		a.error = -error;
		if (a.text[0] == '\0')
			snprintf(a.text, sizeof(a.text), "the pattern compiler: errno %d", -error);
		fd = -1;
	}
	_exit(patterns_send(socket, &a, sizeof(a), fd) == 0 ? 0 : 1);
}
