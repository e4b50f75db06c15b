// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/side.h"
#include "lib/policy/decide.h"
#include "tests/unit/lib/policy/fixture.h"
#include "tests/unit/test.h"

#define ON (IMAGE_FEDERATION_ON | IMAGE_SIP_ON)

enum line {
	LINE_LOCAL = 1,
	LINE_LOCAL_2,
	LINE_PARTNER,
	LINE_PARTNER_2,
	LINE_BLOCKED,
	LINE_PATTERN,
};

static void open_policy(struct fixture *f, uint32_t flags)
{
	fixture_init(f, flags);
	fixture_add_name(f, "local.example", IMAGE_LOCAL, LINE_LOCAL);
	fixture_add_name(f, "second.example", IMAGE_LOCAL, LINE_LOCAL_2);
	fixture_add_name(f, "partner.example", IMAGE_ALLOW, LINE_PARTNER);
	fixture_add_name(f, "other.example", IMAGE_ALLOW, LINE_PARTNER_2);
	fixture_add_name(f, "blocked.example", IMAGE_BLOCK, LINE_BLOCKED);
	fixture_add_wildcard(f, "*.spam-*.example", IMAGE_BLOCK, LINE_PATTERN);
	fixture_open(f, 5);
}

static struct policy_query query(
	const char *from, const char *to, enum side side, const char *source)
{
	struct policy_query q = {view_string(from), view_string(to), (uint8_t)side, {{0}, 0, {0}}};

	if (source != NULL)
		assert_int_equal(ip_parse(view_string(source), &q.source), 0);
	return q;
}

static struct verdict decide(
	struct decider *d, const char *from, const char *to, enum side side, const char *source)
{
	struct policy_query q = query(from, to, side, source);
	struct verdict v;

	policy_decide(d, &q, &v, 1);
	return v;
}

struct row {
	const char *from, *to;
	enum side side;
	const char *source; // NULL: not judged
	enum reason reason;
	uint32_t line; // 0: no rule
};

#define INSIDE_IP  "10.1.2.3"
#define OUTSIDE_IP "192.0.2.77"

