// SPDX-License-Identifier: BSD-3-Clause
// The rows of semantics.def, from the builder's calls to the verdict.

#include "tests/unit/policy/fixture.h"

#include <errno.h>

#define SOURCE 1
#define ANY    UINT32_MAX
#define NOBODY UINT32_MAX

enum peer_id {
#define PEER(id, hop, source) id,
#include "tests/unit/policy/semantics.def"
#undef PEER
	N_PEERS,
};

static const struct judge {
	const char *what;
	struct view from, to;
	enum side side;
	const char *source;
	enum reason reason;
	uint32_t from_kind, from_line, to_kind, to_line, peer;
} judges[] = {
#define JUDGE(what, from, to, side, source, reason, fk, fl, tk, tl, peer) \
	{what, VIEW(from), VIEW(to), side, source, REASON_##reason, fk, fl, tk, tl, peer},
#include "tests/unit/policy/semantics.def"
#undef JUDGE
};
#define N_JUDGES (sizeof(judges) / sizeof(judges[0]))

static const struct prove {
	const char *what;
	struct view from, to;
	enum side side;
	const char *names[2];
	bool trusted;
	uint8_t print;
	enum reason reason;
} proves[] = {
#define PROVE(what, from, to, side, name, name2, trusted, print, reason) \
	{what, VIEW(from), VIEW(to), side, {name, name2}, trusted, print, REASON_##reason},
#include "tests/unit/policy/semantics.def"
#undef PROVE
};
#define N_PROVES (sizeof(proves) / sizeof(proves[0]))

static const struct view invalid_names[] = {
#define INVALID(name) VIEW(name),
#include "tests/unit/policy/semantics.def"
#undef INVALID
};
#define N_INVALID (sizeof(invalid_names) / sizeof(invalid_names[0]))

static void set_host(struct builder *b, uint32_t peer, const char *name)
{
	struct domain host;

	assert_int_equal(domain_canonical(view_string(name), &host), 0);
	assert_int_equal(builder_set_hosts(b, peer, &host, 1), 0);
}

static void set_print(struct builder *b, uint32_t peer, int byte)
{
	uint8_t print[1][IMAGE_FINGERPRINT_BYTES];

	memset(print, byte, sizeof(print));
	assert_int_equal(builder_set_fingerprints(
				 b, peer, (const uint8_t(*)[IMAGE_FINGERPRINT_BYTES])print, 1),
		0);
}

static struct builder *build(uint32_t flags)
{
	struct builder_settings settings = {.flags = flags, .body_bytes_max = 1000};
	struct builder *b;
	char error[PATTERN_ERROR_BYTES] = "";

	for (size_t i = 0; i < sizeof(settings.relay_key); i++)
		settings.relay_key[i] = (uint8_t)i;
	b = builder_new(&settings);
	assert_non_null(b);
	assert_int_equal(builder_add_source(b, VIEW("other")), 0);
	assert_int_equal(builder_add_source(b, VIEW("rows")), SOURCE);
#define PEER(id, hop, source) \
	assert_int_equal(fixture_add_peer(b, hop, source, IMAGE_RULE(SOURCE, 1 + id)), id);
#include "tests/unit/policy/semantics.def"
#undef PEER
#define HOST(peer, name)  set_host(b, peer, name);
#define PRINT(peer, byte) set_print(b, peer, byte);
#include "tests/unit/policy/semantics.def"
#undef HOST
#undef PRINT
#define NAME(line, list, name, peer) \
	fixture_add_name(b, VIEW(name), list, peer, IMAGE_RULE(SOURCE, line));
#include "tests/unit/policy/semantics.def"
#undef NAME
#define WILDCARD(line, list, text, peer)                                                           \
	if (builder_add_wildcard(b, VIEW(text), list, peer, IMAGE_RULE(SOURCE, line), error) != 0) \
		fail_msg("%s: %s", text, error);
#include "tests/unit/policy/semantics.def"
#undef WILDCARD
#define REGEX(line, list, text, peer)                                                           \
	if (builder_add_regex(b, VIEW(text), list, peer, IMAGE_RULE(SOURCE, line), error) != 0) \
		fail_msg("%s: %s", text, error);
#include "tests/unit/policy/semantics.def"
#undef REGEX
	return b;
}

static void setup(struct fixture *f, uint32_t flags, size_t cache_slots)
{
	struct builder *b = build(flags);

	fixture_init(f, b, cache_slots);
	builder_free(b);
}

static struct policy_query query_of(const struct judge *j)
{
	struct policy_query query = {.from = j->from, .to = j->to, .side = (uint8_t)j->side};

	if (j->source[0] != '\0')
		assert_int_equal(ip_parse(view_string(j->source), &query.source), 0);
	return query;
}

static bool match_is(const struct match *m, uint32_t kind, uint32_t line)
{
	if (kind == ANY)
		return true;
	if (m->kind != kind)
		return false;
	if (kind == MATCH_NONE)
		return m->entry == IMAGE_ENTRY_NONE && m->peer == IMAGE_PEER_NONE &&
			m->rule == IMAGE_RULE_NONE;
	return m->rule == IMAGE_RULE(SOURCE, line);
}

// The entry that decided: what blocks, or one of the two that allow.
static bool rule_is_right(const struct judge *j, const struct verdict *v)
{
	switch ((int)j->reason) {
	case REASON_from_blocked:
		return v->rule == IMAGE_RULE(SOURCE, j->from_line);
	case REASON_to_blocked:
		return v->rule == IMAGE_RULE(SOURCE, j->to_line);
	case REASON_from_unlisted:
	case REASON_to_unlisted:
		return v->rule == IMAGE_RULE_NONE;
	default:
		return v->rule == v->from.rule || v->rule == v->to.rule;
	}
}

static unsigned check(const struct judge *j, const struct verdict *v)
{
	bool allowed = j->peer != NOBODY;
	bool right;

	right = v->allowed == allowed && v->reason == (uint16_t)j->reason && v->generation == 7 &&
		match_is(&v->from, j->from_kind, j->from_line) &&
		match_is(&v->to, j->to_kind, j->to_line) && rule_is_right(j, v);
	if (right && allowed)
		right = v->peer == j->peer &&
			v->egress == (v->to.list == IMAGE_LOCAL ? SIDE_INSIDE : SIDE_OUTSIDE);
	if (!right)
		print_error("not so: %s\n  %s, allowed %d, rule %x, from kind %u rule %x, "
			    "to kind %u rule %x, peer %u\n",
			j->what, reason_name(v->reason), v->allowed, v->rule, v->from.kind,
			v->from.rule, v->to.kind, v->to.rule, v->peer);
	return right ? 0 : 1;
}

static unsigned check_one_by_one(struct decider *d)
{
	unsigned n_wrong = 0;

	for (size_t i = 0; i < N_JUDGES; i++) {
		struct policy_query query = query_of(&judges[i]);
		struct verdict verdict;

		policy_decide(d, &query, &verdict, 1);
		n_wrong += check(&judges[i], &verdict);
	}
	return n_wrong;
}

static void every_row_holds(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, IMAGE_FEDERATION_ON | IMAGE_SIP_ON, 0);
	assert_int_equal(check_one_by_one(f.decider), 0);
	fixture_fini(&f);
}

static void every_row_holds_again_out_of_the_cache(void **state)
{
	// Two slots: most rows push each other out, and return.
	static const size_t cache_slots[] = {2, 4096};

	(void)state;
	for (size_t i = 0; i < sizeof(cache_slots) / sizeof(cache_slots[0]); i++) {
		struct fixture f;

		setup(&f, IMAGE_FEDERATION_ON | IMAGE_SIP_ON, cache_slots[i]);
		for (int turn = 0; turn < 3; turn++)
			assert_int_equal(check_one_by_one(f.decider), 0);
		fixture_fini(&f);
	}
}

static void a_burst_judges_as_single_queries_do(void **state)
{
	struct policy_query query[64];
	struct verdict verdict[64];
	struct fixture f;
	unsigned n_wrong = 0;

	(void)state;
	setup(&f, IMAGE_FEDERATION_ON | IMAGE_SIP_ON, 64);
	for (size_t first = 0; first < N_JUDGES; first++) {
		unsigned n = 1 + (unsigned)(first * 7 % 64);

		for (unsigned i = 0; i < n; i++)
			query[i] = query_of(&judges[(first + i) % N_JUDGES]);
		policy_decide(f.decider, query, verdict, n);
		for (unsigned i = 0; i < n; i++)
			n_wrong += check(&judges[(first + i) % N_JUDGES], &verdict[i]);
	}
	assert_int_equal(n_wrong, 0);
	fixture_fini(&f);
}

static struct card card_of(const struct prove *p)
{
	uint8_t print[CARD_FINGERPRINT_BYTES];
	struct card card;

	memset(print, p->print, sizeof(print));
	card_init(&card, print, VIEW("CN=x"), VIEW("CN=y"), VIEW("01"));
	card.trusted = p->trusted;
	for (unsigned i = 0; i < 2; i++) {
		if (p->names[i][0] != '\0')
			assert_int_equal(
				card_add_name(&card, view_string(p->names[i]), CARD_SAN_DNS), 0);
	}
	assert_null(card_check(&card));
	return card;
}

// The source address is of nobody: with a card it is not asked for.
static unsigned check_proofs(struct decider *d)
{
	unsigned n_wrong = 0;

	for (size_t i = 0; i < N_PROVES; i++) {
		const struct prove *p = &proves[i];
		struct card card = card_of(p);
		struct policy_query query = {
			.from = p->from, .to = p->to, .side = (uint8_t)p->side, .card = &card};
		struct verdict v;

		assert_int_equal(ip_parse(VIEW("203.0.113.1"), &query.source), 0);
		policy_decide(d, &query, &v, 1);
		if (v.reason == (uint16_t)p->reason &&
			v.allowed == (p->reason == REASON_allowed_partner))
			continue;
		print_error("not so: %s\n  %s\n", p->what, reason_name(v.reason));
		n_wrong++;
	}
	return n_wrong;
}

static void every_row_of_proofs_holds_with_any_cache(void **state)
{
	static const size_t cache_slots[] = {0, 2, 4096};

	(void)state;
	for (size_t i = 0; i < sizeof(cache_slots) / sizeof(cache_slots[0]); i++) {
		struct fixture f;

		setup(&f, IMAGE_FEDERATION_ON | IMAGE_SIP_ON, cache_slots[i]);
		for (int turn = 0; turn < 3; turn++) {
			assert_int_equal(check_proofs(f.decider), 0);
			// What was judged by a card is not judged by it without one.
			assert_int_equal(check_one_by_one(f.decider), 0);
		}
		fixture_fini(&f);
	}
}

static void what_is_no_name_is_invalid_on_either_side(void **state)
{
	struct fixture f;
	unsigned n_wrong = 0;

	(void)state;
	setup(&f, IMAGE_FEDERATION_ON | IMAGE_SIP_ON, 64);
	for (size_t i = 0; i < N_INVALID; i++) {
		struct view name = invalid_names[i];
		const struct policy_query query[] = {
			{.from = name, .to = VIEW("contoso.com"), .side = SIDE_OUTSIDE},
			{.from = VIEW("contoso.com"), .to = name, .side = SIDE_INSIDE},
		};
		struct verdict verdict[2];
		struct match match;

		policy_decide(f.decider, query, verdict, 2);
		for (int side = 0; side < 2; side++) {
			if (verdict[side].allowed ||
				verdict[side].reason != REASON_domain_invalid) {
				print_error("\"%.*s\" is a name: %s\n", (int)name.len,
					(const char *)name.at, reason_name(verdict[side].reason));
				n_wrong++;
			}
		}
		assert_false(policy_blocks(f.decider, name, &match));
	}
	assert_int_equal(n_wrong, 0);
	fixture_fini(&f);
}

static void a_missing_name_is_named_as_missing(void **state)
{
	const struct policy_query query[] = {
		{.to = VIEW("contoso.com"), .side = SIDE_OUTSIDE},
		{.from = VIEW("fabrikam.com"), .side = SIDE_OUTSIDE},
	};
	struct verdict verdict[2];
	struct fixture f;

	(void)state;
	setup(&f, IMAGE_FEDERATION_ON | IMAGE_SIP_ON, 64);
	policy_decide(f.decider, query, verdict, 2);
	assert_false(verdict[0].allowed);
	assert_int_equal(verdict[0].reason, REASON_from_no_domain);
	assert_false(verdict[1].allowed);
	assert_int_equal(verdict[1].reason, REASON_to_no_domain);
	fixture_fini(&f);
}

static void the_longest_name_is_judged_and_a_longer_one_is_not(void **state)
{
	struct policy_query query = {.to = VIEW("contoso.com"), .side = SIDE_OUTSIDE};
	struct verdict verdict;
	struct fixture f;
	char name[300];

	(void)state;
	setup(&f, IMAGE_FEDERATION_ON | IMAGE_SIP_ON, 64);
	// 253 letters and dots, the most that DNS carries (RFC 1035 §2.3.4), below fabrikam.com.
	memset(name, 'a', sizeof(name));
	for (size_t i = 60; i < 240; i += 60)
		name[i] = '.';
	memcpy(name + 253 - 13, ".fabrikam.com", 13);
	query.from = view_of(name, 253);
	policy_decide(f.decider, &query, &verdict, 1);
	assert_true(verdict.allowed);
	memset(name + 240, 'a', 20);
	memcpy(name + 260 - 13, ".fabrikam.com", 13);
	query.from = view_of(name, 260);
	policy_decide(f.decider, &query, &verdict, 1);
	assert_int_equal(verdict.reason, REASON_domain_invalid);
	fixture_fini(&f);
}

static void a_switch_turns_federation_off_and_leaves_local_traffic(void **state)
{
	static const struct {
		uint32_t flags;
		enum reason reason;
	} rows[] = {
		{0, REASON_federation_off},
		{IMAGE_SIP_ON, REASON_federation_off},
		{IMAGE_FEDERATION_ON, REASON_sip_off},
	};
	const struct policy_query query[] = {
		{.from = VIEW("fabrikam.com"), .to = VIEW("contoso.com"), .side = SIDE_OUTSIDE},
		{.from = VIEW("contoso.com"), .to = VIEW("fabrikam.com"), .side = SIDE_INSIDE},
		{.from = VIEW("contoso.com"), .to = VIEW("lab.contoso.com"), .side = SIDE_INSIDE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct verdict verdict[3];
		struct fixture f;

		setup(&f, rows[i].flags, 64);
		policy_decide(f.decider, query, verdict, 3);
		for (int q = 0; q < 2; q++) {
			assert_false(verdict[q].allowed);
			assert_int_equal(verdict[q].reason, rows[i].reason);
		}
		assert_true(verdict[2].allowed);
		assert_int_equal(verdict[2].reason, REASON_allowed_local);
		fixture_fini(&f);
	}
}

static void only_blocked_names_are_blocks(void **state)
{
	static const struct {
		const char *name;
		bool blocked;
		uint32_t line;
	} rows[] = {
		{"evil.com", true, 30},
		{"a.EVIL.com.", true, 30},
		{"island.evil.com", false, 24},
		{"x.bad.fabrikam.com", true, 31},
		{"a.spam-7.example", true, 40},
		{"fabrikam.com", false, 20},
		{"contoso.com", false, 10},
		{"stranger.example", false, 0},
	};
	struct fixture f;

	(void)state;
	setup(&f, IMAGE_FEDERATION_ON | IMAGE_SIP_ON, 64);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct match match;

		assert_int_equal(policy_blocks(f.decider, view_string(rows[i].name), &match),
			rows[i].blocked);
		if (rows[i].blocked)
			assert_int_equal(match.rule, IMAGE_RULE(SOURCE, rows[i].line));
	}
	fixture_fini(&f);
}

static void the_entry_that_decides_is_counted_each_time(void **state)
{
	const struct policy_query query = {
		.from = VIEW("evil.com"), .to = VIEW("contoso.com"), .side = SIDE_OUTSIDE};
	struct verdict verdict;
	struct fixture f;
	const uint64_t *hits;
	size_t n;

	(void)state;
	setup(&f, IMAGE_FEDERATION_ON | IMAGE_SIP_ON, 64);
	for (uint32_t times = 1; times <= 5; times++) {
		policy_decide(f.decider, &query, &verdict, 1);
		hits = decider_hits(f.decider, &n);
		assert_int_equal(n, image_info(f.image)->n_names + image_info(f.image)->n_patterns);
		assert_in_range(verdict.from.entry, 0, n - 1);
		assert_int_equal(hits[verdict.from.entry], times);
	}
	fixture_fini(&f);
}

static void equal_pairs_have_equal_hashes_in_any_spelling(void **state)
{
	const struct policy_query query[] = {
		{.from = VIEW("fabrikam.com"), .to = VIEW("bücher.example"), .side = SIDE_OUTSIDE},
		{.from = VIEW("FABRIKAM.COM."),
			.to = VIEW("xn--bcher-kva.example"),
			.side = SIDE_OUTSIDE},
		{.from = VIEW("a.fabrikam.com"),
			.to = VIEW("bücher.example"),
			.side = SIDE_OUTSIDE},
		{.from = VIEW("fabrikam.com"),
			.to = VIEW("a.bücher.example"),
			.side = SIDE_OUTSIDE},
	};
	struct verdict verdict[4];
	struct fixture f;

	(void)state;
	setup(&f, IMAGE_FEDERATION_ON | IMAGE_SIP_ON, 64);
	policy_decide(f.decider, query, verdict, 4);
	assert_int_equal(verdict[0].pair_hash, verdict[1].pair_hash);
	assert_int_not_equal(verdict[0].pair_hash, verdict[2].pair_hash);
	assert_int_not_equal(verdict[0].pair_hash, verdict[3].pair_hash);
	fixture_fini(&f);
}

static void the_same_name_on_two_lists_is_refused_in_any_spelling(void **state)
{
	static const struct {
		struct view name;
		uint32_t line;
		enum image_list list;
	} rows[] = {
		{VIEW("evil.com"), 30, IMAGE_BLOCK},
		{VIEW("EVIL.COM."), 30, IMAGE_BLOCK},
		{VIEW("xn--bcher-kva.example"), 12, IMAGE_LOCAL},
		{VIEW("BÜCHER.example"), 12, IMAGE_LOCAL},
		{VIEW("MÜNCHEN.example"), 22, IMAGE_ALLOW},
	};
	struct builder *b = build(IMAGE_FEDERATION_ON);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (enum image_list list = IMAGE_LOCAL; list <= IMAGE_BLOCK; list++) {
			enum image_list other_list = IMAGE_LOCAL;
			image_rule_id other = 0;
			struct domain name;

			assert_int_equal(domain_canonical(rows[i].name, &name), 0);
			assert_int_equal(builder_add_name(b, &name, list,
						 list == IMAGE_BLOCK ? IMAGE_PEER_NONE : HOME,
						 IMAGE_RULE(SOURCE, 99), &other_list, &other),
				-EEXIST);
			assert_int_equal(other, IMAGE_RULE(SOURCE, rows[i].line));
			assert_int_equal(other_list, rows[i].list);
		}
	}
	builder_free(b);
}

