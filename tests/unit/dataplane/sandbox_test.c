// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/sandbox.h"

#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct core_map map;
static char error[CORE_MAP_ERROR_BYTES];

// Runs in a child of its own, which the sandbox does not leave again: its exit status, or 128 + the
// signal that ended it.
static int in_child(int (*body)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int enter(const char *user)
{
	memset(&map, 0, sizeof(map));
	strcpy(map.user, user);
	return sandbox_enter(&map, error);
}

static int calls_of_the_list(void)
{
	int fd, pipes[2];

	if (pipe(pipes) < 0 || enter("") < 0)
		return 1;
	if (write(pipes[1], "x", 1) != 1)
		return 2;
	fd = memfd_create("x", MFD_ALLOW_SEALING);
	if (fd < 0 || ftruncate(fd, 4096) < 0)
		return 3;
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? 4 : 0;
}

static int other_calls(void)
{
	if (enter("") < 0)
		return 1;
	if (socket(AF_INET, SOCK_DGRAM, 0) >= 0 || errno != EPERM)
		return 2;
	// openat() itself: libc's may be wrapped by a sanitizer.
	if (syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY) >= 0 || errno != EPERM)
		return 3;
	if (syscall(SYS_fork) >= 0 || errno != EPERM)
		return 4;
	return mkdir("/tmp/x", 0700) == 0 || errno != EPERM ? 5 : 0;
}

static int start_a_program(void)
{
	static char *const arguments[] = {NULL};

	if (enter("") < 0)
		return 1;
	execve("/bin/true", arguments, arguments);
	return 2;
}

static int become_a_user(void)
{
	if (enter("nobody") < 0)
		return 1;
	if (getuid() == 0 || geteuid() == 0 || getuid() != geteuid())
		return 2;
	return prctl(PR_GET_DUMPABLE) == 0 || errno == EPERM ? 0 : 3;
}

static _Atomic int ready, go;

static void *other_thread(void *arg)
{
	int *found = arg;

	atomic_store(&ready, 1);
	while (!atomic_load(&go))
		;
	errno = 0;
	*found = socket(AF_INET, SOCK_DGRAM, 0) < 0 && errno == EPERM && getuid() != 0;
	return NULL;
}

static int threads_that_run_already(void)
{
	pthread_t thread;
	int found = 0;

	if (pthread_create(&thread, NULL, other_thread, &found) != 0)
		return 1;
	while (!atomic_load(&ready))
		;
	if (enter("nobody") < 0)
		return 2;
	atomic_store(&go, 1);
	pthread_join(thread, NULL);
	return found ? 0 : 3;
}

static void what_the_dataplane_does_after_start_is_allowed(void **state)
{
	(void)state;
	assert_int_equal(in_child(calls_of_the_list), 0);
}

static void what_it_never_does_is_refused(void **state)
{
	(void)state;
	assert_int_equal(in_child(other_calls), 0);
}

static void starting_a_program_kills(void **state)
{
	(void)state;
	assert_int_equal(in_child(start_a_program), 128 + SIGSYS);
}

static void root_becomes_the_user_of_the_map_for_good(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(in_child(become_a_user), 0);
}

static void threads_that_run_already_are_in_it_too(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(in_child(threads_that_run_already), 0);
}

static void an_unknown_user_and_root_are_refused(void **state)
{
	(void)state;
	assert_int_equal(enter("no-such-user-here"), -ENOENT);
	assert_string_equal(error, "user: there is no user no-such-user-here");
	assert_int_equal(enter("root"), -EINVAL);
	assert_string_equal(error, "user: root is root; expected one without rights");
	assert_int_equal(socket(AF_INET, 1234, 0), -1);
	assert_int_not_equal(errno, EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_dataplane_does_after_start_is_allowed),
		cmocka_unit_test(what_it_never_does_is_refused),
		cmocka_unit_test(starting_a_program_kills),
		cmocka_unit_test(root_becomes_the_user_of_the_map_for_good),
		cmocka_unit_test(threads_that_run_already_are_in_it_too),
		cmocka_unit_test(an_unknown_user_and_root_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
