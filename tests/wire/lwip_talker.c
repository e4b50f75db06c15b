// SPDX-License-Identifier: BSD-3-Clause
// The peer on lwIP: ask.h over a TCP that neither we nor Linux wrote, without SACK, timestamps or
// ISNs drawn at random, with a window of 64 KB and timers of half a second.
//
//   lwip-talker --port PORT --address IP [--address IP] [--ports N] [--ticks N] [--linger MS]
//       [--pcap FILE] serve|ask …
//
// ports: how many local ports it asks from, one after the other. ticks: lwip_host.h. linger: how
// long it goes on after its last chat, so that what TCP still has to say is said, and heard: until
// the other end of its port is gone, or SIGTERM.
// In the end a second line: left conns N time-waits N.

#include "tests/wire/ask.h"
#include "tests/wire/frame_port.h"
#include "tests/wire/lwip_host.h"
#include "tests/wire/pcap.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#define LINKS_MAX  4096
#define TURN_NS    5000000 // lwIP's thread tells of nothing
#define FIRST_PORT 20000
#define N_PORTS    28000

struct link {
	bool used;
	struct lwip_conn conn;
	struct chat chat;
};

static struct lwip_host_config host;
static struct link links[LINKS_MAX];
static unsigned n_links; // ever used
static struct ask ask;
static char server[IP_TEXT_BYTES];
static unsigned next_port, n_ports = N_PORTS, n_addresses;
static uint64_t linger_ns = 10000000000, now;
static bool has_opened;

static uint32_t link_write(void *stream, const uint8_t *bytes, uint32_t n_bytes)
{
	return lwip_conn_write(&((struct link *)stream)->conn, bytes, n_bytes);
}

static uint32_t link_read(void *stream, uint8_t *bytes, uint32_t n_bytes)
{
	return lwip_conn_read(&((struct link *)stream)->conn, bytes, n_bytes);
}

static bool link_at_end(void *stream)
{
	const struct lwip_conn *c = &((struct link *)stream)->conn;

	return c->peer_finished && c->unread == NULL;
}

static void link_finish(void *stream)
{
	lwip_conn_finish(&((struct link *)stream)->conn);
}

static void link_reset(void *stream)
{
	lwip_conn_drop(&((struct link *)stream)->conn);
}

static const struct chat_stream ops = {link_write, link_read, link_at_end, link_finish, link_reset};

static struct link *link_new(const struct chat_request *request)
{
	unsigned i = 0;

	while (i < n_links && links[i].used)
		i++;
	if (i == LINKS_MAX)
		return NULL;
	if (i == n_links)
		n_links++;
	links[i] = (struct link){.used = true};
	chat_begin(&links[i].chat, &ops, &links[i], request, now);
	return &links[i];
}

static struct lwip_conn *link_accepted(void)
{
	struct link *l = link_new(NULL);

	return l != NULL ? &l->conn : NULL;
}

static bool link_open(struct link *l)
{
	for (unsigned i = 0; i < n_ports; i++) {
		uint16_t port = (uint16_t)(FIRST_PORT + next_port++ % n_ports);

		if (lwip_conn_open(&l->conn, server, ask.server.port, port))
			return true;
	}
	return false;
}

static void open_all(void)
{
	struct chat_request request;

	// lwIP keeps no more than ten packets for a neighbour that it does not know yet: the first
	// connection goes alone.
	while ((has_opened || ask.n_started == 0) && ask_next(&ask, &request)) {
		struct link *l = link_new(&request);

		if (l == NULL || !link_open(l)) {
			fprintf(stderr,
				"lwip-talker: no connection, or no port of its own, is free\n");
			exit(1);
		}
	}
}

static void link_step(struct link *l)
{
	l->conn.has_news = false;
	has_opened |= l->conn.opened;
	if (l->conn.opened)
		chat_step(&l->chat, now);
	if (l->conn.broken != NULL)
		chat_gone(&l->chat, true, l->conn.broken);
	if (l->chat.outcome == CHAT_GOES_ON)
		return;
	ask_note(&ask, &l->chat);
	chat_end(&l->chat);
	lwip_conn_drop(&l->conn);
	l->used = false;
}

