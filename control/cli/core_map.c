// SPDX-License-Identifier: BSD-3-Clause
// The core map is the dataplane's: only it knows what it can do with this machine.

#include "control/cli/fedctl.h"
#include "control/cli/print.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
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

// What it says on one of its outputs, NUL-terminated, the caller's. NULL: out of memory.
static char *read_all(int fd)
{
	char *text = NULL;
	size_t n_text;
	FILE *to = open_memstream(&text, &n_text);
	char bytes[4096];
	ssize_t n;

	if (to == NULL)
		return NULL;
	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		fwrite(bytes, 1, (size_t)n, to);
	fclose(to);
	return text;
}

// Its outputs go into temporary files, so that neither can block it. The exit status, or -1.
static int run_dataplane(char *const arguments[], int out, int err)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		dup2(out, STDOUT_FILENO);
		dup2(err, STDERR_FILENO);
		exec_dataplane(arguments);
		fprintf(stderr, DATAPLANE ": %s\n", strerror(errno));
		_exit(FEDCTL_FAILED);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return -1;
	lseek(out, 0, SEEK_SET);
	lseek(err, 0, SEEK_SET);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int run_for_json(char *const arguments[])
{
	int out = memfd_create("out", MFD_CLOEXEC), err = memfd_create("err", MFD_CLOEXEC);
	int status = out >= 0 && err >= 0 ? run_dataplane(arguments, out, err) : -1;
	char *text = status >= 0 ? read_all(out) : NULL;
	char *messages = status >= 0 ? read_all(err) : NULL;
	json_t *lines = json_array();

	for (char *rest = NULL, *line = messages != NULL ? strtok_r(messages, "\n", &rest) : NULL;
		line != NULL; line = strtok_r(NULL, "\n", &rest))
		json_array_append_new(lines, json_string(line));
	print_json(json_pack("{s:b, s:s, s:o}", "ok", status == 0, "text", text != NULL ? text : "",
		"messages", lines));
	free(text);
	free(messages);
	return status == 0 ? FEDCTL_OK : FEDCTL_FAILED;
}

int core_map_run(const struct fedctl *f, int argc, char *argv[])
{
	// execv() takes them as it takes argv: writable, though nobody writes.
	char name[] = DATAPLANE, suggest[] = "--suggest-core-map", check[] = "--check-core-map";
	char *arguments[] = {name, NULL, NULL, NULL};

	if (argc == 2 && strcmp(argv[1], "suggest") == 0) {
		arguments[1] = suggest;
	} else if (argc == 3 && strcmp(argv[1], "check") == 0) {
		arguments[1] = check;
		arguments[2] = argv[2];
	} else {
		return usage_error("core-map needs `suggest`, or `check` and a file");
	}
	if (f->json)
		return run_for_json(arguments);
	exec_dataplane(arguments);
	fprintf(stderr, "fedctl: " DATAPLANE ": %s\n", strerror(errno));
	return FEDCTL_FAILED;
}
