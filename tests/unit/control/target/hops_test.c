// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/test.h"

#include "control/target/hops.h"
#include "tests/unit/control/target/hop_image.h"

static bool has(struct hops *h, const struct image *image, const char *text, enum transport t)
{
	struct endpoint e;

	assert_int_equal(endpoint_parse(view_string(text), 5060, t, &e), 0);
	return hops_have(h, image, &e);
}

static void every_hop_is_found_and_no_other(void **state)
{
	enum { N = 3000 };
	static char text[N][32];
	static const char *list[N + 1];
	struct hops h = {0};
	struct hop_image image;

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		snprintf(text[i], sizeof(text[i]), "10.1.%u.%u:%u", i / 250, i % 250, 5060 + i % 3);
		list[i] = text[i];
	}
	hop_image_open(&image, 1, list);
	for (unsigned i = 0; i < N; i++) {
		char other[32];

		assert_true(has(&h, image.image, text[i], TRANSPORT_TCP));
		assert_false(has(&h, image.image, text[i], TRANSPORT_UDP));
		snprintf(other, sizeof(other), "10.1.%u.%u:%u", i / 250, i % 250, 5064 + i % 3);
		assert_false(has(&h, image.image, other, TRANSPORT_TCP));
	}
	hop_image_close(&image);
	hops_fini(&h);
}

static void another_image_has_its_own_hops(void **state)
{
	static const char *const one[] = {"10.0.0.1", "[fd00::1]", NULL};
	static const char *const two[] = {"10.0.0.2", NULL};
	struct hop_image a, b;
	struct hops h = {0};

	(void)state;
	hop_image_open(&a, 7, one);
	// The same number: only what is in it tells them apart.
	hop_image_open(&b, 7, two);
	assert_true(has(&h, a.image, "[fd00::1]", TRANSPORT_TCP));
	assert_true(has(&h, b.image, "10.0.0.2", TRANSPORT_TCP));
	assert_false(has(&h, b.image, "10.0.0.1", TRANSPORT_TCP));
	assert_true(has(&h, a.image, "10.0.0.1", TRANSPORT_TCP));
	assert_false(has(&h, NULL, "10.0.0.1", TRANSPORT_TCP));
	hop_image_close(&a);
	hop_image_close(&b);
	hops_fini(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_hop_is_found_and_no_other),
		cmocka_unit_test(another_image_has_its_own_hops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
