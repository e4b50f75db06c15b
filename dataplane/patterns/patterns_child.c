// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/patterns/patterns_child.h"

#include "dataplane/patterns/patterns_wire.h"
#include "lib/link/attach.h"
#include "lib/link/sealed.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

_Static_assert(PATTERNS_ERROR_BYTES == PATTERNS_CHILD_ERROR_BYTES, "one size of error texts");

// How long the child may take to get ready, and to end.
#define PATIENCE_MS 5000

struct patterns_child {
	pid_t pid;
	int pidfd;
	int socket;   // -1: the child is gone
	uint32_t job; // the last one's number
	bool under_way;
};

static int fail(char error[PATTERNS_CHILD_ERROR_BYTES], int rc, const char *text)
{
	attach_text(error, PATTERNS_CHILD_ERROR_BYTES, text);
	return rc;
}

static void close_socket(struct patterns_child *c)
{
	if (c->socket != -1)
		close(c->socket);
	c->socket = -1;
	c->under_way = false;
}

static bool wait_readable(int fd, int timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, timeout_ms) > 0;
}

// The child's first message says that it stands in its sandbox.
static int wait_until_ready(struct patterns_child *c)
{
	struct patterns_answer a;
	int fd;

	if (!wait_readable(c->socket, PATIENCE_MS))
		return -ETIMEDOUT;
	if (patterns_receive(c->socket, &a, sizeof(a), &fd) != 1 || a.number != 0 || a.error != 0)
		return -EPERM;
	return 0;
}

struct patterns_child *patterns_child_over(int socket)
{
	struct patterns_child *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->socket = socket;
	c->pidfd = -1;
	return c;
}

static int fork_child(struct patterns_child *c, int childs_end)
{
	c->pid = fork();
	if (c->pid == 0)
		patterns_zygote_run(childs_end);
	close(childs_end);
	if (c->pid < 0)
		return -errno;
	c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	return c->pidfd < 0 ? -errno : wait_until_ready(c);
}

struct patterns_child *patterns_child_start(void)
{
	struct patterns_child *c;
	int ends[2], error;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return NULL;
	c = patterns_child_over(ends[0]);
	if (c == NULL) {
		close(ends[0]);
		close(ends[1]);
		errno = ENOMEM;
		return NULL;
	}
	error = fork_child(c, ends[1]);
	if (error < 0) {
		patterns_child_stop(c);
		errno = -error;
		return NULL;
	}
	return c;
}

void patterns_child_stop(struct patterns_child *c)
{
	if (c == NULL)
		return;
	// The end of the socket is the child's end.
	close_socket(c);
	if (c->pid > 0) {
		if (c->pidfd < 0 || !wait_readable(c->pidfd, PATIENCE_MS))
			(void)kill(c->pid, SIGKILL);
		// Where this process may no longer signal it, init will reap it.
		(void)waitpid(c->pid, NULL, WNOHANG);
	}
	if (c->pidfd >= 0)
		close(c->pidfd);
	free(c);
}

static int write_texts(const struct image *image, size_t *n_bytes)
{
	const uint32_t n = image_info(image)->n_patterns;
	size_t at = 0;
	char *bytes;
	int fd;

	for (uint32_t i = 0; i < n; i++)
		at += sizeof(struct patterns_text) + image_pattern_at(image, i).expression.len + 1;
	if (at == 0 || at > PATTERNS_TEXT_BYTES_MAX)
		return -EFBIG;
	bytes = malloc(at);
	if (bytes == NULL)
		return -ENOMEM;
	at = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct image_pattern p = image_pattern_at(image, i);
		struct patterns_text t = {
			.flags = p.flags,
			.n_bytes = (uint32_t)p.expression.len + 1,
		};

		memcpy(bytes + at, &t, sizeof(t));
		memcpy(bytes + at + sizeof(t), p.expression.at, p.expression.len);
		bytes[at + sizeof(t) + p.expression.len] = '\0';
		at += sizeof(t) + t.n_bytes;
	}
	fd = sealed_create("fedrelay-texts", bytes, at);
	free(bytes);
	*n_bytes = at;
	return fd;
}

int patterns_child_submit(
	struct patterns_child *c, const struct image *image, char error[PATTERNS_CHILD_ERROR_BYTES])
{
	struct patterns_job job = {.verb = PATTERNS_COMPILE};
	int fd, rc;

