// SPDX-License-Identifier: BSD-3-Clause

#include "tests/bench/idle.h"

#include "tests/bench/tcp_pair.h"
#include "tests/sim/packet.h"

#include <stdio.h>
#include <unistd.h>

size_t idle_resident_bytes(void)
{
	unsigned long size, resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	pair_require(file != NULL && fscanf(file, "%lu %lu", &size, &resident) == 2,
		"/proc/self/statm cannot be read");
	fclose(file);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

// A client's SYN, or with the server's answer to it its ACK, as the server reads it.
static struct tcp_segment segment_of(unsigned n, const struct endpoint *server, uint32_t ack)
{
	struct tcp_segment s = {
		.local = *server, .seq = n + (ack != 0), .ack = ack, .window = 65535};

	pair_client(n, &s.remote);
	s.flags = ack != 0 ? TCP_ACK : TCP_SYN;
	s.options.has_mss = s.options.has_window_scale = s.options.sack_permitted = ack == 0;
	s.options.mss = 1460;
	s.options.window_scale = 7;
	return s;
}

void idle_establish(struct tcp *t, const struct endpoint *server, unsigned first, uint64_t now)
{
	struct tcp_segment burst[IDLE_AT_ONCE];
	struct tcp_packet p;
	unsigned n = 0;

	for (unsigned i = 0; i < IDLE_AT_ONCE; i++)
		burst[i] = segment_of(first + i, server, 0);
	tcp_input_burst(t, burst, IDLE_AT_ONCE, now);
	while (tcp_output(t, now, TCP_OUTPUT_ALL, PAIR_MTU, &p)) {
		uint8_t bytes[PACKET_HEADERS_MAX + PAIR_MTU];
		struct tcp_segment s;

		// What else it says of those that are open asks for no answer.
		if ((p.header[13] & TCP_SYN) == 0)
			continue;
		pair_require(n < IDLE_AT_ONCE &&
				packet_parse(view_of(bytes, packet_build(bytes, &p, 0)), &s) ==
					REASON_none,
			"an answer is none");
		burst[n++] = segment_of(s.ack - 1, server, s.seq + 1);
	}
	tcp_input_burst(t, burst, n, now);
}
