// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/relay/parcel.h"
#include "tests/unit/dataplane/relay/world.h"
#include "tests/unit/test.h"

static int set_up(void **state)
{
	*state = world_new();
	return 0;
}

static int tear_down(void **state)
{
	world_free(*state);
	return 0;
}

static void expect_destination(
	const struct relay_out *out, enum world_listener listener, const char *destination)
{
	char text[ENDPOINT_TEXT_BYTES];

	endpoint_format(&out->destination, text);
	assert_string_equal(text, destination);
	assert_int_equal(out->destination.transport, TRANSPORT_UDP);
	assert_int_equal(out->listener, listener);
}

// The value of a parameter in our Via, which is the first line with one.
static const char *our_param(const struct relay_out *out, const char *name)
{
	static char values[4][64];
	static unsigned turn;
	char *value = values[turn++ % 4];
	const uint8_t *at = memmem(out->bytes, out->len, name, strlen(name));
	size_t n = 0;

	assert_non_null(at);
	at += strlen(name);
	while (n < 63 && at[n] != ';' && at[n] != '\r')
		n++;
	memcpy(value, at, n);
	value[n] = '\0';
	return value;
}

static const char *our_branch(const struct relay_out *out)
{
	return our_param(out, ";branch=");
}

static void a_message_goes_out_with_our_via_on_top(void **state)
{
	struct world *w = *state;
	struct relay_out out = world_send(w, 0, WORLD_INSIDE, "10.0.0.10",
		VIEW("MESSAGE sip:bob@partner.example SIP/2.0\r\n"
		     "Via: SIP/2.0/UDP 10.0.0.10:5060;branch=z9hG4bKa\r\n"
		     "Max-Forwards: 70\r\n"
		     "X-Unknown:  untouched \r\n"
		     "To: <sip:bob@partner.example>\r\n"
		     "From: <sip:alice@local.example>;tag=1\r\n"
		     "Call-ID: 1\r\n"
		     "CSeq: 1 MESSAGE\r\n"
		     "Content-Length: 2\r\n"
		     "\r\n"
		     "hi"));

	assert_int_equal(out.reason, REASON_sip_request_relayed);
	expect_destination(&out, WORLD_OUTSIDE, "198.51.100.10:5060");
	assert_string_equal(world_masked(&out),
		"MESSAGE sip:bob@partner.example SIP/2.0\r\n"
		"Via: SIP/2.0/UDP "
		"relay.example.net;branch=z9hG4bKBRANCH;fr-way=WAY;fr-loop=LOOP\r\n"
		"Via: SIP/2.0/UDP 10.0.0.10:5060;branch=z9hG4bKa\r\n"
		"Max-Forwards: 69\r\n"
		"X-Unknown:  untouched \r\n"
		"To: <sip:bob@partner.example>\r\n"
		"From: <sip:alice@local.example>;tag=1\r\n"
		"Call-ID: 1\r\n"
		"CSeq: 1 MESSAGE\r\n"
		"Content-Length: 2\r\n"
		"\r\n"
		"hi");
	assert_int_equal(w->counters[0][REASON_sip_request_relayed], 1);
	assert_int_equal(world_counted(w), 1);
}

static void an_invite_comes_in_with_both_record_routes(void **state)
{
	struct relay_out out = world_send(*state, 0, WORLD_OUTSIDE, "198.51.100.10:5070",
		VIEW("INVITE sip:alice@local.example SIP/2.0\r\n"
		     "v: SIP/2.0/UDP proxy.partner.example;rport;branch=z9hG4bKb\r\n"
		     "Record-Route: <sip:proxy.partner.example;lr>\r\n"
		     "t: <sip:alice@local.example>\r\n"
		     "f: <sip:bob@partner.example>;tag=1\r\n"
		     "i: 1\r\n"
		     "CSeq: 1 INVITE\r\n"
		     "\r\n"));

	assert_int_equal(out.reason, REASON_sip_request_relayed);
	expect_destination(&out, WORLD_INSIDE, "10.0.0.10:5060");
	assert_string_equal(world_masked(&out),
		"INVITE sip:alice@local.example SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKBRANCH;fr-way=WAY;fr-loop=LOOP\r\n"
		"Max-Forwards: 70\r\n"
		"v: SIP/2.0/UDP "
		"proxy.partner.example;rport=5070;branch=z9hG4bKb;received=198.51.100.10\r\n"
		"Record-Route: <sip:10.0.0.1:5060;lr>\r\n"
		"Record-Route: <sip:relay.example.net;lr>\r\n"
		"Record-Route: <sip:proxy.partner.example;lr>\r\n"
		"t: <sip:alice@local.example>\r\n"
		"f: <sip:bob@partner.example>;tag=1\r\n"
		"i: 1\r\n"
		"CSeq: 1 INVITE\r\n"
		"\r\n");
}

