// SPDX-License-Identifier: BSD-3-Clause

#include "tests/bench/kamailio.h"

#include "tests/bench/foreign.h"
#include "tests/bench/traffic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define KAMAILIO_PORT 45060
#define SINK_PORT     45061
#define SOURCE_PORT   45062
// Kept small enough that neither socket buffer overflows: only what arrives is counted.
#define IN_FLIGHT 64

static char directory[] = "/tmp/bench-kamailio-XXXXXX";
static pid_t kamailio = -1;

static void remove_all(void)
{
	static const char *const files[] = {"kamailio.cfg", "kamailio.pid"};
	char path[128];

	if (kamailio > 0) {
		foreign_stop(kamailio);
		kamailio = -1;
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, files[i]);
		unlink(path);
	}
	rmdir(directory);
}

static void fail(const char *what)
{
	bench_skip("%s: %s", what, strerror(errno));
	exit(1);
}

// The table holds names that are not in the traffic, so that every message is looked up and passes.
static void write_configuration(void)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/kamailio.cfg", directory);
	f = fopen(path, "w");
	if (f == NULL)
		fail(path);
	fprintf(f,
		"debug=0\nlog_stderror=yes\nchildren=1\ndisable_tcp=yes\nauto_aliases=no\n"
		"dns=no\nrev_dns=no\nmax_while_loops=%d\nlisten=udp:127.0.0.1:%d\n"
		"mpath=\"/usr/lib/x86_64-linux-gnu/kamailio/modules/\"\n"
		"loadmodule \"pv.so\"\nloadmodule \"htable.so\"\nloadmodule \"maxfwd.so\"\n"
		"loadmodule \"sl.so\"\n"
		"modparam(\"htable\", \"htable\", \"block=>size=17;\")\n"
		"event_route[htable:mod-init] {\n"
		"  $var(i) = 0;\n"
		"  while ($var(i) < %d) {\n"
		"    $sht(block=>blocked-$var(i).example) = 1;\n"
		"    $var(i) = $var(i) + 1;\n"
		"  }\n"
		"}\n"
		"request_route {\n"
		"  if (!mf_process_maxfwd_header(\"70\")) { sl_send_reply(\"483\", \"Too Many "
		"Hops\"); exit; }\n"
		"  if ($sht(block=>$fd) != $null || $sht(block=>$td) != $null) {\n"
		"    sl_send_reply(\"403\", \"Forbidden\");\n    exit;\n  }\n"
		"  $du = \"sip:127.0.0.1:%d\";\n"
		"  forward();\n"
		"}\n",
		TRAFFIC_NAMES, KAMAILIO_PORT, TRAFFIC_NAMES, SINK_PORT);
	fclose(f);
}

static int udp_socket(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int bytes = 4 << 20;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		fail("socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	return fd;
}

static void start_kamailio(void)
{
	char path[128], pid_file[128];
	char *argv[] = {"kamailio", "-DD", "-E", "-m", "256", "-M", "64", "-n", "1", "-x", "fm",
		"-X", "fm", "-P", pid_file, "-f", path, "-Y", directory, NULL};

	snprintf(path, sizeof(path), "%s/kamailio.cfg", directory);
	snprintf(pid_file, sizeof(pid_file), "%s/kamailio.pid", directory);
	kamailio = foreign_start(argv);
	if (kamailio < 0)
		fail("fork");
}

// CPU time of all children of kamailio together, in ns: the worker is one of them, the others idle.
static void children_cpu_ns(double ns[2])
{
	char path[96];
	FILE *f;
	int pid;

	ns[0] = ns[1] = 0;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)kamailio, (int)kamailio);
	f = fopen(path, "r");
	if (f == NULL)
		fail(path);
	while (fscanf(f, "%d", &pid) == 1)
		(void)foreign_cpu_ns(pid, ns);
	fclose(f);
}

// Sends n messages, at most IN_FLIGHT ahead of what came out; how many came out.
static unsigned pass(int source, int sink, const uint8_t *messages, unsigned n)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(KAMAILIO_PORT)};
	struct pollfd readable = {.fd = sink, .events = POLLIN};
	unsigned sent = 0, received = 0;
	char buffer[2048];

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	while (received < n) {
		while (sent < n && sent - received < IN_FLIGHT) {
			const uint8_t *m = messages +
				(size_t)(sent % TRAFFIC_MESSAGES) * TRAFFIC_MESSAGE_BYTES;

			if (sendto(source, m, TRAFFIC_MESSAGE_BYTES, 0, (struct sockaddr *)&to,
				    sizeof(to)) != TRAFFIC_MESSAGE_BYTES)
				break;
			sent++;
		}
		if (poll(&readable, 1, 500) != 1)
			break;
		while (recv(sink, buffer, sizeof(buffer), MSG_DONTWAIT) > 0)
			received++;
	}
	return received;
}

// It listens once the first message comes out; the table takes a while to fill.
static bool wait_until_it_forwards(int source, int sink, const uint8_t *messages)
{
	for (unsigned try = 0; try < 60; try++) {
		if (pass(source, sink, messages, 1) == 1)
			return true;
		if (waitpid(kamailio, NULL, WNOHANG) == kamailio) {
			kamailio = -1;
			break;
		}
	}
	bench_skip("kamailio does not forward");
	return false;
}

static bool measure(int source, int sink, const uint8_t *messages, unsigned n, unsigned runs,
	struct kamailio_cpu *cpu)
{
	for (unsigned run = 0; run < runs; run++) {
		double before[2], after[2];
		unsigned out;

		children_cpu_ns(before);
		out = pass(source, sink, messages, n);
		children_cpu_ns(after);
		if (out < n) {
			bench_skip("%u of %u messages came out", out, n);
			return false;
		}
		bench_add(&cpu->user, (after[0] - before[0]) / n);
		bench_add(&cpu->system, (after[1] - before[1]) / n);
		bench_add(&cpu->both, (after[0] - before[0] + after[1] - before[1]) / n);
	}
	return true;
}

bool kamailio_measure(unsigned n, unsigned runs, struct kamailio_cpu *cpu)
{
	uint8_t *messages = malloc((size_t)TRAFFIC_MESSAGES * TRAFFIC_MESSAGE_BYTES);
	bool measured = false;
	int source, sink;

	*cpu = (struct kamailio_cpu){0};
	if (messages == NULL || mkdtemp(directory) == NULL)
		fail("setting up");
	chmod(directory, 0755);
	atexit(remove_all);
	for (uint32_t i = 0; i < TRAFFIC_MESSAGES; i++)
		traffic_message(i, "127.0.0.1:45062", messages + (size_t)i * TRAFFIC_MESSAGE_BYTES);
	write_configuration();
	source = udp_socket(SOURCE_PORT);
	sink = udp_socket(SINK_PORT);
	start_kamailio();
	if (wait_until_it_forwards(source, sink, messages))
		measured = measure(source, sink, messages, n, runs, cpu);
	close(source);
	close(sink);
	free(messages);
	remove_all();
	return measured;
}
