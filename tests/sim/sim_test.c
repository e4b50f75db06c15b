// SPDX-License-Identifier: BSD-3-Clause
// Two engines over a wire with seeded faults, a case a shape of faults.
//
//   test-sim [--seeds N] [--first N]        N seeds of every shape
//   test-sim --seed N [--shape S] [--trace] one seed, of all shapes or one; with every packet

#include "tests/unit/test.h"

#include "tests/sim/sim.h"

#include <inttypes.h>

static uint64_t first_seed = 1, n_seeds = 160;
static const char *only_shape;
static FILE *trace;

static void run(enum plan_shape shape)
{
	uint64_t n_segments = 0, n_bytes = 0, virtual_ns = 0;
	unsigned n_wrong = 0, n_conns = 0, n_closed_well = 0;

	for (uint64_t seed = first_seed; seed < first_seed + n_seeds && n_wrong < 5; seed++) {
		struct plan plan = plan_of(seed, shape);
		struct sim_result r = sim_run(&plan, trace);

		n_segments += r.n_segments;
		n_bytes += r.n_bytes;
		n_conns += r.n_conns;
		n_closed_well += r.n_closed_well;
		virtual_ns += r.virtual_ns;
		if (r.right)
			continue;
		n_wrong++;
		print_error("%s\n  again: scripts/sim --seed %" PRIu64 " --shape %s --trace\n",
			r.why, seed, plan_shape_name(shape));
	}
	print_message("%s: %" PRIu64 " seeds, %u ends of connections, %u closed well, %" PRIu64
		      " segments, %" PRIu64 " bytes, %.0f s\n",
		plan_shape_name(shape), n_seeds, n_conns, n_closed_well, n_segments, n_bytes,
		(double)virtual_ns / 1e9);
	assert_int_equal(n_wrong, 0);
	assert_true(n_conns > 0 && n_bytes > 0);
}

static void only_a_probe_is_sent_twice_over_a_perfect_wire(void **state)
{
	(void)state;
	run(PLAN_PERFECT);
}

static void every_byte_arrives_once_over_a_wire_that_loses(void **state)
{
	(void)state;
	run(PLAN_LOSS);
}

static void every_byte_arrives_once_over_a_wire_that_reorders_repeats_and_damages(void **state)
{
	(void)state;
	run(PLAN_DISORDER);
}

static void every_byte_arrives_once_through_a_bottleneck(void **state)
{
	(void)state;
	run(PLAN_NARROW);
}

static void every_byte_arrives_once_through_tiny_and_closed_windows(void **state)
{
	(void)state;
	run(PLAN_WINDOWS);
}

static void every_byte_arrives_once_while_numbers_and_clocks_wrap(void **state)
{
	(void)state;
	run(PLAN_WRAP);
}

static void connections_follow_one_another_on_the_same_ports(void **state)
{
	(void)state;
	run(PLAN_CHURN);
}

static void both_sides_may_open_and_close_at_once(void **state)
{
	(void)state;
	run(PLAN_CLOSING);
}

static void a_cut_wire_or_an_abort_ends_both_sides_with_a_reason(void **state)
{
	(void)state;
	run(PLAN_CUT);
}

static void dry_memory_delays_and_loses_nothing(void **state)
{
	(void)state;
	run(PLAN_DRY);
}

static void a_path_narrower_than_the_link_is_found(void **state)
{
	(void)state;
	run(PLAN_MTU);
}

static void a_blind_attacker_is_not_noticed(void **state)
{
	(void)state;
	run(PLAN_BLIND);
}

static void all_faults_at_once_leave_nothing_over(void **state)
{
	(void)state;
	run(PLAN_ALL);
}

static void every_byte_arrives_once_with_a_thousand_segments_in_flight(void **state)
{
	(void)state;
	run(PLAN_LONG);
}

static void usage(void)
{
	fprintf(stderr, "usage: [--seeds N] [--first N] [--seed N] [--shape S] [--trace]\nshapes:");
	for (unsigned i = 0; i < PLAN_N; i++)
		fprintf(stderr, " %s", plan_shape_name((enum plan_shape)i));
	fprintf(stderr, "\n");
	exit(2);
}

static void read_arguments(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--trace") == 0) {
			trace = stderr;
			continue;
		}
		if (i + 1 == argc)
			usage();
		if (strcmp(argv[i], "--seeds") == 0) {
			n_seeds = strtoull(argv[++i], NULL, 10);
		} else if (strcmp(argv[i], "--first") == 0) {
			first_seed = strtoull(argv[++i], NULL, 10);
		} else if (strcmp(argv[i], "--seed") == 0) {
			first_seed = strtoull(argv[++i], NULL, 10);
			n_seeds = 1;
		} else if (strcmp(argv[i], "--shape") == 0) {
			only_shape = argv[++i];
		} else {
			usage();
		}
	}
}

static const struct CMUnitTest tests[PLAN_N] = {
	[PLAN_PERFECT] = cmocka_unit_test(only_a_probe_is_sent_twice_over_a_perfect_wire),
	[PLAN_LOSS] = cmocka_unit_test(every_byte_arrives_once_over_a_wire_that_loses),
	[PLAN_DISORDER] = cmocka_unit_test(
		every_byte_arrives_once_over_a_wire_that_reorders_repeats_and_damages),
	[PLAN_NARROW] = cmocka_unit_test(every_byte_arrives_once_through_a_bottleneck),
	[PLAN_WINDOWS] = cmocka_unit_test(every_byte_arrives_once_through_tiny_and_closed_windows),
	[PLAN_WRAP] = cmocka_unit_test(every_byte_arrives_once_while_numbers_and_clocks_wrap),
	[PLAN_CHURN] = cmocka_unit_test(connections_follow_one_another_on_the_same_ports),
	[PLAN_CLOSING] = cmocka_unit_test(both_sides_may_open_and_close_at_once),
	[PLAN_CUT] = cmocka_unit_test(a_cut_wire_or_an_abort_ends_both_sides_with_a_reason),
	[PLAN_DRY] = cmocka_unit_test(dry_memory_delays_and_loses_nothing),
	[PLAN_MTU] = cmocka_unit_test(a_path_narrower_than_the_link_is_found),
	[PLAN_BLIND] = cmocka_unit_test(a_blind_attacker_is_not_noticed),
	[PLAN_ALL] = cmocka_unit_test(all_faults_at_once_leave_nothing_over),
	[PLAN_LONG] = cmocka_unit_test(every_byte_arrives_once_with_a_thousand_segments_in_flight),
};

int main(int argc, char **argv)
{
	read_arguments(argc, argv);
	if (only_shape == NULL)
		return cmocka_run_group_tests_name("sim", tests, NULL, NULL);
	for (unsigned i = 0; i < PLAN_N; i++) {
		if (strcmp(only_shape, plan_shape_name((enum plan_shape)i)) == 0)
			return _cmocka_run_group_tests("sim", &tests[i], 1, NULL, NULL);
	}
	usage();
	return 2;
}