static void one_record_route_is_enough_between_local_servers(void **state)
{
	struct relay_out out = world_send(*state, 0, WORLD_INSIDE, "10.0.0.10",
		VIEW("INVITE sip:carol@local.example SIP/2.0\r\n"
		     "Via: SIP/2.0/UDP 10.0.0.10;branch=z9hG4bKb\r\n"
		     "To: <sip:carol@local.example>\r\n"
		     "From: <sip:alice@local.example>;tag=1\r\n"
		     "Call-ID: 1\r\n"
		     "CSeq: 1 INVITE\r\n"
		     "Max-Forwards: 9\r\n"
		     "\r\n"));

	assert_int_equal(out.reason, REASON_sip_request_relayed);
	expect_destination(&out, WORLD_INSIDE, "10.0.0.10:5060");
	assert_string_equal(world_masked(&out),
		"INVITE sip:carol@local.example SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKBRANCH;fr-way=WAY;fr-loop=LOOP\r\n"
		"Record-Route: <sip:10.0.0.1:5060;lr>\r\n"
		"Via: SIP/2.0/UDP 10.0.0.10;branch=z9hG4bKb\r\n"
		"To: <sip:carol@local.example>\r\n"
		"From: <sip:alice@local.example>;tag=1\r\n"
		"Call-ID: 1\r\n"
		"CSeq: 1 INVITE\r\n"
		"Max-Forwards: 8\r\n"
		"\r\n");
}

static void a_change_of_family_inside_takes_both_record_routes(void **state)
{
	struct relay_out out = world_send(*state, 0, WORLD_INSIDE, "10.0.0.10",
		VIEW("SUBSCRIBE sip:carol@local6.example SIP/2.0\r\n"
		     "Via: SIP/2.0/UDP 10.0.0.10;branch=z9hG4bKb\r\n"
		     "To: <sip:carol@local6.example>\r\n"
		     "From: <sip:alice@local.example>;tag=1\r\n"
		     "Call-ID: 1\r\n"
		     "CSeq: 1 SUBSCRIBE\r\n"
		     "Max-Forwards: 10\r\n"
		     "\r\n"));

	assert_int_equal(out.reason, REASON_sip_request_relayed);
	expect_destination(&out, WORLD_INSIDE6, "[fd00::10]:5060");
	assert_non_null(strstr(world_masked(&out),
		"Record-Route: <sip:[fd00::1]:5060;lr>\r\n"
		"Record-Route: <sip:10.0.0.1:5060;lr>\r\n"
		"Via: SIP/2.0/UDP 10.0.0.10;branch=z9hG4bKb\r\n"));
}