static void an_empty_policy_lists_nobody(void **state)
{
	struct builder_settings settings = {
		.flags = IMAGE_FEDERATION_ON | IMAGE_SIP_ON, .body_bytes_max = 1000};
	const struct policy_query query = {
		.from = VIEW("fabrikam.com"), .to = VIEW("contoso.com"), .side = SIDE_OUTSIDE};
	struct builder *b = builder_new(&settings);
	struct verdict verdict;
	struct fixture f;

	(void)state;
	assert_non_null(b);
	fixture_init(&f, b, 0);
	builder_free(b);
	policy_decide(f.decider, &query, &verdict, 1);
	assert_int_equal(verdict.reason, REASON_from_unlisted);
	fixture_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_holds),
		cmocka_unit_test(every_row_holds_again_out_of_the_cache),
		cmocka_unit_test(a_burst_judges_as_single_queries_do),
		cmocka_unit_test(every_row_of_proofs_holds_with_any_cache),
		cmocka_unit_test(what_is_no_name_is_invalid_on_either_side),
		cmocka_unit_test(a_missing_name_is_named_as_missing),
		cmocka_unit_test(the_longest_name_is_judged_and_a_longer_one_is_not),
		cmocka_unit_test(a_switch_turns_federation_off_and_leaves_local_traffic),
		cmocka_unit_test(only_blocked_names_are_blocks),
		cmocka_unit_test(the_entry_that_decides_is_counted_each_time),
		cmocka_unit_test(equal_pairs_have_equal_hashes_in_any_spelling),
		cmocka_unit_test(the_same_name_on_two_lists_is_refused_in_any_spelling),
		cmocka_unit_test(an_empty_policy_lists_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
