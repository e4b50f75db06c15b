// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <seccomp.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

// What main does after start (attach, publish, stop), what workers do with idle: sleep, and what
// the drivers of virtual devices do in a burst.
static const int allowed[] = {
	SCMP_SYS(accept4),
	SCMP_SYS(brk),
	SCMP_SYS(clock_getres),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(close),
	SCMP_SYS(dup),
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(eventfd2),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(fcntl),
	SCMP_SYS(fstat),
	SCMP_SYS(ftruncate),
	SCMP_SYS(futex),
	SCMP_SYS(get_mempolicy),
	SCMP_SYS(getcpu),
	SCMP_SYS(geteuid),
	SCMP_SYS(getpid),
	SCMP_SYS(getrandom),
	SCMP_SYS(getsockopt),
	SCMP_SYS(gettid),
	SCMP_SYS(getuid),
	SCMP_SYS(ioctl), // drivers at their stop; only on descriptors that are open already
	SCMP_SYS(kill),  // the compiler child at stop, of the same user only
	SCMP_SYS(lseek),
	SCMP_SYS(madvise),
	SCMP_SYS(mbind),
	SCMP_SYS(memfd_create),
	SCMP_SYS(mlock),
	SCMP_SYS(mlock2),
	SCMP_SYS(mmap),
	SCMP_SYS(mprotect),
	SCMP_SYS(mremap),
	SCMP_SYS(munlock),
	SCMP_SYS(munmap),
	SCMP_SYS(nanosleep),
	SCMP_SYS(newfstatat),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(pread64),
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigtimedwait),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(set_mempolicy),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(setsockopt),
	SCMP_SYS(shutdown),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(tgkill),
	SCMP_SYS(timerfd_settime),
	SCMP_SYS(unlink),
	SCMP_SYS(wait4),
	SCMP_SYS(write),
	SCMP_SYS(writev),
};

// No part of the dataplane or its libraries ever calls these: whoever does has taken it over.
static const int deadly[] = {
	SCMP_SYS(bpf),
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(init_module),
	SCMP_SYS(kexec_load),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(ptrace),
};

__attribute__((format(printf, 3, 4))) static int fail(
	int r, char error[CORE_MAP_ERROR_BYTES], const char *format, ...)
{
	va_list values;

	va_start(values, format);
	vsnprintf(error, CORE_MAP_ERROR_BYTES, format, values);
	va_end(values);
	return r;
}

// glibc's calls change the user of every thread, which the bare system calls do not.
static int become(const char *name, char error[CORE_MAP_ERROR_BYTES])
{
	const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	const struct passwd *user;

	errno = 0;
	user = getpwnam(name);
	if (user == NULL)
		return fail(-ENOENT, error, "user: there is no user %s", name);
	if (user->pw_uid == 0)
		return fail(-EINVAL, error, "user: %s is root; expected one without rights", name);
	if (geteuid() == user->pw_uid)
		return 0;
	// Segments of later attachments are locked too.
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	if (setgroups(0, NULL) < 0 || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
		setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
		return fail(-errno, error, "user: cannot become %s: %s", name, strerror(errno));
	// The kernel clears capabilities with the last uid 0; believe it when it shows.
	if (setuid(0) == 0 || setegid(0) == 0)
		return fail(-EPERM, error, "user: root could be had back");
	return 0;
}

static int add_rules(scmp_filter_ctx filter, uint32_t action, const int calls[], size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = seccomp_rule_add(filter, action, calls[i], 0);
	return r;
}

static int limit_calls(char error[CORE_MAP_ERROR_BYTES])
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r;

	if (filter == NULL)
		return fail(-ENOMEM, error, "no memory for the system call filter");
	// All threads: EAL and the workers run by now.
	r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (r == 0)
		r = add_rules(
			filter, SCMP_ACT_ALLOW, allowed, sizeof(allowed) / sizeof(allowed[0]));
	if (r == 0)
		r = add_rules(
			filter, SCMP_ACT_KILL_PROCESS, deadly, sizeof(deadly) / sizeof(deadly[0]));
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r < 0 ? fail(r, error, "the system call filter does not load: %s", strerror(-r)) : 0;
}

int sandbox_enter(const struct core_map *map, char error[CORE_MAP_ERROR_BYTES])
{
	int r = map->user[0] != '\0' ? become(map->user, error) : 0;

	if (r < 0)
		return r;
	// Secrets pass through here: no core dump, no debugger of the same user.
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail(-errno, error, "cannot give up privileges: %s", strerror(errno));
	return limit_calls(error);
}
