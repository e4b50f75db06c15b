// SPDX-License-Identifier: BSD-3-Clause

#include "tests/bench/publish_control.h"

#include "control/policy/file.h"
#include "control/policy/intake.h"
#include "tests/bench/traffic.h"
#include "tests/unit/shared_data.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATTERN_BYTES 40

static const char document[] =
	"federation: {enabled: true, sip: true}\n"
	"local_domains:\n"
	"  - domain: " TRAFFIC_LOCAL_DOMAIN "\n"
	"    servers: [\"udp:10.10.0.2:5060\", \"udp:[fd10::2]:5060\"]\n"
	"partners:\n"
	"  - name: all\n"
	"    next_hops: [\"udp:192.0.2.2:5060\", \"udp:[2001:db8::2]:5060\"]\n"
	"allow: [{file: allow, partner: all}]\n"
	"block: [{file: block}, {file: patterns}]\n";

struct order {
	uint64_t generation;
	uint32_t n_patterns;
};

struct delivery {
	int fd; // in the process that made it
	uint64_t n_bytes;
};

__attribute__((noreturn)) static void give_up(const char *what, const char *why)
{
	fprintf(stderr, "bench: %s: %s\n", what, why);
	exit(1);
}

static int write_memfd(const char *name, const char *text, size_t n_bytes)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd < 0 || write(fd, text, n_bytes) != (ssize_t)n_bytes)
		give_up(name, "cannot be written");
	return fd;
}

// The block list of the shared data, or none: then all names are made up.
static int block_list(uint32_t *n_names)
{
	struct view list = shared_data_read("domains/blocklist-140k.txt");
	int fd = write_memfd("block", (const char *)list.at, list.len);

	*n_names = 0;
	for (size_t i = 0; i < list.len; i++)
		*n_names += list.at[i] == '\n';
	free((void *)(uintptr_t)list.at);
	return fd;
}

static int allow_list(uint32_t n_names)
{
	char *text = malloc((size_t)n_names * TRAFFIC_NAME_BYTES);
	size_t n = 0;
	int fd;

	if (text == NULL)
		give_up("names", "no memory");
	for (uint32_t i = 0; i < n_names; i++) {
		n += traffic_domain(i, text + n);
		text[n++] = '\n';
	}
	fd = write_memfd("allow", text, n);
	free(text);
	return fd;
}

static int pattern_list(uint32_t n_patterns, uint64_t generation)
{
	char *text = malloc((size_t)n_patterns * PATTERN_BYTES + 1);
	size_t n = 0;
	int fd;

	if (text == NULL)
		give_up("patterns", "no memory");
	for (uint32_t i = 0; i < n_patterns; i++)
		n += (size_t)snprintf(text + n, PATTERN_BYTES, "*.bulk-%u-%u-*.invalid\n",
			(unsigned)generation, i);
	fd = write_memfd("patterns", text, n);
	free(text);
	return fd;
}

static void compile_order(const int fds[4], const struct order *order, struct compiled *compiled)
{
	struct intake intake = {.fds = fds, .n_fds = 4, .generation = order->generation};
	struct errors errors;
	struct view text;

	errors_init(&errors, "document");
	if (intake_compile(&intake, compiled, &text, &errors) < 0)
		give_up("compile", errors.n > 0 ? errors.text[0] : "no memory");
	file_free(&text);
}

// Keeps what it delivered until the next order: the other side opens it meanwhile.
static void serve(int socket)
{
	struct compiled compiled = {.image_fd = -1};
	struct order order;
	uint32_t n_block;
	int fds[4];

	fds[0] = write_memfd("document", document, sizeof(document) - 1);
	fds[2] = block_list(&n_block);
	fds[1] = allow_list(PUBLISH_NAMES - n_block);
	while (read(socket, &order, sizeof(order)) == (ssize_t)sizeof(order)) {
		struct delivery d;

		compiled_close(&compiled);
		fds[3] = pattern_list(order.n_patterns, order.generation);
		compile_order(fds, &order, &compiled);
		close(fds[3]);
		d = (struct delivery){compiled.image_fd, compiled.n_bytes};
		if (write(socket, &d, sizeof(d)) != (ssize_t)sizeof(d))
			break;
	}
}

void publish_control_start(struct publish_control *c)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		give_up("control", "no socket");
	c->pid = fork();
	if (c->pid < 0)
		give_up("control", "no process");
	if (c->pid == 0) {
		close(ends[0]);
		serve(ends[1]);
		exit(0);
	}
	close(ends[1]);
	c->socket = ends[0];
}

void publish_control_stop(struct publish_control *c)
{
	close(c->socket);
	(void)waitpid(c->pid, NULL, 0);
}

int publish_control_compile(
	struct publish_control *c, uint64_t generation, uint32_t n_patterns, uint64_t *n_bytes)
{
	const struct order order = {generation, n_patterns};
	struct delivery d;
	char path[64];
	int fd;

	if (write(c->socket, &order, sizeof(order)) != (ssize_t)sizeof(order) ||
		read(c->socket, &d, sizeof(d)) != (ssize_t)sizeof(d))
		give_up("control", "is gone");
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)c->pid, d.fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		give_up("control", "its image cannot be opened");
	*n_bytes = d.n_bytes;
	return fd;
}
