// SPDX-License-Identifier: BSD-3-Clause
// The child stays as small as it was forked and forks a compiler for each job, so that a crash or
// a time-out costs that job alone. See patterns_child.h.

#include "dataplane/patterns/patterns_sandbox.h"
#include "dataplane/patterns/patterns_wire.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct compiler {
	pid_t pid; // 0: none
	int pidfd;
	uint32_t job;
};

static void answer_error(int socket, uint32_t job, int error, const char *text)
{
	struct patterns_answer a = {.number = job, .error = error};

	snprintf(a.text, sizeof(a.text), "%s", text);
	(void)patterns_send(socket, &a, sizeof(a), -1);
}

// Waits for its end, which is at hand; tells of one that could not tell itself.
static void reap(struct compiler *c, int socket)
{
	char text[80];
	int status = 0;

	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	close(c->pidfd);
	if (WIFSIGNALED(status)) {
		snprintf(text, sizeof(text), "the pattern compiler was killed by signal %d",
			WTERMSIG(status));
		answer_error(socket, c->job, EIO, text);
	} else if (WEXITSTATUS(status) != 0) {
		answer_error(socket, c->job, EIO, "the pattern compiler failed");
	}
	c->pid = 0;
}

static void cancel(struct compiler *c, int socket)
{
	if (c->pid == 0)
		return;
	(void)syscall(SYS_pidfd_send_signal, c->pidfd, SIGKILL, NULL, 0);
	reap(c, socket);
}

static void start(struct compiler *c, int socket, int text_fd, const struct patterns_job *job)
{
	c->job = job->number;
	c->pid = fork();
	if (c->pid == 0)
		patterns_compiler_run(socket, text_fd, job);
	if (c->pid > 0)
		c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	if (c->pid > 0 && c->pidfd >= 0)
		return;
	answer_error(socket, job->number, EAGAIN, "no process for the pattern compiler");
	if (c->pid > 0)
		_exit(1); // one that cannot be watched or killed: its parent's death ends it
	c->pid = 0;
}

static void serve(struct compiler *c, int socket)
{
	struct patterns_job job;
	int fd, got = patterns_receive(socket, &job, sizeof(job), &fd);

	if (got <= 0)
		_exit(got == 0 ? 0 : 1);
	cancel(c, socket);
	if (job.verb == PATTERNS_COMPILE && fd != -1)
		start(c, socket, fd, &job);
	if (fd != -1)
		close(fd);
}

static void reset_signals(void)
{
	// A terminal's or an init system's signals go to all; this process ends with its parent.
	const int ignored[] = {SIGHUP, SIGINT, SIGTERM};
	sigset_t none;

	sigemptyset(&none);
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		(void)signal(ignored[i], SIG_IGN);
	(void)signal(SIGCHLD, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn void patterns_zygote_run(int socket)
{
	struct compiler c = {0};

	(void)prctl(PR_SET_NAME, "fedrelay-hs");
	reset_signals();
	if (patterns_sandbox_zygote(socket) < 0)
		_exit(1);
	// The first message says that it stands; its number belongs to no job.
	answer_error(socket, 0, 0, "");
	for (;;) {
		struct pollfd fds[2] = {
			{.fd = socket, .events = POLLIN},
			{.fd = c.pid != 0 ? c.pidfd : -1, .events = POLLIN},
		};

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			_exit(1);
		if (fds[1].revents != 0)
			reap(&c, socket);
		if (fds[0].revents != 0)
			serve(&c, socket);
	}
}
