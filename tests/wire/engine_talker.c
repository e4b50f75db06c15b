// SPDX-License-Identifier: BSD-3-Clause
// The peer on our engine: ask.h over lib/tcp, over a frame port, without DPDK.
//
//   engine-talker --port PORT --address IP [--address IP] [--buffer BYTES] [--linger MS]
//       [--mtu N] serve|ask …
//
// linger: how long it goes on after its last chat, so that what TCP still has to say is said.
// In the end a second line: left conns N half-open N chunks N in N out N.

#include "lib/base/siphash.h"
#include "tests/wire/links.h"
#include "tests/wire/station.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <unistd.h>

#define TIMERS_NS  1000000
#define FIRST_PORT 32768
#define N_PORTS    28000
#define RESOLVE_NS 50000000

static struct station station;
static struct links links;
static struct ask ask;
static uint32_t buffer_bytes = 1 << 20;
static uint64_t linger_ns = 10000000000, now, next_timers_ns, next_resolve_ns, done_ns;
static uint16_t next_port;

static void open_all(void)
{
	struct chat_request request;
	struct endpoint local = {
		.ip = station.ip[ask.server.ip.family == IP_V6], .transport = TRANSPORT_TCP};

	if (ask.serves || now < next_resolve_ns)
		return;
	if (!station_knows(&station, &ask.server.ip)) {
		next_resolve_ns = now + RESOLVE_NS;
		ask.started_ns = now;
		return;
	}
	while (ask_next(&ask, &request)) {
		tcp_conn_id id = 0;
		int rc = -EADDRINUSE;

		for (unsigned i = 0; i < N_PORTS && rc == -EADDRINUSE; i++) {
			local.port = (uint16_t)(FIRST_PORT + next_port++ % N_PORTS);
			rc = tcp_open(station.tcp, &local, &ask.server, station.mtu, 0, now, &id);
		}
		if (rc != 0) {
			fprintf(stderr, "engine-talker: cannot open: %s\n", strerror(-rc));
			exit(1);
		}
		links_add(&links, id, &request);
	}
}

static bool turn(void)
{
	struct pollfd polled = {.fd = station.fd, .events = POLLIN};
	struct timespec wait = {0};
	uint64_t next;
	bool is_up;

	now = links.now = links.tcp_now = ask_now_ns();
	is_up = station_receive(&station, now);
	if (now >= next_timers_ns) {
		tcp_timers(station.tcp, now, LINKS_MAX);
		next_timers_ns = now + TIMERS_NS;
	}
	links_take_events(&links);
	open_all();
	next = links_step_due(&links, next_timers_ns);
	station_send(&station, now);
	links_take_events(&links);
	now = ask_now_ns();
	wait.tv_nsec = next > now ? (long)(next - now) : 0;
	ppoll(&polled, 1, &wait, NULL);
	return is_up;
}

static void usage(void)
{
	fprintf(stderr,
		"usage: engine-talker --port PORT --address IP [--address IP] "
		"[--buffer BYTES] [--linger MS] [--mtu N] serve|ask …\n");
	exit(2);
}

// Up to the word serve or ask.
static void read_arguments(int argc, char **argv)
{
	static const struct option options[] = {{"port", 1, NULL, 'p'}, {"address", 1, NULL, 'a'},
		{"buffer", 1, NULL, 'b'}, {"linger", 1, NULL, 'l'}, {"mtu", 1, NULL, 'm'}, {0}};
	const char *port = NULL;
	struct ip_addr ip;
	int c;

	station.mtu = 1500;
	while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (c) {
		case 'p':
			port = optarg;
			break;
		case 'a':
			if (ip_parse(view_string(optarg), &ip) != 0)
				usage();
			station.ip[ip.family == IP_V6] = ip;
			break;
		case 'b':
			buffer_bytes = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'l':
			linger_ns = strtoul(optarg, NULL, 10) * 1000000;
			break;
		case 'm':
			station.mtu = (uint16_t)strtoul(optarg, NULL, 10);
			break;
		default:
			usage();
		}
	}
	if (port == NULL)
		usage();
	ask_parse(&ask, argc - optind, argv + optind);
	station.fd = frame_port_open(port);
	if (station.fd < 0) {
		fprintf(stderr, "engine-talker: %s: %s\n", port, strerror(errno));
		exit(1);
	}
}

static void engine_up(void)
{
	struct tcp_config config;
	void *memory;
	size_t n_bytes;

	tcp_config_default(&config, LINKS_MAX);
	config.chunk_bytes = 1460;
	config.send_bytes_max = config.receive_bytes_max = buffer_bytes;
	// Enough that many connections at once do not starve, each with a full window or not.
	config.n_chunks = 65536;
	config.time_wait_s = 1;
	if (getrandom(&config.key, sizeof(config.key), 0) != sizeof(config.key))
		exit(1);
	n_bytes = tcp_memory_bytes(&config);
	memory = aligned_alloc(64, (n_bytes + 63) / 64 * 64);
	if (n_bytes == 0 || memory == NULL) {
		fprintf(stderr, "engine-talker: no memory for the engine, or sizes out of range\n");
		exit(1);
	}
	memset(memory, 0, n_bytes);
	station.tcp = tcp_init(memory, &config, station.counters, now);
	links.tcp = station.tcp;
	links.ask = &ask;
	links.buffer_bytes = buffer_bytes;
	if (ask.serves && tcp_listen(station.tcp, &ask.server, station.mtu, 0) != 0)
		exit(1);
}

int main(int argc, char **argv)
{
	struct tcp_usage usage_now;
	int rc;

	read_arguments(argc, argv);
	prctl(PR_SET_TIMERSLACK, 1);
	now = ask_now_ns();
	memcpy(station.mac, (const uint8_t[]){0x02, 0, 0, 0, 0, 0x01}, sizeof(station.mac));
	station.mac[4] = (uint8_t)getpid();
	engine_up();
	printf("listening\n");
	fflush(stdout);
	while (!ask_is_done(&ask) && turn())
		;
	rc = ask_report(&ask);
	done_ns = now;
	do {
		tcp_usage(station.tcp, &usage_now);
	} while (now < done_ns + linger_ns && usage_now.n_conns > 0 && turn());
	printf("left conns %u half-open %u chunks %u in %" PRIu64 " out %" PRIu64 "\n",
		usage_now.n_conns, usage_now.n_half_open, usage_now.n_chunks, station.n_frames_in,
		station.n_frames_out);
	if (getenv("TALKER_COUNTERS") != NULL) {
		for (int r = 0; r < REASON_N; r++) {
			if (station.counters[r] > 0)
				printf("%s %" PRIu64 "\n", reason_name((enum reason)r),
					station.counters[r]);
		}
	}
	return rc;
}
