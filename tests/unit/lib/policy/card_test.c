// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/test.h"

#include "lib/policy/card.h"

#include <errno.h>

static const uint8_t fingerprint[CARD_FINGERPRINT_BYTES] = {1, 2, 3};

static struct card fabrikam(void)
{
	struct card c;

	card_init(&c, fingerprint, VIEW("CN=fabrikam.example"), VIEW("CN=Test CA"), VIEW("0A1b"));
	c.trusted = 1;
	assert_int_equal(card_add_name(&c, VIEW("Fabrikam.Example"), CARD_SAN_URI), 0);
	assert_int_equal(card_add_name(&c,
				 VIEW("b\xc3\xbc"
				      "cher.example."),
				 CARD_SAN_DNS),
		0);
	return c;
}

static void assert_text(const struct card *c, struct card_text text, const char *expected)
{
	struct view v = card_view(c, text);

	assert_int_equal(v.len, strlen(expected));
	assert_memory_equal(v.at, expected, v.len);
}

static void a_card_says_what_it_was_made_of(void **state)
{
	struct card c = fabrikam();

	(void)state;
	assert_null(card_check(&c));
	assert_text(&c, c.subject, "CN=fabrikam.example");
	assert_text(&c, c.issuer, "CN=Test CA");
	assert_text(&c, c.serial, "0a1b");
	assert_int_equal(c.n_names, 2);
	assert_text(&c, c.names[0], "fabrikam.example");
	assert_text(&c, c.names[1], "xn--bcher-kva.example");
	assert_int_equal(c.proofs[0], CARD_SAN_URI);
	assert_int_equal(c.proofs[1], CARD_SAN_DNS);
}

static void the_same_parts_make_the_same_bytes(void **state)
{
	struct card a = fabrikam(), b = fabrikam();

	(void)state;
	assert_memory_equal(&a, &b, sizeof(a));
}

static void a_whole_name_is_proved_and_neither_its_parents_nor_its_children(void **state)
{
	struct card c = fabrikam();

	(void)state;
	assert_true(card_proves(&c, VIEW("fabrikam.example")));
	assert_true(card_names(&c, VIEW("xn--bcher-kva.example")));
	assert_false(card_proves(&c, VIEW("example")));
	assert_false(card_proves(&c, VIEW("sip.fabrikam.example")));
	assert_false(card_proves(&c, VIEW("brikam.example")));
	assert_false(card_proves(&c, VIEW("")));
}

static void a_dns_name_beside_a_sip_uri_is_a_host_and_no_domain(void **state)
{
	struct card c;

	(void)state;
	card_init(&c, fingerprint, VIEW("CN=a"), VIEW("CN=b"), VIEW("01"));
	assert_int_equal(card_add_name(&c, VIEW("sip.a.example"), CARD_SAN_DNS), 0);
	assert_true(card_proves(&c, VIEW("sip.a.example")));
	assert_int_equal(card_add_name(&c, VIEW("a.example"), CARD_SAN_URI), 0);
	assert_int_equal(card_add_name(&c, VIEW("dialled.example"), CARD_DIALBACK), 0);
	assert_true(card_proves(&c, VIEW("a.example")));
	assert_true(card_proves(&c, VIEW("dialled.example")));
	assert_false(card_proves(&c, VIEW("sip.a.example")));
	assert_true(card_names(&c, VIEW("sip.a.example")));
	assert_false(card_name_is_domain(&c, 0));
	assert_true(card_name_is_domain(&c, 1));
	assert_false(card_names(&c, VIEW("b.example")));
}

static void a_name_that_is_there_keeps_its_proof(void **state)
{
	struct card c = fabrikam();

	(void)state;
	assert_int_equal(card_add_name(&c, VIEW("FABRIKAM.example"), CARD_CN), 0);
	assert_int_equal(c.n_names, 2);
	assert_int_equal(c.proofs[0], CARD_SAN_URI);
}

static void what_is_no_domain_or_no_proof_is_not_added(void **state)
{
	struct card c = fabrikam(), before = c, bare;

	(void)state;
	assert_int_equal(card_add_name(&c, VIEW("*.example"), CARD_SAN_DNS), -EINVAL);
	assert_int_equal(card_add_name(&c, VIEW("192.0.2.1"), CARD_SAN_DNS), -EINVAL);
	assert_int_equal(card_add_name(&c, VIEW("a.example"), CARD_PROOF_NONE), -EINVAL);
	assert_int_equal(card_add_name(&c, VIEW("a.example"), CARD_PROOF_N), -EINVAL);
	assert_memory_equal(&c, &before, sizeof(c));
	// Dialback alone needs no certificate.
	card_init(&bare, NULL, VIEW_NONE, VIEW_NONE, VIEW_NONE);
	assert_int_equal(card_add_name(&bare, VIEW("a.example"), CARD_SAN_DNS), -EINVAL);
	assert_int_equal(card_add_name(&bare, VIEW("a.example"), CARD_DIALBACK), 0);
	assert_null(card_check(&bare));
}

