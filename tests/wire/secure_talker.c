// SPDX-License-Identifier: BSD-3-Clause
// Many partners' connections in one process: mutual TLS by OpenSSL, half of them 1.2 and half 1.3.
// On each a MESSAGE goes out, and the next one once it is answered; a connection of TLS 1.3 renews
// its keys in between, every other time asking for the relay's to be renewed too.
//
//   secure-talker ADDRESS PORT --ca FILE --certificate FILE --key FILE --name NAME
//       --from URI --to URI [--connections N] [--every MS] [--key-updates N]
//
// --every: from one message of a connection to its next; --key-updates: after so many messages, 0
// never. Prints `connected N` when all are, and goes on until SIGTERM. Then what is under way has
// 10 s to be answered, and one line comes:
//
//   connections N tls13 N ended N sent N answered N again N wrong N key_updates N
//       heard_key_updates N longest_ms N
//
// ended: by the relay; again: a second 200 to the same request; wrong: answers other than 200, or
// to nothing that was asked. Its exit code is 0 when nothing was ended, wrong or unanswered.

#include "tests/wire/secure_link.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#define EVENTS 256
// Handshakes at once: the relay's control has one core here, shared with everybody.
#define OPENING_MAX 32
#define LAST_MS     10000

static struct secure_links all = {.port = 5061, .n = 10, .every_ms = 1000};
static volatile sig_atomic_t ended;

static void end(int signal_number)
{
	(void)signal_number;
	ended = 1;
}

static void usage(void)
{
	fprintf(stderr,
		"usage: secure-talker ADDRESS PORT --ca FILE --certificate FILE --key FILE "
		"--name NAME --from URI --to URI [--connections N] [--every MS] "
		"[--key-updates N]\n");
	exit(2);
}

static uint32_t number(const char *text, uint32_t max)
{
	char *rest;
	unsigned long value = strtoul(text, &rest, 10);

	if (rest == text || *rest != '\0' || value > max)
		usage();
	return (uint32_t)value;
}

static void parse(int argc, char **argv)
{
	static const struct option rows[] = {
		{"ca", required_argument, NULL, 'a'},
		{"certificate", required_argument, NULL, 'c'},
		{"key", required_argument, NULL, 'k'},
		{"name", required_argument, NULL, 'n'},
		{"from", required_argument, NULL, 'f'},
		{"to", required_argument, NULL, 't'},
		{"connections", required_argument, NULL, 'N'},
		{"every", required_argument, NULL, 'e'},
		{"key-updates", required_argument, NULL, 'u'},
		{0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", rows, NULL)) != -1) {
		if (option == 'a')
			all.ca = optarg;
		else if (option == 'c')
			all.certificate = optarg;
		else if (option == 'k')
			all.key = optarg;
		else if (option == 'n')
			all.name = optarg;
		else if (option == 'f')
			all.from = optarg;
		else if (option == 't')
			all.to = optarg;
		else if (option == 'N')
			all.n = number(optarg, 100000);
		else if (option == 'e')
			all.every_ms = number(optarg, 1000000);
		else if (option == 'u')
			all.key_update_every = number(optarg, 1000000);
		else
			usage();
	}
	if (argc - optind != 2 || all.ca == NULL || all.certificate == NULL || all.key == NULL ||
		all.name == NULL || all.from == NULL || all.to == NULL || all.n == 0)
		usage();
	all.address = argv[optind];
	all.port = (uint16_t)number(argv[optind + 1], 65535);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

// Begins handshakes and messages that are due.
static void begin_due(uint64_t now)
{
	while (all.n_begun < all.n && all.n_begun - all.n_up - all.n_ended < OPENING_MAX && !ended)
		secure_link_begin(&all, all.n_begun++, now);
	for (uint32_t i = 0; i < all.n_begun; i++) {
		struct secure_link *l = &all.list[i];

		if (l->is_up && !ended && l->asked == 0 && l->next_ms <= now)
			secure_link_ask(&all, l, now);
	}
}

static void report(void)
{
	printf("connections %" PRIu32 " tls13 %" PRIu32 " ended %" PRIu32 " sent %" PRIu64
	       " answered %" PRIu64 " again %" PRIu64 " wrong %" PRIu64 " key_updates %" PRIu64
	       " heard_key_updates %" PRIu64 " longest_ms %" PRIu64 "\n",
		all.n_up + all.n_ended, all.n_tls13, all.n_ended, all.n_sent, all.n_answered,
		all.n_again, all.n_wrong, all.n_key_updates, all.n_heard_key_updates,
		all.longest_ms);
}

int main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	uint64_t until = UINT64_MAX, now = now_ms();
	bool told = false;

	parse(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, end);
	signal(SIGINT, end);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!secure_links_init(&all))
		return 2;
	while (now < until && !(ended && all.n_sent == all.n_answered)) {
		int n;

		begin_due(now);
		if (!told && all.n_up == all.n) {
			printf("connected %" PRIu32 "\n", all.n_up);
			told = true;
		}
		n = epoll_wait(all.epoll_fd, events, EVENTS, 5);
		now = now_ms();
		for (int i = 0; i < n; i++)
			secure_link_step(&all, events[i].data.ptr, now);
		if (ended && until == UINT64_MAX)
			until = now + LAST_MS;
	}
	report();
	return all.n_ended != 0 || all.n_wrong != 0 || all.n_sent != all.n_answered;
}
