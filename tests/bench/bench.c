// SPDX-License-Identifier: BSD-3-Clause

#include "tests/bench/bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *bench_name;
static bool as_json, quick;

void bench_init(int argc, char **argv, const char *bench)
{
	bench_name = bench;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			as_json = true;
		} else if (strcmp(argv[i], "--quick") == 0) {
			quick = true;
		} else {
			fprintf(stderr, "usage: bench-%s [--json] [--quick]\n", bench);
			exit(2);
		}
	}
}

bool bench_quick(void)
{
	return quick;
}

uint64_t bench_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t bench_cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void bench_add(struct bench_samples *s, double ns)
{
	if (s->n == BENCH_RUNS_MAX)
		abort();
	s->ns[s->n++] = ns;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(const struct bench_samples *s)
{
	double sorted[BENCH_RUNS_MAX];

	if (s->n == 0)
		return 0;
	memcpy(sorted, s->ns, s->n * sizeof(sorted[0]));
	qsort(sorted, s->n, sizeof(sorted[0]), compare);
	return s->n % 2 ? sorted[s->n / 2] : (sorted[s->n / 2 - 1] + sorted[s->n / 2]) / 2;
}

double bench_min(const struct bench_samples *s)
{
	double min = s->n > 0 ? s->ns[0] : 0;

	for (unsigned i = 1; i < s->n; i++)
		min = s->ns[i] < min ? s->ns[i] : min;
	return min;
}

void bench_report(const char *case_name, const struct bench_samples *s, double per_item,
	const char *unit, const char *baseline, const struct bench_samples *baseline_samples)
{
	double ns = bench_median(s);
	double rate = ns > 0 ? per_item / ns : 0;
	double ratio = baseline != NULL && ns > 0 ? bench_median(baseline_samples) / ns : 0;

	if (as_json) {
		printf("{\"bench\": \"%s\", \"case\": \"%s\", \"ns\": %.2f, \"min_ns\": %.2f, "
		       "\"rate\": %.4g, \"unit\": \"%s\", ",
			bench_name, case_name, ns, bench_min(s), rate, unit);
		if (baseline != NULL)
			printf("\"baseline\": \"%s\", \"ratio\": %.3f}\n", baseline, ratio);
		else
			printf("\"baseline\": null, \"ratio\": null}\n");
	} else {
		printf("%-14s %-44s %12.1f ns  min %12.1f  %10.4g %s", bench_name, case_name, ns,
			bench_min(s), rate, unit);
		if (baseline != NULL)
			printf("  %.2f x %s", ratio, baseline);
		printf("\n");
	}
	fflush(stdout);
}

void bench_report_size(const char *case_name, double value, const char *unit)
{
	if (as_json)
		printf("{\"bench\": \"%s\", \"case\": \"%s\", \"value\": %.2f, \"unit\": \"%s\"}\n",
			bench_name, case_name, value, unit);
	else
		printf("%-14s %-44s %12.1f %s\n", bench_name, case_name, value, unit);
	fflush(stdout);
}

void bench_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "%s: skipped: ", bench_name);
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
}
