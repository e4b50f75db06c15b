// SPDX-License-Identifier: BSD-3-Clause
// CPU time that HAProxy spends on a message, next to which the relay's own is to be seen: bench
// relay_sip_tls prints the ratio.

#include "tests/bench/haproxy.h"

static bool measure(unsigned n_together, const char *const names[3])
{
	struct haproxy_cpu cpu;

	if (!haproxy_measure(bench_quick() ? 20000 : 100000, n_together,
		    bench_quick() ? 1 : BENCH_RUNS, &cpu))
		return false;
	bench_report(names[0], &cpu.user, 1e9, "messages/s", NULL, NULL);
	bench_report(names[1], &cpu.system, 1e9, "messages/s", NULL, NULL);
	bench_report(names[2], &cpu.both, 1e9, "messages/s", NULL, NULL);
	return true;
}

int main(int argc, char **argv)
{
	static const char *const one[] = {"512 B MESSAGE, one at once, CPU, user",
		"one at once, CPU, system", "one at once, CPU, user and system"};
	static const char *const many[] = {"512 B MESSAGE, 16 at once, CPU, user",
		"16 at once, CPU, system", "16 at once, CPU, user and system"};

	bench_init(argc, argv, "haproxy_tls");
	return measure(1, one) && measure(16, many) ? 0 : 1;
}