// Steps what has news or is due; when the next is due.
static uint64_t step_all(void)
{
	uint64_t next = now + TURN_NS;

	for (unsigned i = 0; i < n_links; i++) {
		struct link *l = &links[i];

		if (l->used && (l->conn.has_news || l->chat.next_ns <= now))
			link_step(l);
		if (l->used && l->chat.next_ns < next)
			next = l->chat.next_ns;
	}
	return next;
}

static bool turn(void)
{
	struct pollfd polled = {.fd = host.fd, .events = POLLIN};
	struct timespec wait = {0};
	uint64_t next;
	bool is_up;

	now = ask_now_ns();
	lwip_host_enter();
	is_up = lwip_host_receive();
	next = step_all();
	open_all();
	lwip_host_leave();
	now = ask_now_ns();
	wait.tv_nsec = next > now ? (long)(next - now) : 0;
	ppoll(&polled, 1, &wait, NULL);
	return is_up;
}

static void usage(void)
{
	fprintf(stderr,
		"usage: lwip-talker --port PORT --address IP [--address IP] [--ports N] "
		"[--ticks N] [--linger MS] [--pcap FILE] serve|ask …\n");
	exit(2);
}

static void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "lwip-talker: %s: %s\n", what, strerror(errno));
	exit(1);
}

// Up to the word serve or ask.
static void read_arguments(int argc, char **argv)
{
	static const struct option options[] = {{"port", 1, NULL, 'p'}, {"address", 1, NULL, 'a'},
		{"ports", 1, NULL, 'n'}, {"ticks", 1, NULL, 't'}, {"linger", 1, NULL, 'l'},
		{"pcap", 1, NULL, 'c'}, {0}};
	const char *port = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (c) {
		case 'p':
			port = optarg;
			break;
		case 'a':
			if (n_addresses == 2)
				usage();
			host.addresses[n_addresses++] = optarg;
			break;
		case 'n':
			n_ports = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 't':
			host.ticks = (uint32_t)strtoul(optarg, NULL, 0);
			break;
		case 'l':
			linger_ns = strtoul(optarg, NULL, 10) * 1000000;
			break;
		case 'c':
			host.trace = pcap_new(optarg);
			require(host.trace != NULL, optarg);
			break;
		default:
			usage();
		}
	}
	if (port == NULL || n_addresses == 0 || n_ports == 0 || n_ports > N_PORTS)
		usage();
	ask_parse(&ask, argc - optind, argv + optind);
	ip_format(&ask.server.ip, server);
	host.fd = frame_port_open(port);
	require(host.fd >= 0, port);
}

int main(int argc, char **argv)
{
	unsigned n_conns, n_time_waits;
	uint64_t done_ns;
	int rc;

	// A week: its sequence numbers move on by more than a window with each connection.
	host.ticks = 7 * 24 * 3600 * 2;
	memcpy(host.mac, (const uint8_t[]){0x02, 0, 0, 0, 0, 0x02}, sizeof(host.mac));
	host.mac[4] = (uint8_t)getpid();
	read_arguments(argc, argv);
	prctl(PR_SET_TIMERSLACK, 1);
	require(lwip_host_up(&host), "lwIP does not take the address");
	lwip_host_enter();
	require(!ask.serves || lwip_host_listen(server, ask.server.port, link_accepted), "listen");
	lwip_host_leave();
	printf("listening\n");
	fflush(stdout);
	while (!ask_is_done(&ask) && turn())
		;
	rc = ask_report(&ask);
	done_ns = now = ask_now_ns();
	while (!ask_ended() && now < done_ns + linger_ns && turn())
		;
	lwip_host_enter();
	n_conns = lwip_host_conns();
	n_time_waits = lwip_host_time_waits();
	lwip_host_leave();
	printf("left conns %u time-waits %u\n", n_conns, n_time_waits);
	return rc;
}
