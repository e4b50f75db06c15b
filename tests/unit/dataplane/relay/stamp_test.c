// SPDX-License-Identifier: BSD-3-Clause
// Stamps at the border (FEATURES P5), and the ways out that only partners over TLS have.

#include "lib/policy/hop.h"
#include "tests/unit/dataplane/relay/world.h"
#include "tests/unit/test.h"

#include <stdlib.h>

static struct card found_card, named_card;

static void make_card(struct card *c, const char *name)
{
	static const uint8_t print[CARD_FINGERPRINT_BYTES] = {1};

	card_init(c, print, VIEW("CN=x"), VIEW("CN=ca"), VIEW("01"));
	c->trusted = 1;
	assert_int_equal(card_add_name(c, view_string(name), CARD_SAN_DNS), 0);
}

static int set_up(void **state)
{
	make_card(&found_card, "found.example");
	make_card(&named_card, "sip.named.example");
	*state = world_new_stamped(VIEW("X-Stamp"));
	return 0;
}

static int tear_down(void **state)
{
	world_free(*state);
	return 0;
}

// A MESSAGE with more fields in front of the Call-ID.
static struct relay_out send_message(struct world *w, enum world_listener listener,
	const char *source, const char *from, const char *to, const char *more)
{
	static char text[2000];

	snprintf(text, sizeof(text),
		"MESSAGE sip:b@%s SIP/2.0\r\nVia: SIP/2.0/UDP x.example;branch=z9hG4bK1\r\n"
		"From: <sip:a@%s>;tag=1\r\nTo: <sip:b@%s>\r\n%sCall-ID: c\r\nCSeq: 1 MESSAGE\r\n"
		"Content-Length: 0\r\n\r\n",
		to, from, to, more);
	return world_send(w, 0, listener, source, view_string(text));
}

static unsigned count(const char *in, const char *what)
{
	unsigned n = 0;

	for (const char *at = strcasestr(in, what); at != NULL; at = strcasestr(at + 1, what))
		n++;
	return n;
}

#define LOCAL_SERVER "10.0.0.10"
#define PARTNER      "198.51.100.10"
#define OURS(host, level)                                            \
	"\r\nX-Stamp: ms-source-type=DirectPartner;ms-ep-fqdn=" host \
	";ms-source-verified-user=" level ";ms-source-network=federation\r\n"

struct row {
	enum world_listener listener;
	const char *from, *more, *ours; // ours: NULL for a refusal
	const struct card *card;
};

