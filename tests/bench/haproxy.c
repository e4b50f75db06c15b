// SPDX-License-Identifier: BSD-3-Clause

#include "tests/bench/haproxy.h"

#include "tests/bench/foreign.h"
#include "tests/bench/tls_ends.h"
#include "tests/bench/traffic.h"
#include "tests/pki/pki.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HAPROXY_PORT 45161
#define SINK_PORT    45162

static char directory[32];
static pid_t haproxy = -1;

static const char *const files[] = {"haproxy.cfg", "ca.pem", "relay.pem", "peer.pem"};

static void remove_all(void)
{
	char path[128];

	if (haproxy > 0)
		foreign_stop(haproxy);
	haproxy = -1;
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

static FILE *create(const char *name)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	f = fopen(path, "w");
	if (f == NULL)
		fail(path);
	return f;
}

static void write_pem(const char *name, struct view first, struct view second)
{
	FILE *f = create(name);

	fwrite(first.at, 1, first.len, f);
	if (second.len > 0)
		fwrite(second.at, 1, second.len, f);
	fclose(f);
	pki_text_free(&first);
	if (second.len > 0)
		pki_text_free(&second);
}

// Certificates that the clocks of any machine are in.
static void write_certificates(void)
{
	const int64_t from_s = INT64_C(1577836800), until_s = INT64_C(2493072000);
	const struct pki_spec ca_spec = {
		.cn = "bench-CA", .ca = true, .from_s = from_s, .until_s = until_s};
	struct pki_spec spec = {.cn = "relay.example",
		.san = "DNS:relay.example",
		.eku = "serverAuth,clientAuth",
		.from_s = from_s,
		.until_s = until_s};
	struct pki ca = pki_issue(NULL, &ca_spec), one = pki_issue(&ca, &spec);

	write_pem("ca.pem", pki_certificate_pem(&ca), VIEW_NONE);
	write_pem("relay.pem", pki_certificate_pem(&one), pki_key_pem(&one));
	pki_free(&one);
	spec.cn = "peer.example";
	spec.san = "DNS:peer.example";
	one = pki_issue(&ca, &spec);
	write_pem("peer.pem", pki_certificate_pem(&one), pki_key_pem(&one));
	pki_free(&one);
	pki_free(&ca);
}

static void write_configuration(void)
{
	FILE *f = create("haproxy.cfg");

	fprintf(f,
		"global\n"
		"  nbthread 1\n"
		"  maxconn 1000\n"
		"  ssl-default-bind-options ssl-min-ver TLSv1.3 no-tls-tickets\n"
		"  ssl-default-server-options ssl-min-ver TLSv1.3\n"
		"  ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256\n"
		"  ssl-default-server-ciphersuites TLS_AES_128_GCM_SHA256\n"
		"defaults\n"
		"  mode tcp\n"
		"  timeout connect 5s\n"
		"  timeout client 60s\n"
		"  timeout server 60s\n"
		"listen relay\n"
		"  bind 127.0.0.1:%d ssl crt %s/relay.pem ca-file %s/ca.pem verify required\n"
		"  server sink 127.0.0.1:%d ssl crt %s/relay.pem ca-file %s/ca.pem verify "
		"required\n",
		HAPROXY_PORT, directory, directory, SINK_PORT, directory, directory);
	fclose(f);
}

static void start_haproxy(void)
{
	char path[128];
	char *argv[] = {"haproxy", "-db", "-f", path, NULL};

	snprintf(path, sizeof(path), "%s/haproxy.cfg", directory);
	haproxy = foreign_start(argv);
	if (haproxy < 0)
		fail("fork");
}

// All n messages, over all connections in turn. False where they do not all come out.
static bool pass(struct tls_ends *ends, const uint8_t *messages, unsigned n, unsigned n_together)
{
	const unsigned n_round = TLS_ENDS_CONNS * n_together;

	for (unsigned at = 0; at < n; at += n_round) {
		for (unsigned i = 0; i < n_round; i++) {
			const uint8_t *m = messages +
				(size_t)((at + i) % TRAFFIC_MESSAGES) * TRAFFIC_MESSAGE_BYTES;

			if (!tls_ends_write(ends, i / n_together, m, TRAFFIC_MESSAGE_BYTES))
				return false;
		}
		if (!tls_ends_read(ends, (uint64_t)n_round * TRAFFIC_MESSAGE_BYTES))
			return false;
	}
	return true;
}

static bool measure(struct tls_ends *ends, const uint8_t *messages, unsigned n, unsigned n_together,
	unsigned runs, struct haproxy_cpu *cpu)
{
	n -= n % (TLS_ENDS_CONNS * n_together);
	// Not judged: connections grow their windows, HAProxy its pools.
	if (!pass(ends, messages, n / 4 - n / 4 % (TLS_ENDS_CONNS * n_together), n_together))
		return false;
	for (unsigned run = 0; run < runs; run++) {
		double before[2] = {0}, after[2] = {0};

		if (!foreign_cpu_ns(haproxy, before) || !pass(ends, messages, n, n_together) ||
			!foreign_cpu_ns(haproxy, after))
			return false;
		bench_add(&cpu->user, (after[0] - before[0]) / n);
		bench_add(&cpu->system, (after[1] - before[1]) / n);
		bench_add(&cpu->both, (after[0] - before[0] + after[1] - before[1]) / n);
	}
	return true;
}

bool haproxy_measure(unsigned n, unsigned n_together, unsigned runs, struct haproxy_cpu *cpu)
{
	uint8_t *messages = malloc((size_t)TRAFFIC_MESSAGES * TRAFFIC_MESSAGE_BYTES);
	bool measured = false;
	struct tls_ends *ends;

	*cpu = (struct haproxy_cpu){0};
	if (!foreign_is_installed("haproxy")) {
		bench_skip("haproxy is not installed");
		free(messages);
		return false;
	}
	snprintf(directory, sizeof(directory), "/tmp/bench-haproxy-XXXXXX");
	if (messages == NULL || mkdtemp(directory) == NULL)
		fail("setting up");
	atexit(remove_all);
	for (uint32_t i = 0; i < TRAFFIC_MESSAGES; i++)
		traffic_message(i, "192.0.2.2:5060", messages + (size_t)i * TRAFFIC_MESSAGE_BYTES);
	write_certificates();
	write_configuration();
	ends = tls_ends_listen(directory, SINK_PORT);
	start_haproxy();
	if (ends != NULL && tls_ends_connect(ends, HAPROXY_PORT))
		measured = measure(ends, messages, n, n_together, runs, cpu);
	if (!measured)
		bench_skip("haproxy does not pass all messages on");
	tls_ends_close(ends);
	free(messages);
	remove_all();
	return measured;
}
