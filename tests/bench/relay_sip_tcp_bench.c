// SPDX-License-Identifier: BSD-3-Clause
// SIP over TCP through one worker on one core: the product's own turns, from frames in a receive
// ring to frames in a transmit ring, both ends TCP: 64 connections of partners in, those of the
// relay to one server out. See relay_rounds.h for what is measured. All checksums are software's;
// nothing cuts segments.

#include "tests/bench/relay_rounds.h"

#include <sched.h>
#include <unistd.h>

static void measure(
	struct relay_world *w, struct tcp_peers *p, unsigned n_together, const char *const names[2])
{
	struct relay_rounds rounds;

	relay_rounds_run(w, p, n_together, &rounds);
	bench_report(names[0], &rounds.wall, 1e9, "messages/s", NULL, NULL);
	bench_report(names[1], &rounds.busy, 1e9, "messages/s", NULL, NULL);
}

int main(int argc, char **argv)
{
	static const char *const one[] = {
		"512 B MESSAGE, 64 connections, one a segment", "one a segment, busy"};
	static const char *const two[] = {
		"512 B MESSAGE, 64 connections, two a segment", "two a segment, busy"};
	struct relay_world *w;
	struct tcp_peers *p;
	size_t n_bytes;
	int fd;

	bench_init(argc, argv, "relay_sip_tcp");
	w = relay_world_open((unsigned)sched_getcpu(), TRANSPORT_TCP);
	fd = relay_world_image(TRAFFIC_NAMES, 0, 0, 1, TRANSPORT_TCP, &n_bytes);
	relay_world_publish(w, fd, n_bytes, 1);
	close(fd);
	p = tcp_peers_open(w, TRANSPORT_TCP);
	measure(w, p, 1, one);
	measure(w, p, 2, two);
	tcp_peers_close(p);
	relay_world_close(w);
	return 0;
}
