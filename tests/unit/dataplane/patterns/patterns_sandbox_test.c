// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/test.h"

#include "dataplane/patterns/patterns_sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum stage {
	ZYGOTE,
	COMPILER,
};

// Runs act in a child at that stage of the sandbox. Its wait status.
static int status_of(enum stage stage, int (*act)(void))
{
	int status = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		if (patterns_sandbox_zygote(3) < 0)
			_exit(100);
		if (stage == COMPILER && patterns_sandbox_compiler() < 0)
			_exit(101);
		_exit(act());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void assert_killed(enum stage stage, int (*act)(void))
{
	int status = status_of(stage, act);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

// Raw calls: sanitizers' wrappers make others around them.
static int open_file(void)
{
	return (int)syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY, 0);
}

static int open_socket(void)
{
	return (int)syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0);
}

static int run_program(void)
{
	return (int)syscall(SYS_execve, "/bin/true", NULL, NULL);
}

static int signal_parent(void)
{
	return (int)syscall(SYS_kill, getppid(), 0);
}

static int signal_parents_thread(void)
{
	return (int)syscall(SYS_tgkill, 1, 1, 0);
}

static int map_code(void)
{
	return (int)syscall(SYS_mprotect, 4096, 4096, PROT_READ | PROT_EXEC);
}

static int fork_again(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	int status = 1;

	if (pid == 0)
		syscall(SYS_exit_group, 0);
	return pid > 0 && syscall(SYS_wait4, pid, &status, 0, NULL) == pid ? status : 1;
}

static int make_memfd(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	return fd >= 0 && write(fd, "x", 1) == 1 ? 0 : 1;
}

static int cannot_be_dumped(void)
{
	return prctl(PR_GET_DUMPABLE) == 0 ? 0 : 1;
}

static int has_few_files(void)
{
	unsigned n = 0;

	while (memfd_create("test", MFD_CLOEXEC) >= 0)
		n++;
	return n <= 16 && errno == EMFILE && fcntl(4, F_GETFD) >= 0 ? 0 : 1;
}

static void no_stage_opens_files_sockets_or_programs(void **state)
{
	(void)state;
	for (enum stage s = ZYGOTE; s <= COMPILER; s++) {
		assert_killed(s, open_file);
		assert_killed(s, open_socket);
		assert_killed(s, run_program);
		assert_killed(s, signal_parent);
		assert_killed(s, signal_parents_thread);
		assert_killed(s, map_code);
	}
}

static void only_the_child_forks(void **state)
{
	(void)state;
	assert_int_equal(status_of(ZYGOTE, fork_again), 0);
	assert_killed(COMPILER, fork_again);
}

static void what_is_needed_works_at_each_stage(void **state)
{
	(void)state;
	assert_int_equal(status_of(ZYGOTE, make_memfd), 0);
	assert_int_equal(status_of(COMPILER, make_memfd), 0);
}

static void it_cannot_be_traced_or_dumped(void **state)
{
	(void)state;
	assert_int_equal(status_of(ZYGOTE, cannot_be_dumped), 0);
}

static void descriptors_are_few(void **state)
{
	(void)state;
	assert_int_equal(status_of(COMPILER, has_few_files), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_stage_opens_files_sockets_or_programs),
		cmocka_unit_test(only_the_child_forks),
		cmocka_unit_test(what_is_needed_works_at_each_stage),
		cmocka_unit_test(it_cannot_be_traced_or_dumped),
		cmocka_unit_test(descriptors_are_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