static void names_are_added_until_the_card_is_full(void **state)
{
	struct card c = fabrikam();
	char name[253];

	(void)state;
	for (unsigned i = 2; i < CARD_NAMES_MAX; i++) {
		char text[16];

		snprintf(text, sizeof(text), "n%u.example", i);
		assert_int_equal(card_add_name(&c, view_string(text), CARD_SAN_DNS), 0);
	}
	assert_int_equal(c.n_left_out, 0);
	assert_int_equal(card_add_name(&c, VIEW("more.example"), CARD_SAN_DNS), -ENOSPC);
	assert_int_equal(c.n_left_out, 1);
	assert_null(card_check(&c));
	for (unsigned i = 0; i < 300; i++)
		(void)card_add_name(&c, VIEW("more.example"), CARD_SAN_DNS);
	assert_int_equal(c.n_left_out, UINT8_MAX);
	c = fabrikam();
	memset(name, 'x', sizeof(name));
	for (unsigned i = 50; i < sizeof(name); i += 50)
		name[i] = '.';
	for (unsigned i = 0; i < 2; i++) {
		name[0] = (char)('0' + i);
		assert_int_equal(card_add_name(&c, view_of(name, 253), CARD_SAN_DNS), 0);
	}
	name[0] = 'z';
	assert_int_equal(card_add_name(&c, view_of(name, 253), CARD_SAN_DNS), -ENOSPC);
	assert_null(card_check(&c));
}

static void long_and_strange_texts_are_cut_and_masked(void **state)
{
	char text[400];
	struct card c;

	(void)state;
	memset(text, 'n', sizeof(text));
	text[3] = '\n';
	text[4] = '\xff';
	card_init(&c, fingerprint, view_of(text, 400), view_of(text, 400), view_string("ABC"));
	assert_null(card_check(&c));
	assert_int_equal(c.subject.len, CARD_SUBJECT_BYTES_MAX);
	assert_int_equal(c.issuer.len, CARD_ISSUER_BYTES_MAX);
	assert_memory_equal(card_view(&c, c.subject).at, "nnn??n", 6);
	assert_text(&c, c.serial, "abc");
}

static void spoil(struct card *c, unsigned how)
{
	switch (how) {
	case 0:
		c->zero[0] = 1;
		break;
	case 1:
		c->zero[1] = 1;
		break;
	case 2:
		c->n_names = CARD_NAMES_MAX + 1;
		break;
	case 3:
		c->text_bytes = CARD_TEXT_BYTES + 1;
		break;
	case 4:
		c->text_bytes++;
		break;
	case 5:
		c->text_bytes--;
		break;
	case 6:
		c->trusted = 2;
		break;
	case 7: // trusted, and proofs of a certificate, without one
		memset(c->fingerprint, 0, sizeof(c->fingerprint));
		break;
	case 8:
		c->subject.offset = 1;
		break;
	case 9:
		c->subject.len = UINT16_MAX;
		break;
	case 10:
		c->text[2] = '\n';
		break;
	case 11:
		c->text[c->serial.offset] = 'A';
		break;
	case 12:
		c->names[1] = c->names[0];
		break;
	case 13: // a gap
		c->names[1].offset++;
		c->names[1].len--;
		break;
	case 14:
		c->text[c->names[0].offset] = 'F';
		break;
	case 15:
		c->text[c->names[0].offset] = '.';
		break;
	case 16:
		c->proofs[0] = CARD_PROOF_NONE;
		break;
	case 17:
		c->proofs[1] = CARD_PROOF_N;
		break;
	case 18:
		c->proofs[2] = CARD_SAN_DNS;
		break;
	case 19:
		c->names[2].offset = 1;
		break;
	case 20:
		c->text[CARD_TEXT_BYTES - 1] = 1;
		break;
	case 21: // its text belongs to nobody then
		c->n_names = 1;
		c->names[1] = (struct card_text){0};
		c->proofs[1] = 0;
		break;
	case 22: // the same name twice, at two places
		memcpy(c->text + c->names[1].offset, "fabrikam.example", 16);
		memset(c->text + c->names[1].offset + 16, 0, c->names[1].len - 16U);
		c->names[1].len = 16;
		c->text_bytes = (uint16_t)(c->names[1].offset + 16);
		break;
	case 23:
		c->usages = CARD_USAGES_ALL + 1;
		break;
	case 24: // of a certificate, without one or anything that it proves
		memset(c, 0, sizeof(*c));
		c->usages = CARD_USAGE_SERVER;
		break;
	case 25:
		card_init(c, c->fingerprint, VIEW_NONE, VIEW_NONE, VIEW_NONE);
		c->n_left_out = 1;
		break;
	default:
		fail();
	}
}

static void a_card_that_cannot_be_is_refused(void **state)
{
	(void)state;
	for (unsigned how = 0; how <= 25; how++) {
		struct card c = fabrikam();

		spoil(&c, how);
		if (card_check(&c) == NULL)
			fail_msg("spoiled as %u, it passes", how);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_card_says_what_it_was_made_of),
		cmocka_unit_test(the_same_parts_make_the_same_bytes),
		cmocka_unit_test(a_whole_name_is_proved_and_neither_its_parents_nor_its_children),
		cmocka_unit_test(a_dns_name_beside_a_sip_uri_is_a_host_and_no_domain),
		cmocka_unit_test(a_name_that_is_there_keeps_its_proof),
		cmocka_unit_test(what_is_no_domain_or_no_proof_is_not_added),
		cmocka_unit_test(names_are_added_until_the_card_is_full),
		cmocka_unit_test(long_and_strange_texts_are_cut_and_masked),
		cmocka_unit_test(a_card_that_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