static void what_comes_from_outside_has_our_stamp_and_no_other(void **state)
{
	static const struct row rows[] = {
		// Always: verified, unless the partner itself says otherwise.
		{WORLD_OUTSIDE, "partner.example", "", OURS("10.0.0.1", "verified"), NULL},
		{WORLD_OUTSIDE, "partner.example",
			"x-stamp: ms-source-type=InternetUser;ms-source-verified-user=verified\r\n",
			OURS("10.0.0.1", "verified"), NULL},
		{WORLD_OUTSIDE, "partner.example",
			"X-STAMP:a;ms-source-verified-user=unverified\r\n",
			OURS("10.0.0.1", "unverified"), NULL},
		{WORLD_OUTSIDE, "partner.example",
			"X-Stamp: ms-source-verified-user=verified\r\n"
			"X-Stamp: ms-source-verified-user=unverified\r\n",
			OURS("10.0.0.1", "unverified"), NULL},
		// Source: what it says, and something it must say.
		{WORLD_OUTSIDE_TLS, "found.example",
			"X-Stamp: a=b; MS-Source-Verified-User = Verified ;c\r\n",
			OURS("10.0.0.1", "verified"), &found_card},
		{WORLD_OUTSIDE_TLS, "found.example",
			"X-Stamp: a=b;ms-source-verified-user=\r\n\tverified\r\n",
			OURS("10.0.0.1", "verified"), &found_card},
		{WORLD_OUTSIDE_TLS, "found.example", "X-Stamp: verified\r\n",
			OURS("10.0.0.1", "unverified"), &found_card},
		{WORLD_OUTSIDE_TLS, "found.example",
			"X-Stamp: xms-source-verified-user=verified\r\n",
			OURS("10.0.0.1", "unverified"), &found_card},
		{WORLD_OUTSIDE_TLS, "found.example", "X-Stamp:\r\n", OURS("10.0.0.1", "unverified"),
			&found_card},
		{WORLD_OUTSIDE_TLS, "found.example", "", NULL, &found_card},
		{WORLD_OUTSIDE_TLS, "found.example",
			"X-Stamps: ms-source-verified-user=verified\r\n", NULL, &found_card},
		// Never.
		{WORLD_OUTSIDE_TLS, "named.example", "", OURS("10.0.0.1", "unverified"),
			&named_card},
		{WORLD_OUTSIDE_TLS, "named.example",
			"X-Stamp: ms-source-verified-user=verified\r\n",
			OURS("10.0.0.1", "unverified"), &named_card},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct relay_out out;
		const char *text;

		w->card = rows[i].card;
		out = send_message(
			w, rows[i].listener, PARTNER, rows[i].from, "local.example", rows[i].more);
		text = world_masked(&out);
		if (rows[i].ours == NULL) {
			assert_int_equal(out.reason, REASON_stamp_missing);
			assert_non_null(strstr(text, "SIP/2.0 403 Forbidden\r\n"));
			continue;
		}
		assert_int_equal(out.reason, REASON_sip_request_relayed);
		if (strstr(text, rows[i].ours) == NULL || count(text, "\nx-stamp:") != 1)
			fail_msg("row %zu: %s", i, text);
	}
}

static void what_goes_out_is_vouched_for_unless_our_server_says_otherwise(void **state)
{
	static const char *const own = "X-Stamp: ms-source-verified-user=unverified\r\n";
	struct world *w = *state;
	struct relay_out out =
		send_message(w, WORLD_INSIDE, LOCAL_SERVER, "local.example", "partner.example", "");

	assert_non_null(strstr(world_masked(&out), OURS("relay.example.net", "verified")));
	out = send_message(w, WORLD_INSIDE, LOCAL_SERVER, "local.example", "partner.example", own);
	assert_non_null(strstr(world_masked(&out), own));
	assert_int_equal(count(world_masked(&out), "\nx-stamp:"), 1);
}

static void what_stays_inside_is_left_alone(void **state)
{
	static const char *const own = "X-Stamp: anything\r\n";
	struct world *w = *state;
	struct relay_out out =
		send_message(w, WORLD_INSIDE, LOCAL_SERVER, "local.example", "example.com", "");

	assert_int_equal(out.reason, REASON_sip_request_relayed);
	assert_int_equal(count(world_masked(&out), "x-stamp"), 0);
	out = send_message(w, WORLD_INSIDE, LOCAL_SERVER, "local.example", "example.com", own);
	assert_non_null(strstr(world_masked(&out), own));
}

// A request as it left, as its own response, back to where it left from.
static struct relay_out respond(
	struct world *w, const struct relay_out *request, const char *source, const char *more)
{
	struct view sent = view_of(request->bytes, request->len);
	const uint8_t *rest = memmem(sent.at, sent.len, "\r\n", 2);
	const uint8_t *end = memmem(sent.at, sent.len, "\r\n\r\n", 4);
	char text[3000];

	snprintf(text, sizeof(text), "SIP/2.0 200 OK%.*s\r\n%s\r\n", (int)(end - rest),
		(const char *)rest, more);
	return world_send(w, 0, (enum world_listener)request->listener, source, view_string(text));
}