static void every_pair_of_families_is_relayed_both_ways(void **state)
{
	static const struct {
		enum world_listener in, out;
		const char *source, *from, *to, *hop;
	} rows[] = {
		{WORLD_INSIDE, WORLD_OUTSIDE, "10.0.0.10", "local", "partner",
			"198.51.100.10:5060"},
		{WORLD_INSIDE, WORLD_OUTSIDE6, "10.0.0.10", "local", "partner6",
			"[2001:db8::10]:5060"},
		{WORLD_INSIDE6, WORLD_OUTSIDE, "[fd00::10]", "local6", "partner",
			"198.51.100.10:5060"},
		{WORLD_INSIDE6, WORLD_OUTSIDE6, "[fd00::10]", "local6", "partner6",
			"[2001:db8::10]:5060"},
		{WORLD_OUTSIDE, WORLD_INSIDE, "198.51.100.10", "partner", "local",
			"10.0.0.10:5060"},
		{WORLD_OUTSIDE, WORLD_INSIDE6, "198.51.100.10", "partner", "local6",
			"[fd00::10]:5060"},
		{WORLD_OUTSIDE6, WORLD_INSIDE, "[2001:db8::10]", "partner6", "local",
			"10.0.0.10:5060"},
		{WORLD_OUTSIDE6, WORLD_INSIDE6, "[2001:db8::10]", "partner6", "local6",
			"[fd00::10]:5060"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[1000], expected[200];
		struct relay_out out;

		snprintf(text, sizeof(text),
			"MESSAGE sip:b@%s.example SIP/2.0\r\n"
			"Via: SIP/2.0/UDP %s:5060;branch=z9hG4bK1;rport\r\n"
			"To: <sip:b@%s.example>\r\n"
			"From: <sip:a@%s.example>;tag=1\r\n"
			"Call-ID: 1\r\n"
			"CSeq: 1 MESSAGE\r\n"
			"Max-Forwards: 2\r\n"
			"\r\n",
			rows[i].to, rows[i].source, rows[i].to, rows[i].from);
		out = world_send(*state, 0, rows[i].in, rows[i].source, view_string(text));
		assert_int_equal(out.reason, REASON_sip_request_relayed);
		expect_destination(&out, rows[i].out, rows[i].hop);
		snprintf(expected, sizeof(expected), ";rport=5060;received=%.*s\r\n",
			(int)strcspn(rows[i].source + (rows[i].source[0] == '['), "]"),
			rows[i].source + (rows[i].source[0] == '['));
		assert_non_null(strstr(world_masked(&out), expected));
	}
}

static void received_and_rport_say_what_the_relay_saw(void **state)
{
	static const struct {
		const char *via, *expected;
	} rows[] = {
		{"10.0.0.10;branch=z9hG4bK1", "10.0.0.10;branch=z9hG4bK1"},
		{"10.0.0.10:5070;branch=z9hG4bK1", "10.0.0.10:5070;branch=z9hG4bK1"},
		{"10.0.0.11;branch=z9hG4bK1", "10.0.0.11;branch=z9hG4bK1;received=10.0.0.10"},
		{"host;branch=z9hG4bK1", "host;branch=z9hG4bK1;received=10.0.0.10"},
		{"10.0.0.10;rport;branch=z9hG4bK1",
			"10.0.0.10;rport=5061;branch=z9hG4bK1;received=10.0.0.10"},
		{"10.0.0.10;branch=z9hG4bK1;RPORT",
			"10.0.0.10;branch=z9hG4bK1;rport=5061;received=10.0.0.10"},
		// What a sender writes there itself is not believed.
		{"10.0.0.10;rport=9;branch=z9hG4bK1",
			"10.0.0.10;rport=5061;branch=z9hG4bK1;received=10.0.0.10"},
		{"10.0.0.10;received=192.0.2.99;branch=z9hG4bK1",
			"10.0.0.10;received=10.0.0.10;branch=z9hG4bK1"},
		{"host;branch=z9hG4bK1;received=192.0.2.99;rport",
			"host;branch=z9hG4bK1;received=10.0.0.10;rport=5061"},
		{"10.0.0.11;branch=z9hG4bK1 , SIP/2.0/UDP b;branch=z9hG4bK2",
			"10.0.0.11;branch=z9hG4bK1;received=10.0.0.10 , "
			"SIP/2.0/UDP b;branch=z9hG4bK2"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[1000], expected[300];
		struct relay_out out;

		snprintf(text, sizeof(text),
			"MESSAGE sip:b@partner.example SIP/2.0\r\n"
			"Via: SIP/2.0/UDP %s\r\n"
			"To: <sip:b@partner.example>\r\n"
			"From: <sip:a@local.example>;tag=1\r\n"
			"Call-ID: 1\r\n"
			"CSeq: 1 MESSAGE\r\n"
			"Max-Forwards: 2\r\n"
			"\r\n",
			rows[i].via);
		out = world_send(*state, 0, WORLD_INSIDE, "10.0.0.10:5061", view_string(text));
		assert_int_equal(out.reason, REASON_sip_request_relayed);
		snprintf(expected, sizeof(expected), "\r\nVia: SIP/2.0/UDP %s\r\n",
			rows[i].expected);
		assert_non_null(strstr(world_masked(&out), expected));
	}
}

static void another_spelling_of_the_source_s_ipv6_needs_no_received(void **state)
{
	struct relay_out out = world_send(*state, 0, WORLD_INSIDE6, "[fd00::10]",
		VIEW("MESSAGE sip:b@partner.example SIP/2.0\r\n"
		     "Via: SIP/2.0/UDP [FD00:0:0:0:0:0:0:10];branch=z9hG4bK1\r\n"
		     "To: <sip:b@partner.example>\r\n"
		     "From: <sip:a@local6.example>;tag=1\r\n"
		     "Call-ID: 1\r\n"
		     "CSeq: 1 MESSAGE\r\n"
		     "\r\n"));

	assert_int_equal(out.reason, REASON_sip_request_relayed);
	assert_non_null(strstr(world_masked(&out),
		"\r\nVia: SIP/2.0/UDP [FD00:0:0:0:0:0:0:10];branch=z9hG4bK1\r\n"));
}

// INVITE, its CANCEL, its ACK to a refusal and a retransmission, each as its sender writes it.
#define TRANSACTION(method, via, to_tag)                    \
	method " sip:bob@many.example SIP/2.0\r\n"          \
	       "Via: SIP/2.0/UDP host" via "\r\n"           \
	       "Max-Forwards: 70\r\n"                       \
	       "From: <sip:alice@local.example>;tag=77\r\n" \
	       "To: <sip:bob@many.example>" to_tag "\r\n"   \
	       "Call-ID: transaction\r\n"                   \
	       "CSeq: 5 " method "\r\n"                     \
	       "\r\n"

// FEATURES R5.
static void a_request_within_a_dialog_is_worth_more_than_a_new_one(void **state)
{
	static const struct {
		const char *method, *to_tag;
		enum parcel_kind kind;
	} rows[] = {
		{"INVITE", "", PARCEL_REQUEST},
		{"INVITE", ";tag=theirs", PARCEL_DIALOG},
		{"UPDATE", ";tag=theirs", PARCEL_DIALOG},
		{"MESSAGE", "", PARCEL_REQUEST},
		{"BYE", ";tag=theirs", PARCEL_KEEP},
		{"CANCEL", "", PARCEL_KEEP},
		{"ACK", ";tag=theirs", PARCEL_KEEP},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct relay_out out;
		char message[512];

		snprintf(message, sizeof(message),
			"%s sip:bob@named.example SIP/2.0\r\n"
			"Via: SIP/2.0/UDP host;branch=z9hG4bKsame\r\n"
			"Max-Forwards: 70\r\n"
			"From: <sip:alice@local.example>;tag=77\r\n"
			"To: <sip:bob@named.example>%s\r\n"
			"Call-ID: worth\r\n"
			"CSeq: 5 %s\r\n"
			"\r\n",
			rows[i].method, rows[i].to_tag, rows[i].method);
		out = world_send(*state, 0, WORLD_INSIDE, "10.0.0.10", view_string(message));
		assert_int_equal(out.reason, REASON_sip_request_relayed);
		assert_int_equal(out.kind, rows[i].kind);
	}
}

// RFC 3261 §9.1, §17.1.1.3: branch and sent-by together are what the next hop knows them by.
static void between_local_domains_any_listener_gives_the_same_transaction(void **state)
{
	static const char *const methods[] = {"INVITE", "CANCEL", "ACK"};
	static const enum world_listener listeners[] = {WORLD_INSIDE, WORLD_INSIDE_AGAIN};
	char branch[64] = "";

	for (unsigned i = 0; i < 6; i++) {
		const char *method = methods[i / 2];
		struct relay_out out;
		char message[512];

		snprintf(message, sizeof(message),
			"%s sip:bob@example.com SIP/2.0\r\n"
			"Via: SIP/2.0/UDP host;branch=z9hG4bKsame\r\n"
			"Max-Forwards: 70\r\n"
			"From: <sip:alice@local.example>;tag=77\r\n"
			"To: <sip:bob@example.com>\r\n"
			"Call-ID: transaction\r\n"
			"CSeq: 5 %s\r\n"
			"\r\n",
			method, method);
		out = world_send(
			*state, 0, listeners[i % 2], "10.0.0.10:5060", view_string(message));
		assert_int_equal(out.reason, REASON_sip_request_relayed);
		assert_int_equal(out.listener, WORLD_INSIDE);
		if (i == 0)
			strcpy(branch, our_branch(&out));
		assert_string_equal(our_branch(&out), branch);
		assert_non_null(
			strstr(world_masked(&out), "\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch="));
	}
}

static void expect_one_transaction(
	struct world *w, const char *const messages[], unsigned n_messages)
{
	static const char *const sources[] = {"10.0.0.10:5060", "10.0.0.11:1024", "10.0.0.12:7"};
	char branch[64] = "", hop[ENDPOINT_TEXT_BYTES] = "";

	for (unsigned i = 0; i < n_messages * WORLD_N_RELAYS * 3; i++) {
		struct relay_out out = world_send(w, i % WORLD_N_RELAYS, WORLD_INSIDE,
			sources[i / WORLD_N_RELAYS % 3],
			view_string(messages[i / WORLD_N_RELAYS / 3]));
		char text[ENDPOINT_TEXT_BYTES];

		assert_int_equal(out.reason, REASON_sip_request_relayed);
		endpoint_format(&out.destination, text);
		if (i == 0) {
			strcpy(branch, our_branch(&out));
			strcpy(hop, text);
		}
		assert_string_equal(our_branch(&out), branch);
		assert_string_equal(text, hop);
	}
}

static void invite_cancel_and_ack_agree_on_any_worker_from_any_source(void **state)
{
	static const char *const messages[] = {
		TRANSACTION("INVITE", ";branch=z9hG4bKsame", ""),
		TRANSACTION("CANCEL", ";branch=z9hG4bKsame", ""),
		TRANSACTION("ACK", ";branch=z9hG4bKsame", ";tag=theirs"),
		TRANSACTION("INVITE", ";branch=z9hG4bKsame", ""),
	};

	expect_one_transaction(*state, messages, 4);
}

static void they_agree_without_the_magic_cookie_too(void **state)
{
	static const char *const messages[] = {
		TRANSACTION("INVITE", ";branch=1", ""),
		TRANSACTION("CANCEL", ";branch=1", ""),
		TRANSACTION("ACK", "", ";tag=theirs"),
		TRANSACTION("INVITE", ";branch=z9hG4bK", ""),
	};

	expect_one_transaction(*state, messages, 4);
}

static void another_transaction_has_another_branch(void **state)
{
	static const char *const messages[] = {
		TRANSACTION("INVITE", ";branch=z9hG4bKsame", ""),
		TRANSACTION("INVITE", ";branch=z9hG4bKother", ""),
		TRANSACTION("INVITE", "2;branch=z9hG4bKsame", ""),
		TRANSACTION("INVITE", ":5061;branch=z9hG4bKsame", ""),
		TRANSACTION("INVITE", "", ""),
	};
	char branches[5][64];

	for (unsigned i = 0; i < 5; i++) {
		struct relay_out out =
			world_send(*state, 0, WORLD_INSIDE, "10.0.0.10", view_string(messages[i]));

		strcpy(branches[i], our_branch(&out));
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(branches[i], branches[k]);
	}
}

static void pairs_spread_over_a_partner_s_hops(void **state)
{
	unsigned n_of_hop[4] = {0};

	for (unsigned i = 0; i < 400; i++) {
		struct relay_out out;
		char text[500];

		snprintf(text, sizeof(text),
			"MESSAGE sip:b@d%u.many.example SIP/2.0\r\n"
			"Via: SIP/2.0/UDP host;branch=z9hG4bK1\r\n"
			"To: <sip:b@d%u.many.example>\r\n"
			"From: <sip:a@local.example>;tag=1\r\n"
			"Call-ID: 1\r\n"
			"CSeq: 1 MESSAGE\r\n"
			"\r\n",
			i, i);
		out = world_send(*state, 0, WORLD_INSIDE, "10.0.0.10", view_string(text));
		assert_int_equal(out.reason, REASON_sip_request_relayed);
		assert_in_range(out.destination.ip.bytes[3], 21, 24);
		n_of_hop[out.destination.ip.bytes[3] - 21]++;
	}
	for (unsigned i = 0; i < 4; i++)
		assert_in_range(n_of_hop[i], 50, 150);
}

// A request within a dialog, whose Request-URI is a Contact.
static struct relay_out send_to_contact(struct world *w, const char *contact)
{
	char text[500];

	snprintf(text, sizeof(text),
		"BYE %s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP host;branch=z9hG4bK1\r\n"
		"To: <sip:b@many.example>;tag=2\r\n"
		"From: <sip:a@local.example>;tag=1\r\n"
		"Call-ID: 1\r\n"
		"CSeq: 1 BYE\r\n"
		"\r\n",
		contact);
	return world_send(w, 0, WORLD_INSIDE, "10.0.0.10", view_string(text));
}

static void a_target_that_is_a_configured_hop_is_that_hop(void **state)
{
	struct relay_out out;

	for (unsigned i = 21; i <= 24; i++) {
		char contact[64];

		snprintf(contact, sizeof(contact), "sip:b@198.51.100.%u", i);
		out = send_to_contact(*state, contact);
		assert_int_equal(out.destination.ip.bytes[3], i);
		snprintf(contact, sizeof(contact), "sip:b@198.51.100.%u:5060;transport=udp", i);
		out = send_to_contact(*state, contact);
		assert_int_equal(out.destination.ip.bytes[3], i);
	}
}

static void a_target_that_is_none_never_becomes_the_destination(void **state)
{
	static const char *const contacts[] = {"sip:b@203.0.113.5", "sip:b@198.51.100.21:5061",
		"sip:b@198.51.100.22;transport=tcp", "sip:b@[2001:db8::99]", "sip:b@10.0.0.10",
		"sip:b@198.51.100.23;maddr=203.0.113.9"};
	struct relay_out pair = send_to_contact(*state, "sip:b@many.example");
	struct endpoint by_pair = pair.destination;

	for (size_t i = 0; i < 5; i++) {
		struct relay_out out = send_to_contact(*state, contacts[i]);

		assert_int_equal(out.reason, REASON_sip_request_relayed);
		assert_true(endpoint_equal(&out.destination, &by_pair));
	}
	pair = send_to_contact(*state, contacts[5]);
	expect_destination(&pair, WORLD_OUTSIDE, "198.51.100.23:5060");
}

static void a_spiral_passes_and_a_loop_is_refused(void **state)
{
	struct world *w = *state;
	uint8_t first[1000];
	size_t n;
	struct relay_out out = world_send(w, 0, WORLD_INSIDE, "10.0.0.10",
		VIEW("MESSAGE sip:carol@local.example SIP/2.0\r\n"
		     "Via: SIP/2.0/UDP 10.0.0.10;branch=z9hG4bKb\r\n"
		     "To: <sip:carol@local.example>\r\n"
		     "From: <sip:alice@local.example>;tag=1\r\n"
		     "Call-ID: 1\r\n"
		     "CSeq: 1 MESSAGE\r\n"
		     "\r\n"));
	uint8_t *user;

	assert_int_equal(out.reason, REASON_sip_request_relayed);
	n = out.len;
	memcpy(first, out.bytes, n);
	// Retargeted by the server there: a spiral.
	user = memmem(first, n, "carol", 5);
	memcpy(user, "david", 5);
	out = world_send(w, 1, WORLD_INSIDE, "10.0.0.10", view_of(first, n));
	assert_int_equal(out.reason, REASON_sip_request_relayed);
	// Sent back as it was: a loop, also when another worker sees it.
	memcpy(user, "carol", 5);
	out = world_send(w, 1, WORLD_INSIDE, "10.0.0.10", view_of(first, n));
	assert_int_equal(out.reason, REASON_sip_loop);
	assert_int_equal(strncmp((char *)out.bytes, "SIP/2.0 482 Loop Detected\r\n", 27), 0);
}

static void a_second_message_behind_the_first_is_not_forwarded(void **state)
{
	struct relay_out out = world_send(*state, 0, WORLD_INSIDE, "10.0.0.10",
		VIEW("\r\n\r\nMESSAGE sip:b@partner.example SIP/2.0\r\n"
		     "Via: SIP/2.0/UDP 10.0.0.10;branch=z9hG4bKb\r\n"
		     "To: <sip:b@partner.example>\r\n"
		     "From: <sip:a@local.example>;tag=1\r\n"
		     "Call-ID: 1\r\n"
		     "CSeq: 1 MESSAGE\r\n"
		     "Content-Length: 2\r\n"
		     "\r\n"
		     "hiMESSAGE sip:c@partner.example SIP/2.0\r\n"));

	assert_int_equal(out.reason, REASON_sip_request_relayed);
	assert_int_equal(out.bytes[0], 'M');
	assert_int_equal(memcmp(out.bytes + out.len - 4, "\r\nhi", 4), 0);
}

static void the_way_back_carries_the_worker(void **state)
{
	static const char message[] = TRANSACTION("MESSAGE", ";branch=z9hG4bKsame", "");
	struct relay_out out =
		world_send(*state, 0, WORLD_INSIDE, "10.0.0.10", view_string(message));
	char way[64];

	strcpy(way, our_param(&out, ";fr-way="));
	out = world_send(*state, 1, WORLD_INSIDE, "10.0.0.10", view_string(message));
	assert_string_not_equal(our_param(&out, ";fr-way="), way);
}

static void a_burst_gives_each_datagram_its_own_outcome(void **state)
{
	static const char *const payloads[] = {
		TRANSACTION("MESSAGE", ";branch=z9hG4bK1", ""),
		"\r\n\r\n",
		"junk",
		TRANSACTION("INVITE", ";branch=z9hG4bK2", ""),
	};
	static const enum reason reasons[] = {REASON_sip_request_relayed, REASON_sip_keepalive,
		REASON_sip_not_sip, REASON_sip_request_relayed};
	static uint8_t bytes[RELAY_BURST][2000];
	struct relay_out out[RELAY_BURST];
	struct relay_in in[RELAY_BURST];
	struct world *w = *state;

	for (unsigned i = 0; i < RELAY_BURST; i++) {
		in[i] = (struct relay_in){.payload = view_string(payloads[i % 4])};
		endpoint_parse(VIEW("10.0.0.10"), 5060, TRANSPORT_UDP, &in[i].source);
		out[i] = (struct relay_out){.bytes = bytes[i], .room = sizeof(bytes[i])};
	}
	relay_burst(w->relay[0], in, out, RELAY_BURST);
	for (unsigned i = 0; i < RELAY_BURST; i++) {
		assert_int_equal(out[i].reason, reasons[i % 4]);
		if (reasons[i % 4] != REASON_sip_request_relayed)
			assert_int_equal(out[i].len, 0);
		else
			assert_int_equal(strncmp((char *)bytes[i], payloads[i % 4], 6), 0);
	}
	assert_int_equal(w->counters[0][REASON_sip_request_relayed], RELAY_BURST / 2);
	assert_int_equal(world_counted(w), RELAY_BURST);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(a_message_goes_out_with_our_via_on_top),
		CASE(an_invite_comes_in_with_both_record_routes),
		CASE(one_record_route_is_enough_between_local_servers),
		CASE(a_change_of_family_inside_takes_both_record_routes),
		CASE(every_pair_of_families_is_relayed_both_ways),
		CASE(received_and_rport_say_what_the_relay_saw),
		CASE(another_spelling_of_the_source_s_ipv6_needs_no_received),
		CASE(invite_cancel_and_ack_agree_on_any_worker_from_any_source),
		CASE(between_local_domains_any_listener_gives_the_same_transaction),
		CASE(a_request_within_a_dialog_is_worth_more_than_a_new_one),
		CASE(they_agree_without_the_magic_cookie_too),
		CASE(another_transaction_has_another_branch),
		CASE(pairs_spread_over_a_partner_s_hops),
		CASE(a_target_that_is_a_configured_hop_is_that_hop),
		CASE(a_target_that_is_none_never_becomes_the_destination),
		CASE(a_spiral_passes_and_a_loop_is_refused),
		CASE(a_second_message_behind_the_first_is_not_forwarded),
		CASE(the_way_back_carries_the_worker),
		CASE(a_burst_gives_each_datagram_its_own_outcome),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
