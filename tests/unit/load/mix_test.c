// SPDX-License-Identifier: BSD-3-Clause

#include "tests/load/mix.h"
#include "tests/unit/test.h"

static void count(const struct mix *m, uint64_t from, unsigned n, unsigned out[MIX_KIND_N])
{
	memset(out, 0, MIX_KIND_N * sizeof(out[0]));
	for (uint64_t i = from; i < from + n; i++)
		out[mix_at(m, i).kind]++;
}

static void a_cycle_is_a_quarter_of_a_users_day(void **state)
{
	struct mix m;
	unsigned n[MIX_KIND_N];

	(void)state;
	mix_init(&m, MIX_FEDERATION, MIX_DOCUMENT_BYTES_MAX);
	count(&m, 0, MIX_CYCLE, n);
	assert_int_equal(n[MIX_IM] * 4, 6 * 10);           // conversations, messages of each
	assert_int_equal(n[MIX_TYPING], 2 * n[MIX_IM]);    // INFO
	assert_int_equal(n[MIX_SUBSCRIBE] * 4, 40);        // dialogs at log-on
	assert_int_equal(n[MIX_DOCUMENT] * 4, 40 + 4 * 8); // one each, and four an hour
}

static void documents_are_of_4_kb_in_the_mean_and_25_kb_at_most(void **state)
{
	uint64_t n = 0, n_bytes = 0;
	uint32_t longest = 0;
	struct mix m;

	(void)state;
	mix_init(&m, MIX_FEDERATION, MIX_DOCUMENT_BYTES_MAX);
	for (uint64_t i = 0; i < MIX_CYCLE * 16; i++) {
		struct mix_request r = mix_at(&m, i);

		if (r.kind != MIX_DOCUMENT)
			continue;
		n++;
		n_bytes += r.document_bytes;
		if (r.document_bytes > longest)
			longest = r.document_bytes;
	}
	assert_int_equal(n_bytes, n * 4096);
	assert_int_equal(longest, 25 * 1024);
}

static void a_document_is_cut_where_it_does_not_fit(void **state)
{
	struct mix m;

	(void)state;
	mix_init(&m, MIX_FEDERATION, 800);
	for (uint64_t i = 0; i < MIX_CYCLE * 16; i++)
		assert_in_range(mix_at(&m, i).document_bytes, 0, 800);
}

static void an_im_is_two_infos_and_a_message_between_the_same_users(void **state)
{
	struct mix m;

	(void)state;
	mix_init(&m, MIX_IMS, 0);
	for (uint64_t i = 0; i < 300; i += 3) {
		assert_int_equal(mix_at(&m, i).kind, MIX_TYPING);
		assert_int_equal(mix_at(&m, i + 1).kind, MIX_TYPING);
		assert_int_equal(mix_at(&m, i + 2).kind, MIX_IM);
		assert_int_equal(mix_at(&m, i).conversation, mix_at(&m, i + 2).conversation);
		assert_int_not_equal(mix_at(&m, i).conversation, mix_at(&m, i + 3).conversation);
	}
}

static void twelve_thousand_users_make_a_hundred_and_twenty_requests_a_second(void **state)
{
	struct mix m;

	(void)state;
	mix_init(&m, MIX_FEDERATION, MIX_DOCUMENT_BYTES_MAX);
	assert_in_range((unsigned)mix_users(&m, 121.667), 11999, 12001);
	mix_init(&m, MIX_MESSAGE, 0);
	assert_true(mix_users(&m, 1000) == 0);
}

static void names_are_found_and_others_are_not(void **state)
{
	enum mix_name name;

	(void)state;
	for (unsigned i = 0; i < MIX_N; i++) {
		assert_int_equal(mix_find(mix_text((enum mix_name)i), &name), 0);
		assert_int_equal(name, i);
	}
	assert_true(mix_find("ims ", &name) < 0);
	assert_true(mix_find("", &name) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cycle_is_a_quarter_of_a_users_day),
		cmocka_unit_test(documents_are_of_4_kb_in_the_mean_and_25_kb_at_most),
		cmocka_unit_test(a_document_is_cut_where_it_does_not_fit),
		cmocka_unit_test(an_im_is_two_infos_and_a_message_between_the_same_users),
		cmocka_unit_test(twelve_thousand_users_make_a_hundred_and_twenty_requests_a_second),
		cmocka_unit_test(names_are_found_and_others_are_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
