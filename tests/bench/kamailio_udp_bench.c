// SPDX-License-Identifier: BSD-3-Clause
// CPU time that Kamailio spends on a message, next to which the relay's own is to be seen.

#include "tests/bench/kamailio.h"

int main(int argc, char **argv)
{
	struct kamailio_cpu cpu;

	bench_init(argc, argv, "kamailio_udp");
	if (!kamailio_measure(bench_quick() ? 20000 : 100000, bench_quick() ? 1 : BENCH_RUNS, &cpu))
		return 1;
	bench_report("512 B MESSAGE, CPU, user", &cpu.user, 1e9, "messages/s", NULL, NULL);
	bench_report("512 B MESSAGE, CPU, system", &cpu.system, 1e9, "messages/s", NULL, NULL);
	bench_report(
		"512 B MESSAGE, CPU, user and system", &cpu.both, 1e9, "messages/s", NULL, NULL);
	return 0;
}
