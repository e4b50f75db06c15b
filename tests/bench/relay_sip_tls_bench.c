// SPDX-License-Identifier: BSD-3-Clause
// SIP over TLS 1.3 (AES-128-GCM) through one worker on one core, in and out: the product's own
// turns, from frames in a receive ring to frames in a transmit ring; 64 sessions of partners in,
// those of the relay to one server out, each message in a record of its own. Next to it the same
// over TCP, by the same worker a moment before, and what HAProxy spends on opening and sealing
// them. See relay_rounds.h for what is measured. Handshakes are control's: control_end.h hands over
// what they would end in.

#include "tests/bench/haproxy.h"
#include "tests/bench/relay_rounds.h"

#include <sched.h>
#include <unistd.h>

#define N_CASES 3

static const struct one_case {
	unsigned n_together;
	const char *tcp, *tls, *busy;
} cases[N_CASES] = {
	{1, "TCP, one a segment, busy", "512 B MESSAGE, 64 connections, one a segment",
		"one a segment, busy"},
	{2, "TCP, two a segment, busy", "512 B MESSAGE, 64 connections, two a segment",
		"two a segment, busy"},
	{16, "TCP, 16 a write, busy", "512 B MESSAGE, 64 connections, 16 a write",
		"16 a write, busy"},
};

static void publish(struct relay_world *w, enum transport transport, uint64_t generation)
{
	size_t n_bytes;
	int fd = relay_world_image(TRAFFIC_NAMES, 0, 0, generation, transport, &n_bytes);

	relay_world_publish(w, fd, n_bytes, generation);
	close(fd);
}

static void measure(struct relay_world *w, enum transport transport, struct relay_rounds rounds[])
{
	struct tcp_peers *p = tcp_peers_open(w, transport);

	for (unsigned i = 0; i < N_CASES; i++)
		relay_rounds_run(w, p, cases[i].n_together, &rounds[i]);
	tcp_peers_close(p);
}

// HAProxy on this machine, now. Before EAL, whose memory a fork would copy. Says by itself why it
// cannot.
static bool measure_haproxy(struct haproxy_cpu haproxy[])
{
	for (unsigned i = 0; i < N_CASES; i++) {
		if (!haproxy_measure(bench_quick() ? 5000 : 50000, cases[i].n_together,
			    bench_quick() ? 1 : BENCH_RUNS, &haproxy[i]))
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct relay_rounds tcp[N_CASES], tls[N_CASES];
	struct haproxy_cpu haproxy[N_CASES];
	struct relay_world *w;
	bool has_haproxy;

	bench_init(argc, argv, "relay_sip_tls");
	has_haproxy = measure_haproxy(haproxy);
	w = relay_world_open((unsigned)sched_getcpu(), TRANSPORT_TLS);
	publish(w, TRANSPORT_TCP, 1);
	measure(w, TRANSPORT_TCP, tcp);
	publish(w, TRANSPORT_TLS, 2);
	measure(w, TRANSPORT_TLS, tls);
	for (unsigned i = 0; i < N_CASES; i++) {
		bench_report(cases[i].tcp, &tcp[i].busy, 1e9, "messages/s", NULL, NULL);
		bench_report(cases[i].tls, &tls[i].wall, 1e9, "messages/s", "relay_sip_tcp",
			&tcp[i].wall);
		bench_report(cases[i].busy, &tls[i].busy, 1e9, "messages/s",
			has_haproxy ? "haproxy_tls" : NULL, has_haproxy ? &haproxy[i].both : NULL);
	}
	relay_world_close(w);
	return 0;
}
