// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/relay/marks.h"
#include "lib/base/side.h"
#include "tests/unit/test.h"

#include <errno.h>

static struct marks marks_of(uint64_t key)
{
	struct marks k;

	marks_init(&k, &(struct siphash_key){key, ~key});
	return k;
}

static struct way_back way_to(const char *address)
{
	struct way_back way = {.worker = 513, .listener = 7};

	assert_int_equal(endpoint_parse(view_string(address), 5060, TRANSPORT_NONE, &way.to), 0);
	return way;
}

#define HASH   UINT64_C(0x0123456789abcdef)
#define BRANCH VIEW("z9hG4bK0123456789abcdef")

static void add_way(
	struct text *t, const struct marks *k, const struct way_back *way, enum side side)
{
	uint8_t bytes[WAY_BACK_BYTES];
	unsigned n = way_back_lay_out(way, marks_way(k, way, HASH, side), bytes);

	way_back_add(t, bytes, n);
}

static void a_way_back_survives_text_in_both_families(void **state)
{
	static const struct {
		const char *address;
		size_t n_text;
	} rows[] = {{"192.0.2.1:5060", 24}, {"255.255.255.255:65535", 24},
		{"[2001:db8::1]:5061", 40}, {"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:1", 40}};
	struct marks k = marks_of(1);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct way_back way = way_to(rows[i].address), back;
		uint8_t bytes[WAY_BACK_TEXT_BYTES];
		struct text t = text_over(bytes, sizeof(bytes));

		add_way(&t, &k, &way, SIDE_OUTSIDE);
		assert_false(t.overflow);
		assert_int_equal(text_view(&t).len, rows[i].n_text);
		assert_int_equal(way_back_parse(&k, text_view(&t), BRANCH, SIDE_OUTSIDE, &back), 0);
		assert_int_equal(back.worker, way.worker);
		assert_int_equal(back.listener, way.listener);
		assert_int_equal(back.conn, 0);
		assert_true(endpoint_equal(&back.to, &way.to));
	}
}