static const struct row rows[] = {
	// Allowed.
	{"local.example", "partner.example", SIDE_INSIDE, INSIDE_IP, REASON_allowed_partner,
		LINE_PARTNER},
	{"partner.example", "local.example", SIDE_OUTSIDE, OUTSIDE_IP, REASON_allowed_partner,
		LINE_PARTNER},
	{"local.example", "second.example", SIDE_INSIDE, INSIDE_IP, REASON_allowed_local,
		LINE_LOCAL_2},
	{"a.LOCAL.example.", "b.partner.Example", SIDE_INSIDE, NULL, REASON_allowed_partner,
		LINE_PARTNER},
	// 2: names.
	{"", "partner.example", SIDE_INSIDE, INSIDE_IP, REASON_from_no_domain, 0},
	{"local.example", "", SIDE_INSIDE, INSIDE_IP, REASON_to_no_domain, 0},
	{"10.1.2.3", "partner.example", SIDE_INSIDE, INSIDE_IP, REASON_domain_invalid, 0},
	{"local.example", "a..b", SIDE_INSIDE, INSIDE_IP, REASON_domain_invalid, 0},
	{"blocked.example", "a..b", SIDE_OUTSIDE, OUTSIDE_IP, REASON_domain_invalid, 0},
	// 3: blocks, before the border and the source.
	{"blocked.example", "local.example", SIDE_OUTSIDE, OUTSIDE_IP, REASON_from_blocked,
		LINE_BLOCKED},
	{"x.blocked.example", "local.example", SIDE_INSIDE, OUTSIDE_IP, REASON_from_blocked,
		LINE_BLOCKED},
	{"a.spam-1.example", "local.example", SIDE_OUTSIDE, OUTSIDE_IP, REASON_from_blocked,
		LINE_PATTERN},
	{"local.example", "blocked.example", SIDE_INSIDE, INSIDE_IP, REASON_to_blocked,
		LINE_BLOCKED},
	{"local.example", "blocked.example", SIDE_OUTSIDE, OUTSIDE_IP, REASON_to_blocked,
		LINE_BLOCKED},
	{"unlisted.example", "blocked.example", SIDE_OUTSIDE, OUTSIDE_IP, REASON_to_blocked,
		LINE_BLOCKED},
	{"blocked.example", "blocked.example", SIDE_OUTSIDE, OUTSIDE_IP, REASON_from_blocked,
		LINE_BLOCKED},
	// 4, 5: From and the border.
	{"unlisted.example", "local.example", SIDE_OUTSIDE, OUTSIDE_IP, REASON_from_unlisted, 0},
	{"unlisted.example", "unlisted.example", SIDE_INSIDE, INSIDE_IP, REASON_from_unlisted, 0},
	{"local.example", "partner.example", SIDE_OUTSIDE, INSIDE_IP, REASON_from_local_outside,
		LINE_LOCAL},
	{"local.example", "second.example", SIDE_OUTSIDE, INSIDE_IP, REASON_from_local_outside,
		LINE_LOCAL},
	{"partner.example", "local.example", SIDE_INSIDE, OUTSIDE_IP, REASON_from_remote_inside,
		LINE_PARTNER},
	// 6: the source, before To's list.
	{"local.example", "partner.example", SIDE_INSIDE, OUTSIDE_IP, REASON_source_undeclared,
		LINE_LOCAL},
	{"partner.example", "unlisted.example", SIDE_OUTSIDE, INSIDE_IP, REASON_source_undeclared,
		LINE_PARTNER},
	{"partner.example", "local.example", SIDE_OUTSIDE, "2001:db8::1", REASON_source_undeclared,
		LINE_PARTNER},
	// 7, 8: To.
	{"local.example", "unlisted.example", SIDE_INSIDE, INSIDE_IP, REASON_to_unlisted, 0},
	{"partner.example", "unlisted.example", SIDE_OUTSIDE, OUTSIDE_IP, REASON_to_unlisted, 0},
	{"partner.example", "other.example", SIDE_OUTSIDE, OUTSIDE_IP, REASON_remote_to_remote,
		LINE_PARTNER},
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static void expect_row(const struct fixture *f, const struct row *row, const struct verdict *v)
{
	bool allowed = row->reason == REASON_allowed_partner || row->reason == REASON_allowed_local;

	assert_string_equal(reason_name(v->reason), reason_name(row->reason));
	assert_int_equal(v->rule, row->line == 0 ? IMAGE_RULE_NONE : IMAGE_RULE(0, row->line));
	assert_int_equal(v->allowed, allowed);
	assert_int_equal(v->generation, 5);
	if (!allowed) {
		assert_int_equal(v->peer, IMAGE_PEER_NONE);
		return;
	}
	assert_int_equal(v->peer, v->to.list == IMAGE_LOCAL ? f->local : f->partner);
	assert_int_equal(v->egress, v->to.list == IMAGE_LOCAL ? SIDE_INSIDE : SIDE_OUTSIDE);
}

static void every_row_of_the_order_of_judgement_holds(void **state)
{
	static const size_t caches[] = {0, 1, 1024};
	struct fixture f;

	(void)state;
	open_policy(&f, ON);
	for (size_t c = 0; c < sizeof(caches) / sizeof(caches[0]); c++) {
		struct decider *d = decider_new(&f.policy, caches[c]);

		assert_non_null(d);
		// A second round meets the cache.
		for (size_t i = 0; i < 2 * N_ROWS; i++) {
			const struct row *row = &rows[i % N_ROWS];
			struct verdict v = decide(d, row->from, row->to, row->side, row->source);

			expect_row(&f, row, &v);
		}
		decider_free(d);
	}
	fixture_fini(&f);
}

static void a_burst_decides_as_one_by_one(void **state)
{
	struct fixture f;
	struct decider *d;
	struct policy_query queries[DECIDE_BURST_MAX];
	struct verdict verdicts[DECIDE_BURST_MAX];

	(void)state;
	open_policy(&f, ON);
	d = decider_new(&f.policy, 64);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < DECIDE_BURST_MAX; i++) {
			const struct row *row = &rows[(i + round) % N_ROWS];

			queries[i] = query(row->from, row->to, row->side, row->source);
		}
		policy_decide(d, queries, verdicts, DECIDE_BURST_MAX);
		for (unsigned i = 0; i < DECIDE_BURST_MAX; i++)
			expect_row(&f, &rows[(i + round) % N_ROWS], &verdicts[i]);
	}
	decider_free(d);
	fixture_fini(&f);
}

