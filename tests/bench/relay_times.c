// SPDX-License-Identifier: BSD-3-Clause

#include "tests/bench/relay_times.h"

#include <rte_cycles.h>

double relay_times_ns(uint64_t ticks)
{
	return (double)ticks * 1e9 / (double)rte_get_tsc_hz();
}

// Whether one of the spans overlaps what lies between two times. They follow each other, as do the
// times: *at is where the last look ended.
static bool is_in_one(
	const struct slow_wire_span spans[], unsigned n, unsigned *at, uint64_t from, uint64_t to)
{
	while (*at < n && spans[*at].end < from)
		++*at;
	return *at < n && spans[*at].start <= to;
}

// Of one kind, in the order of their requests.
static void add_kind(
	struct relay_times *out, const struct relay_load *l, unsigned kind, uint32_t causes)
{
	const struct slow_wire *wire = &l->wire;
	unsigned span = 0, gap = 0;

	for (uint64_t i = 0; i < RELAY_LOAD_MESSAGES; i++) {
		const struct relay_load_times *t =
			&l->times[kind][(l->first + i) & (RELAY_LOAD_MESSAGES - 1)];
		uint64_t ns = (uint64_t)relay_times_ns(t->left - t->arrived);
		bool is_taken;

		if (t->arrived < l->measured_from)
			continue;
		if (t->left < t->arrived || t->again) {
			out->n_unseen++;
			continue;
		}
		histogram_add(&out->all, ns);
		is_taken = is_in_one(wire->spans, wire->n_spans, &span, t->arrived, t->left) &&
			(causes & RELAY_TIMES_CAUSE(wire->spans[span].cause)) != 0;
		if (!is_taken && !is_in_one(l->gaps, l->n_gaps, &gap, t->arrived, t->left))
			histogram_add(&out->calm, ns);
	}
}

void relay_times_add(struct relay_times *out, const struct relay_load *l, uint32_t causes)
{
	for (unsigned kind = 0; kind < RELAY_LOAD_KINDS; kind++)
		add_kind(out, l, kind, causes);
}