	if (c->under_way)
		return fail(error, -EBUSY, "the pattern compiler is busy");
	if (c->socket == -1)
		return fail(error, -EPIPE,
			"the pattern compiler is gone: restart the dataplane to change patterns");
	fd = write_texts(image, &job.n_bytes);
	if (fd < 0)
		return fail(error, fd, "no patterns, or no memory for their text");
	job.number = ++c->job;
	rc = patterns_send(c->socket, &job, sizeof(job), fd);
	close(fd);
	if (rc < 0) {
		close_socket(c);
		return fail(error, -EPIPE, "the pattern compiler does not listen");
	}
	c->under_way = true;
	return 0;
}

static int take_database(
	int fd, uint64_t n_bytes, hs_database_t **database, char error[PATTERNS_CHILD_ERROR_BYTES])
{
	const char *wrong = NULL;
	char *bytes;
	hs_error_t result;

	if (fd == -1 || n_bytes == 0 || n_bytes > PATTERNS_DATABASE_BYTES_MAX)
		return fail(error, -EBADMSG, "the pattern compiler's answer has no database");
	wrong = sealed_check(fd, n_bytes, SEALED_CONTENT);
	if (wrong != NULL)
		return fail(error, -EBADMSG, wrong);
	bytes = malloc(n_bytes);
	if (bytes == NULL || sealed_read(fd, bytes, n_bytes) < 0) {
		free(bytes);
		return fail(error, -ENOMEM, "no memory for the compiled patterns");
	}
	result = hs_deserialize_database(bytes, n_bytes, database);
	free(bytes);
	if (result != HS_SUCCESS)
		return fail(error, -EBADMSG, "the pattern compiler's database is damaged");
	return 1;
}

static int take_answer(struct patterns_child *c, struct patterns_answer *a, int fd,
	hs_database_t **database, char error[PATTERNS_CHILD_ERROR_BYTES])
{
	int rc;

	c->under_way = false;
	if (a->error == 0) {
		rc = take_database(fd, a->n_bytes, database, error);
	} else {
		a->text[sizeof(a->text) - 1] = '\0';
		rc = fail(error, a->error > 0 ? -a->error : -EBADMSG,
			a->text[0] != '\0' ? a->text : "the pattern compiler failed");
	}
	return rc;
}

int patterns_child_collect(
	struct patterns_child *c, hs_database_t **database, char error[PATTERNS_CHILD_ERROR_BYTES])
{
	// Answers of cancelled jobs are in the way at most once each.
	while (c->socket != -1 && wait_readable(c->socket, 0)) {
		struct patterns_answer a;
		int fd, rc = 0, got = patterns_receive(c->socket, &a, sizeof(a), &fd);

		if (got != 1) {
			close_socket(c);
			break;
		}
		if (c->under_way && a.number == c->job)
			rc = take_answer(c, &a, fd, database, error);
		if (fd != -1)
			close(fd);
		if (rc != 0)
			return rc;
	}
	if (c->socket == -1)
		return fail(error, -EPIPE, "the pattern compiler has ended unexpectedly");
	return c->under_way ? 0 : fail(error, -EINVAL, "no patterns were submitted");
}

int patterns_child_fd(const struct patterns_child *c)
{
	return c->socket;
}

void patterns_child_cancel(struct patterns_child *c)
{
	struct patterns_job job = {.verb = PATTERNS_CANCEL, .number = c->job};

	if (c->under_way && patterns_send(c->socket, &job, sizeof(job), -1) < 0)
		close_socket(c);
	c->under_way = false;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int patterns_child_compile(struct patterns_child *c, const struct image *image, int timeout_ms,
	hs_database_t **database, char error[PATTERNS_CHILD_ERROR_BYTES])
{
	const int64_t deadline = now_ms() + timeout_ms;
	int rc = patterns_child_submit(c, image, error);

	if (rc < 0)
		return rc;
	for (;;) {
		int64_t left = deadline - now_ms();

		rc = patterns_child_collect(c, database, error);
		if (rc != 0)
			return rc < 0 ? rc : 0;
		if (left <= 0)
			break;
		(void)wait_readable(c->socket, (int)left);
	}
	patterns_child_cancel(c);
	return fail(error, -ETIMEDOUT, "the patterns took too long to compile");
}