static void switched_off_only_local_to_local_inside_passes(void **state)
{
	static const struct {
		uint32_t flags;
		enum reason reason;
	} switches[] = {
		{0, REASON_federation_off},
		{IMAGE_SIP_ON, REASON_federation_off},
		{IMAGE_FEDERATION_ON, REASON_sip_off},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		struct fixture f;
		struct decider *d;

		open_policy(&f, switches[i].flags);
		d = decider_new(&f.policy, 64);
		for (size_t n = 0; n < N_ROWS; n++) {
			struct verdict v =
				decide(d, rows[n].from, rows[n].to, rows[n].side, rows[n].source);

			if (rows[n].reason == REASON_allowed_local)
				expect_row(&f, &rows[n], &v);
			else
				assert_string_equal(
					reason_name(v.reason), reason_name(switches[i].reason));
		}
		decider_free(d);
		fixture_fini(&f);
	}
}

static void the_cache_does_not_confuse_names_that_share_their_bytes(void **state)
{
	struct fixture f;
	struct decider *d;

	(void)state;
	open_policy(&f, ON);
	d = decider_new(&f.policy, 1);
	// One slot: From and To shifted into each other, and the same pair from another side.
	assert_int_equal(decide(d, "local.example", "partner.example", SIDE_INSIDE, NULL).reason,
		REASON_allowed_partner);
	assert_int_equal(decide(d, "local.examplep", "artner.example", SIDE_INSIDE, NULL).reason,
		REASON_from_unlisted);
	assert_int_equal(decide(d, "local.example", "partner.example", SIDE_OUTSIDE, NULL).reason,
		REASON_from_local_outside);
	assert_int_equal(decide(d, "local.example", "partner.example", SIDE_INSIDE, NULL).reason,
		REASON_allowed_partner);
	decider_free(d);
	fixture_fini(&f);
}

static void a_source_that_passed_says_nothing_of_another(void **state)
{
	static const char *const sources[] = {
		OUTSIDE_IP, OUTSIDE_IP, INSIDE_IP, OUTSIDE_IP, "2001:db8::1", OUTSIDE_IP};
	struct fixture f;
	struct decider *d;

	(void)state;
	open_policy(&f, ON);
	d = decider_new(&f.policy, 16);
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		bool declared = strcmp(sources[i], OUTSIDE_IP) == 0;

		assert_int_equal(
			decide(d, "partner.example", "local.example", SIDE_OUTSIDE, sources[i])
				.reason,
			declared ? REASON_allowed_partner : REASON_source_undeclared);
	}
	decider_free(d);
	fixture_fini(&f);
}

static void a_name_that_lost_its_slot_leaves_no_source_to_the_next(void **state)
{
	struct policy_query burst[2];
	struct verdict verdicts[2];
	struct fixture f;
	struct decider *d;

	(void)state;
	open_policy(&f, ON);
	d = decider_new(&f.policy, 1);
	burst[0] = query("partner.example", "local.example", SIDE_OUTSIDE, OUTSIDE_IP);
	burst[1] = query("local.example", "partner.example", SIDE_INSIDE, NULL);
	policy_decide(d, burst, verdicts, 2);
	assert_int_equal(verdicts[0].reason, REASON_allowed_partner);
	assert_int_equal(verdicts[1].reason, REASON_allowed_partner);
	assert_int_equal(
		decide(d, "local.example", "partner.example", SIDE_INSIDE, OUTSIDE_IP).reason,
		REASON_source_undeclared);
	decider_free(d);
	fixture_fini(&f);
}

static void names_too_long_for_the_cache_are_decided_too(void **state)
{
	char from[256], to[256];
	struct fixture f;
	struct decider *d;

	(void)state;
	open_policy(&f, ON);
	d = decider_new(&f.policy, 16);
	for (unsigned n = 10; n < 60; n++) {
		memset(from, 'x', n);
		memcpy(from + n, ".local.example", 15);
		memset(to, 'y', 60);
		memcpy(to + 60, ".partner.example", 17);
		for (unsigned i = 0; i < 2; i++)
			assert_int_equal(decide(d, from, to, SIDE_INSIDE, INSIDE_IP).reason,
				REASON_allowed_partner);
	}
	decider_free(d);
	fixture_fini(&f);
}

