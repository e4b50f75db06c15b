// SPDX-License-Identifier: BSD-3-Clause

#include "tests/wire/ask.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static volatile sig_atomic_t ended;

static const char *const kinds[CHAT_KINDS] = {
	[CHAT_EXCHANGE] = "exchange",
	[CHAT_AFTER_FIN] = "after-fin",
	[CHAT_RESET] = "reset",
	[CHAT_STALL] = "stall",
	[CHAT_THIN] = "thin",
};

static void end(int signal_number)
{
	(void)signal_number;
	ended = 1;
}

bool ask_ended(void)
{
	return ended;
}

uint64_t ask_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void usage(void)
{
	fprintf(stderr,
		"usage: serve ADDRESS PORT | ask ADDRESS PORT [--kind KIND] [--up BYTES] "
		"[--down BYTES] [--count N] [--at-once N] [--stall-ms MS] "
		"[--message BYTES] [--per-s N] [--seconds N]\n");
	exit(2);
}

static uint64_t number(const char *text)
{
	char *rest;
	uint64_t value = strtoull(text, &rest, 10);

	if (rest == text || *rest != '\0')
		usage();
	return value;
}

static uint32_t kind_of(const char *name)
{
	for (uint32_t i = 0; i < CHAT_KINDS; i++) {
		if (strcmp(name, kinds[i]) == 0)
			return i;
	}
	usage();
	return 0;
}

static void read_options(struct ask *a, int argc, char **argv)
{
	static const struct option options[] = {{"kind", 1, NULL, 'k'}, {"up", 1, NULL, 'u'},
		{"down", 1, NULL, 'd'}, {"count", 1, NULL, 'c'}, {"at-once", 1, NULL, 'a'},
		{"stall-ms", 1, NULL, 's'}, {"message", 1, NULL, 'm'}, {"per-s", 1, NULL, 'p'},
		{"seconds", 1, NULL, 't'}, {0}};
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'k':
			a->request.kind = kind_of(optarg);
			break;
		case 'u':
			a->request.n_up = number(optarg);
			break;
		case 'd':
			a->request.n_down = number(optarg);
			break;
		case 'c':
			a->count = number(optarg);
			break;
		case 'a':
			a->at_once = number(optarg);
			break;
		case 's':
			a->request.stall_ms = (uint32_t)number(optarg);
			break;
		case 'm':
			a->request.message_bytes = (uint32_t)number(optarg);
			break;
		case 'p':
			a->request.messages_per_s = (uint32_t)number(optarg);
			break;
		case 't':
			a->seconds = number(optarg);
			break;
		default:
			usage();
		}
	}
	if (optind != argc)
		usage();
}

void ask_parse(struct ask *a, int argc, char **argv)
{
	struct sigaction action = {.sa_handler = end};

	*a = (struct ask){.at_once = 1, .seconds = 60, .started_ns = ask_now_ns()};
	a->request.message_bytes = 512;
	a->request.messages_per_s = 1000;
	if (argc < 3 || (strcmp(argv[0], "serve") != 0 && strcmp(argv[0], "ask") != 0))
		usage();
	a->serves = strcmp(argv[0], "serve") == 0;
	a->count = !a->serves;
	if (ip_parse(view_string(argv[1]), &a->server.ip) != 0)
		usage();
	a->server.transport = TRANSPORT_TCP;
	a->server.port = (uint16_t)number(argv[2]);
	read_options(a, argc - 2, argv + 2);
	if (a->request.kind == CHAT_THIN)
		a->request.n_down = CHAT_DELAYS_BYTES;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

bool ask_next(struct ask *a, struct chat_request *request)
{
	uint64_t n_going_on = a->n_started - a->n_right - a->n_wrong;

	if (a->serves || a->n_started == a->count || n_going_on >= a->at_once)
		return false;
	*request = a->request;
	request->key = (uint32_t)(1 + a->n_started++);
	return true;
}

void ask_note(struct ask *a, const struct chat *c)
{
	a->n_bytes += c->n_sent + c->n_received;
	if (c->outcome == CHAT_RIGHT) {
		a->n_right++;
		a->delays = c->told;
		return;
	}
	if (a->n_wrong++ == 0)
		snprintf(a->why, sizeof(a->why), "%s", c->why != NULL ? c->why : "not ended");
}

bool ask_is_done(const struct ask *a)
{
	if (ended)
		return true;
	if (a->count > 0 && a->n_right + a->n_wrong >= a->count)
		return true;
	return !a->serves && ask_now_ns() - a->started_ns > a->seconds * 1000000000;
}

int ask_report(const struct ask *a)
{
	double seconds = (double)(ask_now_ns() - a->started_ns) / 1e9;
	uint64_t n_wrong = a->serves ? a->n_wrong : a->count - a->n_right;

	printf("right %" PRIu64 " wrong %" PRIu64 " bytes %" PRIu64 " seconds %.3f mbit %.1f",
		a->n_right, n_wrong, a->n_bytes, seconds, (double)a->n_bytes * 8e-6 / seconds);
	if (!a->serves && a->request.kind == CHAT_THIN)
		printf(" n %" PRIu64 " p50_us %.0f p99_us %.0f max_us %.0f", a->delays.n,
			(double)a->delays.p50_ns / 1e3, (double)a->delays.p99_ns / 1e3,
			(double)a->delays.max_ns / 1e3);
	if (n_wrong > 0)
		printf(" first %s", a->why[0] != '\0' ? a->why : "not ended");
	printf("\n");
	fflush(stdout);
	return n_wrong > 0;
}
