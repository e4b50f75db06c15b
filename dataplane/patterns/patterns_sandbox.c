// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/patterns/patterns_sandbox.h"

#include "dataplane/patterns/patterns_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

// Of one compiler: 10,000 anchored expressions were seen to take 38 s.
#define CPU_SECONDS 60
// Address space beyond what the process has at its start.
#define MEMORY_BYTES (UINT64_C(3) << 30)
#define FILES        16
// Where Debian's nobody is missing.
#define NOBODY 65534

// Memory, the answer, the end; and what the C library, and sanitizers in tests, need for those.
static const int compiler_calls[] = {
	SCMP_SYS(brk),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(close),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(fcntl),
	SCMP_SYS(fstat),
	SCMP_SYS(ftruncate),
	SCMP_SYS(futex),
	SCMP_SYS(getpid),
	SCMP_SYS(getrandom),
	SCMP_SYS(gettid),
	SCMP_SYS(lseek),
	SCMP_SYS(madvise),
	SCMP_SYS(memfd_create),
	SCMP_SYS(mremap),
	SCMP_SYS(munmap),
	SCMP_SYS(newfstatat),
	SCMP_SYS(pread64),
	SCMP_SYS(read),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(write),
};

static const int zygote_calls[] = {
	SCMP_SYS(clone),
	SCMP_SYS(clone3),
	SCMP_SYS(getppid),
	SCMP_SYS(pidfd_open),
	SCMP_SYS(pidfd_send_signal),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(prctl),
	SCMP_SYS(recvmsg),
	SCMP_SYS(rseq),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(seccomp),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(wait4),
};

// libseccomp gives negative errno values.
static int allow(scmp_filter_ctx filter, const int calls[], size_t n)
{
	int error = 0;

	for (size_t i = 0; i < n && error == 0; i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	return error;
}

// Memory that can be executed is never mapped: Hyperscan makes bytecode, not code. abort() may
// only signal its own process.
static int allow_narrowly(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp not_exec = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	int error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, not_exec);

	if (error == 0)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, not_exec);
	if (error == 0)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
			SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
	return error;
}

static int filter_load(const int more_calls[], size_t n_more)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int error;

	if (filter == NULL)
		return -ENOMEM;
	error = allow(filter, compiler_calls, sizeof(compiler_calls) / sizeof(compiler_calls[0]));
	if (error == 0)
		error = allow(filter, more_calls, n_more);
	if (error == 0)
		error = allow_narrowly(filter);
	if (error == 0)
		error = seccomp_load(filter);
	seccomp_release(filter);
	return error;
}

static int limit(int resource, rlim_t value)
{
	const struct rlimit l = {value, value};

	return setrlimit((__rlimit_resource_t)resource, &l) < 0 ? -errno : 0;
}

// Bytes of address space in use now, so that the limit is one of growth: the program's own size
// differs widely between builds.
static rlim_t address_space(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	char line[128];
	rlim_t n_pages = 0;

	if (f == NULL)
		return 0;
	if (fgets(line, sizeof(line), f) != NULL)
		n_pages = strtoul(line, NULL, 10);
	fclose(f);
	return n_pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static int set_limits(void)
{
	int error = limit(RLIMIT_AS, address_space() + MEMORY_BYTES);

	if (error == 0)
		error = limit(RLIMIT_CPU, CPU_SECONDS);
	if (error == 0)
		error = limit(RLIMIT_FSIZE, PATTERNS_DATABASE_BYTES_MAX);
	if (error == 0)
		error = limit(RLIMIT_NOFILE, FILES);
	if (error == 0)
		error = limit(RLIMIT_CORE, 0);
	return error;
}

static int drop_user(void)
{
	const struct passwd *nobody;
	uid_t uid = NOBODY;
	gid_t gid = NOBODY;

	if (geteuid() != 0)
		return 0;
	nobody = getpwnam("nobody");
	if (nobody != NULL) {
		uid = nobody->pw_uid;
		gid = nobody->pw_gid;
	}
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return -errno;
	return 0;
}

static int close_files(int keep_fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	// stderr stays, for the last words of a library that aborts.
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		return -errno;
	if (keep_fd > 3 && close_range(3, (unsigned)keep_fd - 1, 0) < 0)
		return -errno;
	return close_range((unsigned)keep_fd + 1, ~0U, 0) < 0 ? -errno : 0;
}

int patterns_sandbox_zygote(int keep_fd)
{
	const pid_t parent = getppid();
	int error = drop_user();

	if (error == 0)
		error = close_files(keep_fd);
	if (error == 0)
		error = set_limits();
	if (error < 0)
		return error;
	// After the change of user, which clears both.
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
		return -errno;
	if (getppid() != parent)
		return -ESRCH;
	return filter_load(zygote_calls, sizeof(zygote_calls) / sizeof(zygote_calls[0]));
}

int patterns_sandbox_compiler(void)
{
	// Not inherited by fork().
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	return filter_load(NULL, 0);
}
