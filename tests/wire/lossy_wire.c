// SPDX-License-Identifier: BSD-3-Clause
// A wire with faults between two ports, in real time: what tests/sim does to packets of two
// engines, done to frames of any two hosts. The same seed draws the same faults for the same
// sequence of frames.
//
//   lossy-wire --a PORT --b PORT [--seed N] [--loss PERCENT] [--duplicate PERCENT]
//       [--corrupt PERCENT] [--reorder PERCENT] [--reorder-ms MS] [--delay-ms MS] [--jitter-ms MS]
//       [--rate-mbit N] [--queue-kb N]
//
// Ports: frame_port.h. Faults are the same in both directions. Runs until SIGTERM; then says what
// it did.

#include "lib/net/ether.h"
#include "tests/sim/wire.h"
#include "tests/wire/frame_port.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#define BURST        64
#define DEFAULT_SEED 1
#define QUEUE_KB     1000

static volatile sig_atomic_t ended;

static void end(int signal_number)
{
	(void)signal_number;
	ended = 1;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void usage(void)
{
	fprintf(stderr,
		"usage: lossy-wire --a PORT --b PORT [--seed N] [--loss PERCENT] "
		"[--duplicate PERCENT] [--corrupt PERCENT] [--reorder PERCENT] "
		"[--reorder-ms MS] [--delay-ms MS] [--jitter-ms MS] [--rate-mbit N] "
		"[--queue-kb N]\n");
	exit(2);
}

static double number(const char *text)
{
	char *rest;
	double value = strtod(text, &rest);

	if (rest == text || *rest != '\0' || value < 0 || value > 1e6)
		usage();
	return value;
}

static uint32_t share(const char *text)
{
	return (uint32_t)(number(text) * 100 + 0.5);
}

static void read_arguments(int argc, char **argv, struct wire_way *way, uint64_t *seed, int fds[2])
{
	static const struct option options[] = {{"a", 1, NULL, 'a'}, {"b", 1, NULL, 'b'},
		{"seed", 1, NULL, 's'}, {"loss", 1, NULL, 'l'}, {"duplicate", 1, NULL, 'd'},
		{"corrupt", 1, NULL, 'c'}, {"reorder", 1, NULL, 'r'}, {"reorder-ms", 1, NULL, 'R'},
		{"delay-ms", 1, NULL, 't'}, {"jitter-ms", 1, NULL, 'j'},
		{"rate-mbit", 1, NULL, 'm'}, {"queue-kb", 1, NULL, 'q'}, {0}};
	const char *names[2] = {NULL, NULL};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'a':
		case 'b':
			names[c - 'a'] = optarg;
			break;
		case 's':
			*seed = strtoull(optarg, NULL, 10);
			break;
		case 'l':
			way->loss = share(optarg);
			break;
		case 'd':
			way->duplicate = share(optarg);
			break;
		case 'c':
			way->corrupt = share(optarg);
			break;
		case 'r':
			way->reorder = share(optarg);
			break;
		case 'R':
			way->reorder_us = (uint32_t)(number(optarg) * 1000);
			break;
		case 't':
			way->delay_us = (uint32_t)(number(optarg) * 1000);
			break;
		case 'j':
			way->jitter_us = (uint32_t)(number(optarg) * 1000);
			break;
		case 'm':
			way->bytes_per_ms = (uint32_t)(number(optarg) * 125);
			break;
		case 'q':
			way->queue_bytes = (uint32_t)(number(optarg) * 1000);
			break;
		default:
			usage();
		}
	}
	if (names[0] == NULL || names[1] == NULL || optind != argc)
		usage();
	for (unsigned i = 0; i < 2; i++) {
		fds[i] = frame_port_open(names[i]);
		if (fds[i] < 0) {
			fprintf(stderr, "lossy-wire: %s: %s\n", names[i], strerror(errno));
			exit(1);
		}
	}
}

static bool carry(struct wire *w, const int fds[2], const struct pollfd polled[2])
{
	static uint8_t frame[FRAME_BYTES_MAX];
	struct wire_packet *p;
	size_t n_bytes;

	for (unsigned i = 0; i < 2; i++) {
		for (unsigned k = 0; k < BURST && polled[i].revents != 0; k++) {
			if (!frame_port_receive(fds[i], frame, &n_bytes))
				return false;
			if (n_bytes < ETHER_BYTES)
				break;
			wire_send(w, !i, frame, n_bytes, now_ns());
		}
	}
	while ((p = wire_take(w, now_ns())) != NULL) {
		frame_port_send(fds[p->to], p->bytes, p->n_bytes);
		free(p);
	}
	return true;
}

static void wait_for_more(struct wire *w, struct pollfd polled[2])
{
	uint64_t next = wire_next_ns(w), now = now_ns(), ns = 100000000;
	struct timespec t;

	if (next != UINT64_MAX)
		ns = next <= now ? 0 : next - now < ns ? next - now : ns;
	t = (struct timespec){.tv_nsec = (long)ns};
	if (ppoll(polled, 2, &t, NULL) < 0)
		polled[0].revents = polled[1].revents = 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = end};
	struct wire_way way = {
		.mtu = FRAME_BYTES_MAX, .reorder_us = 5000, .queue_bytes = QUEUE_KB * 1000};
	uint64_t seed = DEFAULT_SEED;
	struct wire *w = malloc(sizeof(*w));
	struct pollfd polled[2];
	int fds[2];

	if (w == NULL)
		return 1;
	read_arguments(argc, argv, &way, &seed, fds);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	prctl(PR_SET_TIMERSLACK, 1);
	wire_init(w, seed);
	w->link_bytes = ETHER_BYTES;
	w->ways[0] = w->ways[1] = way;
	for (unsigned i = 0; i < 2; i++)
		polled[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
	printf("wire is up\n");
	fflush(stdout);
	do {
		wait_for_more(w, polled);
	} while (carry(w, fds, polled) && !ended);
	printf("%" PRIu64 " frames, %" PRIu64 " lost, %" PRIu64 " sent twice, %" PRIu64
	       " damaged, %" PRIu64 " held back, %" PRIu64 " found the queue full\n",
		w->n_sent, w->n_lost, w->n_duplicated, w->n_corrupted, w->n_reordered,
		w->n_queue_full);
	wire_fini(w);
	free(w);
	return 0;
}