static void hits_count_the_entry_that_decided(void **state)
{
	struct fixture f;
	struct decider *d;
	struct match match;
	const uint64_t *hits;
	size_t n;

	(void)state;
	open_policy(&f, ON);
	d = decider_new(&f.policy, 16);
	for (unsigned i = 0; i < 3; i++)
		decide(d, "local.example", "partner.example", SIDE_INSIDE, INSIDE_IP);
	decide(d, "local.example", "partner.example", SIDE_INSIDE, OUTSIDE_IP);
	decide(d, "a.spam-1.example", "local.example", SIDE_OUTSIDE, OUTSIDE_IP);
	decide(d, "unlisted.example", "local.example", SIDE_OUTSIDE, OUTSIDE_IP);
	assert_true(policy_blocks(d, VIEW("blocked.example"), &match));
	assert_int_equal(match.rule, IMAGE_RULE(0, LINE_BLOCKED));
	assert_false(policy_blocks(d, VIEW("partner.example"), &match));
	assert_false(policy_blocks(d, VIEW("not a name"), &match));

	hits = decider_hits(d, &n);
	assert_int_equal(n, 6);
	assert_int_equal(hits[LINE_LOCAL - 1], 1);
	assert_int_equal(hits[LINE_LOCAL_2 - 1], 0);
	assert_int_equal(hits[LINE_PARTNER - 1], 3);
	assert_int_equal(hits[LINE_BLOCKED - 1], 1);
	assert_int_equal(hits[LINE_PATTERN - 1], 1);
	decider_free(d);
	fixture_fini(&f);
}

// At a million a second 32 bits would wrap within the hour.
static void hits_are_counted_beyond_32_bits(void **state)
{
	struct fixture f;
	struct decider *d;
	uint64_t *hits;
	size_t n;

	(void)state;
	open_policy(&f, ON);
	d = decider_new(&f.policy, 16);
	// As if it had been counted.
	hits = (uint64_t *)(uintptr_t)decider_hits(d, &n);
	hits[LINE_PARTNER - 1] = UINT32_MAX;
	decide(d, "local.example", "partner.example", SIDE_INSIDE, INSIDE_IP);
	assert_true(decider_hits(d, &n)[LINE_PARTNER - 1] == UINT64_C(1) << 32);
	decider_free(d);
	fixture_fini(&f);
}

static enum reason judge(struct decider *d, const char *from, enum side side, const char *source)
{
	struct policy_query q = {.from = view_string(from), .side = (uint8_t)side};

	assert_int_equal(ip_parse(view_string(source), &q.source), 0);
	return policy_judge_sender(d, &q);
}

