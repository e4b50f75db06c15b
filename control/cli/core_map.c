// SPDX-License-Identifier: BSD-3-Clause
// The core map is the dataplane's: only it knows what it can do with this machine.

#include "control/cli/fedctl.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DATAPLANE "fedrelay-dataplane"

// Where it lies next to fedctl: as installed, and in a build folder.
static const char *const places[] = {
	DATAPLANE,
	"../libexec/" DATAPLANE,
	"../sbin/" DATAPLANE,
	"../dataplane/" DATAPLANE,
};

static void exec_dataplane(char *const arguments[])
{
	char self[PATH_MAX], path[PATH_MAX + 64];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n > 0) {
		self[n] = '\0';
		*(strrchr(self, '/') + 1) = '\0';
		for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
			snprintf(path, sizeof(path), "%s%s", self, places[i]);
			execv(path, arguments);
		}
	}
	execvp(DATAPLANE, arguments);
}

int core_map_run(const struct fedctl *f, int argc, char *argv[])
{
	char *arguments[] = {(char[]){DATAPLANE}, NULL, NULL, NULL};

	(void)f;
	if (argc == 2 && strcmp(argv[1], "suggest") == 0) {
		arguments[1] = (char[]){"--suggest-core-map"};
	} else if (argc == 3 && strcmp(argv[1], "check") == 0) {
		arguments[1] = (char[]){"--check-core-map"};
		arguments[2] = argv[2];
	} else {
		return usage_error("core-map needs `suggest`, or `check` and a file");
	}
	exec_dataplane(arguments);
	fprintf(stderr, "fedctl: " DATAPLANE ": %s\n", strerror(errno));
	return FEDCTL_FAILED;
}
