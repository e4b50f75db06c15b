// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/test.h"

#include "tests/unit/control/target/hop_image.h"

static bool has(const struct image *image, const char *text, enum transport t)
{
	struct endpoint e;

	assert_int_equal(endpoint_parse(view_string(text), 5060, t, &e), 0);
	return image_has_hop(image, &e);
}

static void every_hop_is_found_and_no_other(void **state)
{
	enum { N = 3000 };
	static char text[N][32];
	static const char *list[N + 1];
	struct hop_image image;

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		snprintf(text[i], sizeof(text[i]), "10.1.%u.%u:%u", i / 250, i % 250, 5060 + i % 3);
		list[i] = text[i];
	}
	hop_image_open(&image, 1, list);
	for (unsigned i = 0; i < N; i++) {
		char other[32];

		assert_true(has(image.image, text[i], TRANSPORT_TCP));
		assert_false(has(image.image, text[i], TRANSPORT_UDP));
		snprintf(other, sizeof(other), "10.1.%u.%u:%u", i / 250, i % 250, 5064 + i % 3);
		assert_false(has(image.image, other, TRANSPORT_TCP));
	}
	hop_image_close(&image);
}

static void families_do_not_mix_and_an_image_may_have_one_hop_twice_or_none(void **state)
{
	static const char *const some[] = {"[fd00::1]", "10.0.0.1", "10.0.0.1", NULL};
	static const char *const none[] = {NULL};
	struct hop_image a, b;

	(void)state;
	hop_image_open(&a, 7, some);
	hop_image_open(&b, 8, none);
	assert_true(has(a.image, "[fd00::1]", TRANSPORT_TCP));
	assert_true(has(a.image, "10.0.0.1", TRANSPORT_TCP));
	// The same bytes as 10.0.0.1's.
	assert_false(has(a.image, "[0a00:1::]", TRANSPORT_TCP));
	assert_false(has(b.image, "10.0.0.1", TRANSPORT_TCP));
	hop_image_close(&a);
	hop_image_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_hop_is_found_and_no_other),
		cmocka_unit_test(families_do_not_mix_and_an_image_may_have_one_hop_twice_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