static void a_sender_alone_is_judged_as_with_anybody_it_may_send_to(void **state)
{
	struct fixture f;
	struct decider *d;
	const uint64_t *hits;
	size_t n;

	(void)state;
	open_policy(&f, ON);
	d = decider_new(&f.policy, 16);
	assert_int_equal(judge(d, "local.example", SIDE_INSIDE, INSIDE_IP), REASON_none);
	assert_int_equal(judge(d, "Partner.example", SIDE_OUTSIDE, OUTSIDE_IP), REASON_none);
	assert_int_equal(
		judge(d, "partner.example", SIDE_OUTSIDE, INSIDE_IP), REASON_source_undeclared);
	assert_int_equal(
		judge(d, "partner.example", SIDE_INSIDE, OUTSIDE_IP), REASON_from_remote_inside);
	assert_int_equal(
		judge(d, "local.example", SIDE_OUTSIDE, INSIDE_IP), REASON_from_local_outside);
	assert_int_equal(
		judge(d, "blocked.example", SIDE_OUTSIDE, OUTSIDE_IP), REASON_from_blocked);
	assert_int_equal(
		judge(d, "a.spam-1.example", SIDE_OUTSIDE, OUTSIDE_IP), REASON_from_blocked);
	assert_int_equal(
		judge(d, "unlisted.example", SIDE_OUTSIDE, OUTSIDE_IP), REASON_from_unlisted);
	hits = decider_hits(d, &n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(hits[i], 0);
	decider_free(d);
	fixture_fini(&f);
	// Between local domains a relay goes on without federation.
	open_policy(&f, 0);
	d = decider_new(&f.policy, 16);
	assert_int_equal(judge(d, "local.example", SIDE_INSIDE, INSIDE_IP), REASON_none);
	assert_int_equal(
		judge(d, "partner.example", SIDE_OUTSIDE, OUTSIDE_IP), REASON_federation_off);
	decider_free(d);
	fixture_fini(&f);
}

static void warming_changes_no_verdict_and_counts_no_hit(void **state)
{
	struct fixture old, new;
	struct decider *former, *warmed;
	const uint64_t *hits;
	struct verdict v;
	size_t n_hits;

	(void)state;
	open_policy(&old, ON);
	fixture_init(&new, ON);
	fixture_add_name(&new, "local.example", IMAGE_LOCAL, LINE_LOCAL);
	fixture_add_name(&new, "partner.example", IMAGE_BLOCK, LINE_BLOCKED);
	fixture_add_name(&new, "other.example", IMAGE_ALLOW, LINE_PARTNER_2);
	fixture_open(&new, 6);
	former = decider_new(&old.policy, 64);
	warmed = decider_new(&new.policy, 64);
	v = decide(former, "partner.example", "local.example", SIDE_OUTSIDE, OUTSIDE_IP);
	assert_true(v.allowed);
	v = decide(former, "Other.Example", "local.example", SIDE_OUTSIDE, OUTSIDE_IP);
	assert_true(v.allowed);
	decider_warm(warmed, former);
	hits = decider_hits(warmed, &n_hits);
	for (size_t i = 0; i < n_hits; i++)
		assert_int_equal(hits[i], 0);
	// What the former policy allowed is judged by the new one alone.
	v = decide(warmed, "partner.example", "local.example", SIDE_OUTSIDE, OUTSIDE_IP);
	assert_int_equal(v.reason, REASON_from_blocked);
	assert_int_equal(v.generation, 6);
	v = decide(warmed, "Other.Example", "local.example", SIDE_OUTSIDE, OUTSIDE_IP);
	assert_true(v.allowed);
	assert_int_equal(v.generation, 6);
	v = decide(warmed, "Other.Example", "local.example", SIDE_OUTSIDE, INSIDE_IP);
	assert_int_equal(v.reason, REASON_source_undeclared);
	decider_free(warmed);
	decider_free(former);
	fixture_fini(&new);
	fixture_fini(&old);
}

static void the_pair_hash_is_of_canonical_names_in_their_order(void **state)
{
	struct fixture f;
	struct decider *d;
	uint32_t hash;

	(void)state;
	open_policy(&f, ON);
	d = decider_new(&f.policy, 16);
	hash = decide(d, "local.example", "partner.example", SIDE_INSIDE, NULL).pair_hash;
	assert_int_equal(
		decide(d, "LOCAL.example.", "Partner.example", SIDE_INSIDE, NULL).pair_hash, hash);
	assert_int_not_equal(
		decide(d, "partner.example", "local.example", SIDE_OUTSIDE, NULL).pair_hash, hash);
	decider_free(d);
	fixture_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_of_the_order_of_judgement_holds),
		cmocka_unit_test(a_burst_decides_as_one_by_one),
		cmocka_unit_test(switched_off_only_local_to_local_inside_passes),
		cmocka_unit_test(the_cache_does_not_confuse_names_that_share_their_bytes),
		cmocka_unit_test(a_source_that_passed_says_nothing_of_another),
		cmocka_unit_test(a_name_that_lost_its_slot_leaves_no_source_to_the_next),
		cmocka_unit_test(names_too_long_for_the_cache_are_decided_too),
		cmocka_unit_test(hits_count_the_entry_that_decided),
		cmocka_unit_test(hits_are_counted_beyond_32_bits),
		cmocka_unit_test(a_sender_alone_is_judged_as_with_anybody_it_may_send_to),
		cmocka_unit_test(warming_changes_no_verdict_and_counts_no_hit),
		cmocka_unit_test(the_pair_hash_is_of_canonical_names_in_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
