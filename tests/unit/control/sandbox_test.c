// SPDX-License-Identifier: BSD-3-Clause
// Each case runs in a child: what is sealed stays sealed.

#include "control/sandbox.h"

#include "tests/unit/test.h"

#include <errno.h>
#include <pthread.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

// The child's exit code: 0, or the line where an expectation failed.
static int run(int (*child)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(child() & 0xff);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define EXPECT(condition)                \
	do {                             \
		if (!(condition))        \
			return __LINE__; \
	} while (0)

static int sealed_can_not(void)
{
	char *const arguments[] = {(char[]){"/bin/true"}, NULL};

	EXPECT(sandbox_seal() == 0);
	EXPECT(execv("/bin/true", arguments) == -1 && errno == EPERM);
	EXPECT(fork() == -1);
	EXPECT(socket(AF_PACKET, SOCK_RAW, 0) == -1 && errno == EPERM);
	EXPECT(socket(AF_NETLINK, SOCK_RAW, 0) == -1 && errno == EPERM);
	EXPECT(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1 && errno == EPERM);
	EXPECT(setuid(65534) == -1 && errno == EPERM);
	EXPECT(chmod("/tmp", 0777) == -1 && errno == EPERM);
	EXPECT(prctl(PR_SET_DUMPABLE, 1) == -1 && errno == EPERM);
	return 0;
}

static void *thread(void *arg)
{
	*(int *)arg = 7;
	return NULL;
}

static int sealed_can(void)
{
	pthread_t id;
	int seen = 0, fd;

	EXPECT(sandbox_seal() == 0);
	EXPECT(pthread_create(&id, NULL, thread, &seen) == 0);
	EXPECT(pthread_join(id, NULL) == 0 && seen == 7);
	fd = memfd_create("x", MFD_CLOEXEC);
	EXPECT(fd >= 0 && write(fd, "x", 1) == 1);
	EXPECT(socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
	EXPECT(socket(AF_INET, SOCK_DGRAM, 0) >= 0);          // DNS
	EXPECT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == -1); // not even asked for
	return 0;
}

static int dropped(void)
{
	const struct passwd *pw = getpwnam("nobody");
	uid_t r, e, s;

	EXPECT(pw != NULL);
	EXPECT(sandbox_drop("nobody", pw->pw_uid, pw->pw_gid) == 0);
	EXPECT(getresuid(&r, &e, &s) == 0);
	EXPECT(r == pw->pw_uid && e == pw->pw_uid && s == pw->pw_uid);
	EXPECT(getgid() == pw->pw_gid && getegid() == pw->pw_gid);
	EXPECT(setuid(0) == -1);
	EXPECT(setgid(0) == -1);
	return 0;
}

static void what_is_sealed_cannot_exec_fork_or_open_a_raw_socket(void **state)
{
	(void)state;
	assert_int_equal(run(sealed_can_not), 0);
}

static void what_is_sealed_can_still_do_its_work(void **state)
{
	(void)state;
	assert_int_equal(run(sealed_can), 0);
}

static void root_that_is_dropped_does_not_come_back(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(run(dropped), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sealed_cannot_exec_fork_or_open_a_raw_socket),
		cmocka_unit_test(what_is_sealed_can_still_do_its_work),
		cmocka_unit_test(root_that_is_dropped_does_not_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
