// SPDX-License-Identifier: BSD-3-Clause
// What every bench shares: samples of several runs, their median and minimum, one line a case.
// A bench is an executable of its own (tests/bench/NAME_bench.c -> bench-NAME) that scripts/bench
// finds and runs. `--json` prints one object a line with the keys bench, case, ns, min_ns, rate,
// unit, baseline, ratio.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Runs of every case; ns and rate are those of the median.
#define BENCH_RUNS     7
#define BENCH_RUNS_MAX 64

struct bench_samples {
	unsigned n;
	double ns[BENCH_RUNS_MAX]; // for one item (message, look-up, publication …), each run
};

// Reads --json and --quick (fewer items for a smoke run; the bench asks bench_quick()).
// Anything else is a usage error: prints it and exits with 2.
void bench_init(int argc, char **argv, const char *bench);
bool bench_quick(void);

uint64_t bench_now_ns(void); // CLOCK_MONOTONIC
uint64_t bench_cpu_ns(void); // of this thread: what others take away does not count

// One run's nanoseconds an item. More than BENCH_RUNS_MAX are an error of the bench: it aborts.
void bench_add(struct bench_samples *s, double ns);
double bench_median(const struct bench_samples *s);
double bench_min(const struct bench_samples *s);

// Prints a case. rate = per_item / ns of the median: per_item 1e9 with unit "messages/s", or the
// item's bytes with unit "GB/s". baseline: name of the case compared with and its samples of the
// same run, or NULLs; ratio = baseline's ns / this one's, so above 1 is faster than the baseline.
void bench_report(const char *case_name, const struct bench_samples *s, double per_item,
	const char *unit, const char *baseline, const struct bench_samples *baseline_samples);

// Prints a case that is a size, not a time: one number with its unit; in JSON, as bench, case,
// value, unit.
void bench_report_size(const char *case_name, double value, const char *unit);

// Says on stderr why a case cannot run here; never counts as a result.
__attribute__((format(printf, 1, 2))) void bench_skip(const char *format, ...);

// Keeps a value that a timed loop computed from being optimised away.
static inline void bench_keep(uint64_t value)
{
	__asm__ volatile("" : : "r"(value) : "memory");
}