static void a_way_back_by_a_connection_survives_and_is_no_other_s(void **state)
{
	static const char *const addresses[] = {"192.0.2.1:5060", "[2001:db8::1]:5061"};
	static const size_t n_text[] = {36, 52};
	struct marks k = marks_of(1);

	(void)state;
	for (unsigned a = 0; a < 2; a++) {
		struct way_back way = way_to(addresses[a]), back;
		uint8_t bytes[WAY_BACK_TEXT_BYTES];
		struct text t = text_over(bytes, sizeof(bytes));

		way.conn = 0x8000000300000007;
		add_way(&t, &k, &way, SIDE_OUTSIDE);
		assert_int_equal(text_view(&t).len, n_text[a]);
		assert_int_equal(way_back_parse(&k, text_view(&t), BRANCH, SIDE_OUTSIDE, &back), 0);
		assert_true(back.conn == way.conn && endpoint_equal(&back.to, &way.to));
		for (unsigned bit = 0; bit < 8 * text_view(&t).len; bit++) {
			bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(
				way_back_parse(&k, text_view(&t), BRANCH, SIDE_OUTSIDE, &back),
				-EINVAL);
			bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

// Whatever else is in their burst.
static void ways_made_together_are_those_made_alone(void **state)
{
	struct marks k = marks_of(1);
	struct marks_via vias[MARKS_AT_ONCE], *list[MARKS_AT_ONCE];

	(void)state;
	for (unsigned mixed = 0; mixed < 1 << MARKS_AT_ONCE; mixed++) {
		for (unsigned i = 0; i < MARKS_AT_ONCE; i++) {
			vias[i] = (struct marks_via){.way = way_to("192.0.2.1:5060"),
				.branch_hash = HASH + i,
				.egress = SIDE_OUTSIDE};
			vias[i].way.conn = (mixed >> i & 1) != 0 ? 77 + i : 0;
			list[i] = &vias[i];
		}
		marks_make(&k, list, MARKS_AT_ONCE);
		for (unsigned i = 0; i < MARKS_AT_ONCE; i++) {
			uint8_t bytes[WAY_BACK_BYTES];
			uint64_t mac = marks_way(&k, &vias[i].way, HASH + i, SIDE_OUTSIDE);
			unsigned n = way_back_lay_out(&vias[i].way, mac, bytes);

			assert_int_equal(vias[i].n_way_bytes, n);
			assert_memory_equal(vias[i].way_bytes, bytes, n);
		}
	}
}

static void a_way_back_with_any_bit_flipped_is_refused(void **state)
{
	static const char *const addresses[] = {"192.0.2.1:5060", "[2001:db8::1]:5061"};
	struct marks k = marks_of(1);

	(void)state;
	for (unsigned a = 0; a < 2; a++) {
		struct way_back way = way_to(addresses[a]), back;
		uint8_t bytes[WAY_BACK_TEXT_BYTES];
		struct text t = text_over(bytes, sizeof(bytes));

		add_way(&t, &k, &way, SIDE_INSIDE);
		for (unsigned bit = 0; bit < 8 * text_view(&t).len; bit++) {
			bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(
				way_back_parse(&k, text_view(&t), BRANCH, SIDE_INSIDE, &back),
				-EINVAL);
			bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		assert_int_equal(way_back_parse(&k, text_view(&t), BRANCH, SIDE_INSIDE, &back), 0);
	}
}

static void a_way_back_belongs_to_its_branch_side_and_key(void **state)
{
	struct marks k = marks_of(1), other = marks_of(2);
	struct way_back way = way_to("192.0.2.1"), back;
	uint8_t bytes[WAY_BACK_TEXT_BYTES];
	struct text t = text_over(bytes, sizeof(bytes));
	struct view text;

	(void)state;
	add_way(&t, &k, &way, SIDE_INSIDE);
	text = text_view(&t);
	assert_int_equal(way_back_parse(&k, text, BRANCH, SIDE_INSIDE, &back), 0);
	assert_int_equal(way_back_parse(&k, text, BRANCH, SIDE_OUTSIDE, &back), -EINVAL);
	assert_int_equal(
		way_back_parse(&k, text, VIEW("z9hG4bK0123456789abcdee"), SIDE_INSIDE, &back),
		-EINVAL);
	assert_int_equal(way_back_parse(&k, text, VIEW_NONE, SIDE_INSIDE, &back), -EINVAL);
	assert_int_equal(way_back_parse(&other, text, BRANCH, SIDE_INSIDE, &back), -EINVAL);
	text.len -= 4;
	assert_int_equal(way_back_parse(&k, text, BRANCH, SIDE_INSIDE, &back), -EINVAL);
	assert_int_equal(way_back_parse(&k, VIEW_NONE, BRANCH, SIDE_INSIDE, &back), -EINVAL);
}

static void parts_of_a_branch_cannot_be_shifted_into_each_other(void **state)
{
	struct marks k = marks_of(1);

	(void)state;
	assert_true(
		marks_branch(&k, VIEW("ab"), VIEW("c")) != marks_branch(&k, VIEW("a"), VIEW("bc")));
	assert_true(marks_branch_2543(&k, VIEW("ab"), VIEW("c"), 1, VIEW("d")) !=
		marks_branch_2543(&k, VIEW("a"), VIEW("bc"), 1, VIEW("d")));
	assert_true(marks_branch_2543(&k, VIEW("a"), VIEW("b"), 1, VIEW("c")) !=
		marks_branch_2543(&k, VIEW("a"), VIEW("b"), 2, VIEW("c")));
	assert_true(
		marks_tag(&k, VIEW("ab"), VIEW("c"), 1) != marks_tag(&k, VIEW("a"), VIEW("bc"), 1));
	assert_true(marks_tag(&k, VIEW("a"), VIEW("b"), 1) !=
		marks_tag(&k, VIEW("a"), VIEW("b"), 0x10001));
}

// Short ones are hashed four at a time, long ones alone; what has no branch comes with a hash.
static void several_at_once_get_the_marks_of_each_alone(void **state)
{
	static const char text[] =
		"[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:50600z9hG4bK-0123456789";
	struct marks k = marks_of(1);

	(void)state;
	for (size_t n_branch = 0; n_branch <= 64; n_branch++) {
		for (unsigned n = 1; n <= MARKS_AT_ONCE; n++) {
			struct marks_via via[MARKS_AT_ONCE], *list[MARKS_AT_ONCE];
			uint8_t bytes[WAY_BACK_BYTES];
			unsigned n_bytes;

			for (unsigned i = 0; i < n; i++) {
				via[i] = (struct marks_via){.sent_by = view_of(text, 5 + 9 * i),
					.branch = view_of(text + 64 - n_branch, n_branch),
					.way = way_to(i % 2 ? "192.0.2.1:5060" : "[2001:db8::1]"),
					.egress = i % 2 ? SIDE_INSIDE : SIDE_OUTSIDE,
					.branch_hash = 77 + i};
				list[i] = &via[i];
			}
			marks_make(&k, list, n);
			for (unsigned i = 0; i < n; i++) {
				uint64_t hash = n_branch == 0
					? 77 + i
					: marks_branch(&k, via[i].sent_by, via[i].branch);

				assert_true(via[i].branch_hash == hash);
				n_bytes = way_back_lay_out(&via[i].way,
					marks_way(&k, &via[i].way, hash, via[i].egress), bytes);
				assert_int_equal(via[i].n_way_bytes, n_bytes);
				assert_memory_equal(via[i].way_bytes, bytes, n_bytes);
			}
		}
	}
}

static void one_purpose_s_value_is_not_another_s(void **state)
{
	struct marks k = marks_of(1);

	(void)state;
	assert_true(
		marks_branch(&k, VIEW("a"), VIEW("b")) != marks_tag(&k, VIEW("a"), VIEW("b"), 0));
}

static void every_input_of_the_loop_digest_counts(void **state)
{
	struct marks k = marks_of(1);
	const struct marks_loop base = {
		VIEW("sip:a@b"), VIEW("sip:r"), VIEW("id"), VIEW("tag"), 1, SIDE_INSIDE};
	struct marks_loop changed[6] = {base, base, base, base, base, base};

	(void)state;
	changed[0].request_uri = VIEW("sip:a@c");
	changed[1].target = VIEW_NONE;
	changed[2].call_id = VIEW("ie");
	changed[3].from_tag = VIEW("tah");
	changed[4].cseq = 0x10001;
	changed[5].side = SIDE_OUTSIDE;
	assert_true(marks_loop(&k, &base) == marks_loop(&k, &base));
	for (unsigned i = 0; i < 6; i++)
		assert_true(marks_loop(&k, &base) != marks_loop(&k, &changed[i]));
}

static void a_tag_is_known_again_and_no_other_is(void **state)
{
	struct marks k = marks_of(1);
	uint64_t hash = marks_tag(&k, VIEW("id"), VIEW("tag"), 7);
	uint8_t bytes[MARKS_TAG_BYTES];
	struct text t = text_over(bytes, sizeof(bytes));

	(void)state;
	text_add(&t, VIEW(MARKS_TAG_PREFIX));
	text_add_hex64(&t, hash);
	assert_true(marks_tag_is(text_view(&t), hash));
	assert_false(marks_tag_is(text_view(&t), hash ^ 1));
	assert_false(marks_tag_is(VIEW("fr"), hash));
	assert_false(marks_tag_is(VIEW_NONE, hash));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_way_back_survives_text_in_both_families),
		cmocka_unit_test(a_way_back_with_any_bit_flipped_is_refused),
		cmocka_unit_test(a_way_back_by_a_connection_survives_and_is_no_other_s),
		cmocka_unit_test(ways_made_together_are_those_made_alone),
		cmocka_unit_test(a_way_back_belongs_to_its_branch_side_and_key),
		cmocka_unit_test(parts_of_a_branch_cannot_be_shifted_into_each_other),
		cmocka_unit_test(several_at_once_get_the_marks_of_each_alone),
		cmocka_unit_test(one_purpose_s_value_is_not_another_s),
		cmocka_unit_test(every_input_of_the_loop_digest_counts),
		cmocka_unit_test(a_tag_is_known_again_and_no_other_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
