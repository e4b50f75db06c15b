// SPDX-License-Identifier: BSD-3-Clause
// A small policy for tests of what comes after the compiler, and a folder that goes away again.

#pragma once

#include "control/policy/intake.h"

#include "control/policy/file.h"
#include "tests/unit/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEST_DOCUMENT                                                  \
	"federation: {enabled: true, sip: true}\n"                     \
	"local_domains:\n"                                             \
	"  - {domain: contoso.example, servers: [\"udp:10.0.0.2\"]}\n" \
	"partners:\n"                                                  \
	"  - {name: fabrikam, next_hops: [\"udp:192.0.2.2\"]}\n"       \
	"allow:\n"                                                     \
	"  - {domain: fabrikam.example, partner: fabrikam}\n"          \
	"block:\n"                                                     \
	"  - {domain: evil.example}\n"                                 \
	"  - {pattern: \"*.spam-*.example\"}\n"

static inline int test_text_fd(const char *text)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static inline void test_compile(uint64_t generation, struct compiled *out)
{
	int fd = test_text_fd(TEST_DOCUMENT);
	const struct intake in = {.fds = &fd, .n_fds = 1, .generation = generation};
	struct errors errors;
	struct view text;

	errors_init(&errors, "test");
	assert_int_equal(intake_compile(&in, out, &text, &errors), 0);
	file_free(&text);
	close(fd);
}

static inline void test_remove_files(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, entry->d_name, 0) < 0)
			test_remove_files(fd, entry->d_name);
	}
	if (folder != NULL)
		closedir(folder);
	unlinkat(at, name, AT_REMOVEDIR);
}