static void a_response_from_outside_loses_its_stamps(void **state)
{
	static const char *const stamps = "X-Stamp: a\r\nX-Kept: b\r\nx-stamp: c\r\n";
	struct world *w = *state;
	struct relay_out out =
		send_message(w, WORLD_INSIDE, LOCAL_SERVER, "local.example", "partner.example", "");

	out = respond(w, &out, PARTNER, stamps);
	assert_int_equal(out.reason, REASON_sip_response_relayed);
	assert_int_equal(count(world_masked(&out), "x-stamp"), 0);
	assert_non_null(strstr(world_masked(&out), "X-Kept: b\r\n"));
	out = send_message(w, WORLD_OUTSIDE, PARTNER, "partner.example", "local.example", "");
	out = respond(w, &out, LOCAL_SERVER, stamps);
	assert_int_equal(out.reason, REASON_sip_response_relayed);
	// Our own server's, and the one that we put into the request.
	assert_int_equal(count(world_masked(&out), "x-stamp"), 3);
}

static void more_stamps_than_can_be_taken_out_are_refused(void **state)
{
	static const char pair[] = "X-Stamp: a\r\nX: b\r\n";
	char more[70 * (sizeof(pair) - 1) + 1];
	struct world *w = *state;
	struct relay_out out;

	for (unsigned i = 0; i < 70; i++)
		memcpy(more + i * (sizeof(pair) - 1), pair, sizeof(pair));
	out = send_message(w, WORLD_OUTSIDE, PARTNER, "partner.example", "local.example", more);
	assert_int_equal(out.reason, REASON_sip_too_many_headers);
}

static void whom_dns_finds_is_known_by_the_key_of_the_very_domain(void **state)
{
	static const char *const spellings[] = {"found.example", "FOUND.example", "found.example."};
	struct world *w = *state;
	struct ip_addr key = hop_key(image_hop_keys(w->image), HOP_DOMAIN, VIEW("found.example"));
	struct relay_out out;

	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		out = send_message(
			w, WORLD_INSIDE, LOCAL_SERVER, "local.example", spellings[i], "");
		assert_int_equal(out.reason, REASON_sip_request_relayed);
		assert_true(endpoint_is_hop(&out.destination));
		assert_true(ip_equal(&out.destination.ip, &key));
		assert_int_equal(out.destination.transport, TRANSPORT_TLS);
		assert_int_equal(out.destination.port, 0);
		assert_int_equal(out.listener, WORLD_OUTSIDE_TLS);
		assert_true(view_equal(out.domain, VIEW("found.example")));
		assert_int_equal(out.certificate, WORLD_CERTIFICATE);
		assert_int_equal(out.n_slots, IMAGE_CONNECTIONS_DEFAULT);
		assert_non_null(
			strstr(world_masked(&out), "Via: SIP/2.0/TLS relay.example.net:5081;"));
	}
	// What is below it may be elsewhere.
	out = send_message(w, WORLD_INSIDE, LOCAL_SERVER, "local.example", "sub.found.example", "");
	assert_false(ip_equal(&out.destination.ip, &key));
	assert_true(view_equal(out.domain, VIEW("sub.found.example")));
}

static void a_named_server_is_known_by_the_image_s_key(void **state)
{
	struct world *w = *state;
	struct relay_out out =
		send_message(w, WORLD_INSIDE, LOCAL_SERVER, "example.com", "named.example", "");
	struct ip_addr key = hop_key(image_hop_keys(w->image), HOP_HOST, VIEW("sip.named.example"));

	assert_int_equal(out.reason, REASON_sip_request_relayed);
	assert_true(ip_equal(&out.destination.ip, &key));
	assert_int_equal(out.destination.port, 5061);
	// What it must prove.
	assert_true(view_equal(out.domain, VIEW("named.example")));
	// Another local domain has no certificate of its own.
	assert_int_equal(out.certificate, 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(what_comes_from_outside_has_our_stamp_and_no_other),
		CASE(what_goes_out_is_vouched_for_unless_our_server_says_otherwise),
		CASE(what_stays_inside_is_left_alone),
		CASE(a_response_from_outside_loses_its_stamps),
		CASE(more_stamps_than_can_be_taken_out_are_refused),
		CASE(whom_dns_finds_is_known_by_the_key_of_the_very_domain),
		CASE(a_named_server_is_known_by_the_image_s_key),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
