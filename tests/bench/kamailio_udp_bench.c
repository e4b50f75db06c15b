// SPDX-License-Identifier: BSD-3-Clause
// What Kamailio spends on the same messages over loopback: its stateless forward() with one child
// and a block table of TRAFFIC_NAMES names (htable), with its fast memory manager (-x fm: the
// default one spends three quarters of the time in its own lists). CPU time of the children a
// message, user and system apart, since a kernel-bypass relay has no share of the second.

#include "tests/bench/bench.h"
#include "tests/bench/traffic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
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
		kill(kamailio, SIGTERM);
		waitpid(kamailio, NULL, 0);
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

	snprintf(path, sizeof(path), "%s/kamailio.cfg", directory);
	snprintf(pid_file, sizeof(pid_file), "%s/kamailio.pid", directory);
	kamailio = fork();
	if (kamailio < 0)
		fail("fork");
	if (kamailio == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execlp("kamailio", "kamailio", "-DD", "-E", "-m", "256", "-M", "64", "-n", "1",
			"-x", "fm", "-X", "fm", "-P", pid_file, "-f", path, "-Y", directory,
			(char *)NULL);
		_exit(127);
	}
}

// CPU ticks of a process, user and system; false when it is gone.
static bool cpu_ticks(pid_t pid, uint64_t ticks[2])
{
	char path[64], text[1024];
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
		sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
			&system) != 2)
		return false;
	ticks[0] = user;
	ticks[1] = system;
	return true;
}

// CPU time of all children of kamailio together, in ns: the worker is one of them, the others idle.
static void children_cpu_ns(double ns[2])
{
	char path[96];
	uint64_t ticks[2];
	FILE *f;
	int pid;

	ns[0] = ns[1] = 0;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)kamailio, (int)kamailio);
	f = fopen(path, "r");
	if (f == NULL)
		fail(path);
	while (fscanf(f, "%d", &pid) == 1) {
		if (cpu_ticks(pid, ticks)) {
			ns[0] += (double)ticks[0] * 1e9 / (double)sysconf(_SC_CLK_TCK);
			ns[1] += (double)ticks[1] * 1e9 / (double)sysconf(_SC_CLK_TCK);
		}
	}
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

int main(int argc, char **argv)
{
	struct bench_samples user = {0}, system = {0}, both = {0};
	uint8_t *messages = malloc((size_t)TRAFFIC_MESSAGES * TRAFFIC_MESSAGE_BYTES);
	int source, sink;
	unsigned n, runs;

	bench_init(argc, argv, "kamailio_udp");
	n = bench_quick() ? 20000 : 100000;
	runs = bench_quick() ? 1 : BENCH_RUNS;
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
	// It listens once the first message comes out; the table takes a few seconds to fill.
	for (unsigned try = 0; pass(source, sink, messages, 1) != 1; try++) {
		if (try == 60 || waitpid(kamailio, NULL, WNOHANG) == kamailio) {
			bench_skip("kamailio does not forward");
			return 1;
		}
	}
	for (unsigned run = 0; run < runs; run++) {
		double before[2], after[2];
		unsigned out;

		children_cpu_ns(before);
		out = pass(source, sink, messages, n);
		children_cpu_ns(after);
		if (out < n) {
			bench_skip("%u of %u messages came out", out, n);
			return 1;
		}
		bench_add(&user, (after[0] - before[0]) / n);
		bench_add(&system, (after[1] - before[1]) / n);
		bench_add(&both, (after[0] - before[0] + after[1] - before[1]) / n);
	}
	bench_report("512 B MESSAGE, CPU, user", &user, 1e9, "messages/s", NULL, NULL);
	bench_report("512 B MESSAGE, CPU, system", &system, 1e9, "messages/s", NULL, NULL);
	bench_report("512 B MESSAGE, CPU, user and system", &both, 1e9, "messages/s", NULL, NULL);
	free(messages);
	return 0;
}
