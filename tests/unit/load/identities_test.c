// SPDX-License-Identifier: BSD-3-Clause

#include "tests/load/identities.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/fedload-test.XXXXXX";
static char certificate[64], key[64];

static int set_up(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(certificate, sizeof(certificate), "%s/ca.pem", folder);
	snprintf(key, sizeof(key), "%s/ca.key", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(certificate);
	unlink(key);
	return rmdir(folder);
}

static struct identities *make(uint32_t n, const char *trust, struct errors *errors)
{
	errors_init(errors, "test");
	return identities_new(&(struct identities_config){.folder = folder,
				      .trust = trust,
				      .domain = "fabrikam.example",
				      .n_partners = n},
		errors);
}

static void expect_named(const struct identities *i, uint32_t partner, const char *name)
{
	struct identity identity = identities_find(i, partner);
	const struct card *card = tls_context_certificate(identity.context, identity.certificate);

	assert_non_null(card);
	assert_true(card_names(card, view_string(name)));
	assert_int_equal(card->n_names, 1);
}

static void every_partner_has_a_certificate_of_its_own_domain(void **state)
{
	struct errors errors;
	struct identities *i = make(600, NULL, &errors);

	(void)state;
	assert_non_null(i);
	assert_int_equal(identities_count(i), 600);
	expect_named(i, 0, "d00000.fabrikam.example");
	expect_named(i, 255, "d00255.fabrikam.example");
	expect_named(i, 256, "d00256.fabrikam.example");
	expect_named(i, 599, "d00599.fabrikam.example");
	// Connections beyond the partners are theirs again.
	expect_named(i, 601, "d00001.fabrikam.example");
	identities_free(i);
}

static void one_partner_is_the_domain_itself(void **state)
{
	struct errors errors;
	struct identities *i = make(1, NULL, &errors);

	(void)state;
	assert_non_null(i);
	expect_named(i, 0, "fabrikam.example");
	expect_named(i, 7, "fabrikam.example");
	identities_free(i);
}

static void a_ca_is_made_once_and_its_key_is_nobody_elses(void **state)
{
	struct stat before, after;
	struct errors errors;

	(void)state;
	identities_free(make(1, NULL, &errors));
	assert_int_equal(stat(key, &before), 0);
	assert_int_equal(before.st_mode & 0777, 0600);
	identities_free(make(1, NULL, &errors));
	assert_int_equal(stat(key, &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
	assert_int_equal(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
}

static void what_cannot_be_used_is_named(void **state)
{
	struct errors errors;

	(void)state;
	assert_null(make(1, "/nowhere/roots.pem", &errors));
	assert_non_null(strstr(errors.text[0], "/nowhere/roots.pem"));
	// A certificate without its key is not replaced.
	assert_int_equal(truncate(key, 0), 0);
	assert_null(make(1, NULL, &errors));
	assert_non_null(strstr(errors.text[0], "ca.key"));
	assert_int_equal(unlink(key), 0);
	assert_null(make(1, NULL, &errors));
	assert_non_null(strstr(errors.text[0], "ca.key"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_partner_has_a_certificate_of_its_own_domain),
		cmocka_unit_test(one_partner_is_the_domain_itself),
		cmocka_unit_test(a_ca_is_made_once_and_its_key_is_nobody_elses),
		cmocka_unit_test(what_cannot_be_used_is_named),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
