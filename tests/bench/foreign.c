// SPDX-License-Identifier: BSD-3-Clause

#include "tests/bench/foreign.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

bool foreign_is_installed(const char *program)
{
	const char *path = getenv("PATH");

	while (path != NULL && *path != '\0') {
		size_t n = strcspn(path, ":");
		char file[512];

		snprintf(file, sizeof(file), "%.*s/%s", (int)n, path, program);
		if (access(file, X_OK) == 0)
			return true;
		path += path[n] == ':' ? n + 1 : n;
	}
	return false;
}

pid_t foreign_start(char *const argv[])
{
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execvp(argv[0], argv);
		_exit(127);
	}
	return pid;
}

void foreign_stop(pid_t pid)
{
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
}

bool foreign_cpu_ns(pid_t pid, double ns[2])
{
	char path[64], text[1024], state;
	const double tick_ns = 1e9 / (double)sysconf(_SC_CLK_TCK);
	unsigned long user, system;
	const char *rest;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (f == NULL)
		return false;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	rest = strrchr(text, ')');
	if (rest == NULL ||
		sscanf(rest, ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &state, &user,
			&system) != 3 ||
		state == 'Z')
		return false;
	ns[0] += (double)user * tick_ns;
	ns[1] += (double)system * tick_ns;
	return true;
}
