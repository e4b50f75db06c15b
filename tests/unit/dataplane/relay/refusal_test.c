// SPDX-License-Identifier: BSD-3-Clause

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

// A request in parts, so that each case changes one of them; NULL for the usual one.
struct parts {
	const char *line, *via, *from, *to, *cseq, *more, *body;
};

static const char *or_default(const char *part, const char *fallback)
{
	return part != NULL ? part : fallback;
}

static struct relay_out send_parts(
	struct world *w, enum world_listener listener, const char *source, const struct parts *p)
{
	static char text[8000];

	snprintf(text, sizeof(text), "%s\r\n%s\r\n%s\r\n%s\r\nCall-ID: c\r\n%s\r\n%s\r\n%s",
		or_default(p->line, "MESSAGE sip:b@partner.example SIP/2.0"),
		or_default(p->via, "Via: SIP/2.0/UDP 10.0.0.10;rport"),
		or_default(p->from, "From: <sip:a@local.example>;tag=1"),
		or_default(p->to, "To: <sip:b@partner.example>"),
		or_default(p->cseq, "CSeq: 1 MESSAGE"), or_default(p->more, ""),
		or_default(p->body, ""));
	return world_send(w, 0, listener, source, view_string(text));
}

#define ANSWER(status, diagnostics, more)                                   \
	"SIP/2.0 " status "\r\n"                                            \
	"Via: SIP/2.0/UDP 10.0.0.10;rport=5070;received=10.0.0.10\r\n"      \
	"From: <sip:a@local.example>;tag=1\r\n"                             \
	"To: <sip:b@partner.example>;tag=frTAG\r\n"                         \
	"Call-ID: c\r\n"                                                    \
	"CSeq: 1 MESSAGE\r\n"                                               \
	"ms-diagnostics: " diagnostics ";source=\"10.0.0.1:5060\"\r\n" more \
	"Content-Length: 0\r\n"                                             \
	"\r\n"

static void every_check_before_policy_has_its_answer(void **state)
{
	static char big[WORLD_BODY_BYTES + 2];
	static const struct {
		struct parts parts;
		enum reason reason;
		const char *answer;
	} rows[] = {
		{{.line = "MESSAGE tel:+1234 SIP/2.0"}, REASON_sip_scheme,
			ANSWER("416 Unsupported URI Scheme",
				"1020;reason=\"Request-URI scheme not supported\"", "")},
		{{.more = "Max-Forwards: 0\r\n"}, REASON_sip_max_forwards,
			ANSWER("483 Too Many Hops", "1021;reason=\"Max-Forwards exhausted\"", "")},
		{{.more = "Proxy-Require: foo, bar\r\nproxy-require: baz\r\n"},
			REASON_sip_proxy_require,
			ANSWER("420 Bad Extension",
				"1023;reason=\"Proxy-Require names an unknown extension\"",
				"Unsupported: foo, bar\r\nUnsupported: baz\r\n")},
		{{.body = big}, REASON_sip_body_too_large,
			ANSWER("413 Request Entity Too Large",
				"1024;reason=\"body over the limit\"", "")},
		{{.line = "MESSAGE sip:b@partner.example SIP/7.0"}, REASON_sip_version,
			ANSWER("505 Version Not Supported",
				"1019;reason=\"SIP version not supported\"", "")},
		{{.line = "MESSAGE <sip:b@partner.example> SIP/2.0"}, REASON_sip_bad_uri,
			ANSWER("400 Bad Request", "1033;reason=\"malformed Request-URI\"", "")},
		{{.line = "MESSAGE sip:b@partner.example?a=b SIP/2.0"}, REASON_sip_bad_uri,
			ANSWER("400 Bad Request", "1033;reason=\"malformed Request-URI\"", "")},
		{{.more = "Max-Forwards: 300\r\n"}, REASON_sip_bad_header,
			ANSWER("400 Bad Request",
				"1032;reason=\"a header field that the relay reads is malformed\"",
				"")},
		{{.more = "Max-Forwards: 3\r\nMax-Forwards: 3\r\n"}, REASON_sip_duplicate_header,
			ANSWER("400 Bad Request",
				"1031;reason=\"a header field that may occur once occurs twice\"",
				"")},
		{{.line = "INFO sip:b@partner.example SIP/2.0"}, REASON_sip_cseq_mismatch,
			ANSWER("400 Bad Request",
				"1036;reason=\"CSeq method is not the request's method\"", "")},
		{{.line = "NEW sip:b@partner.example SIP/2.0"}, REASON_sip_method_mismatch,
			ANSWER("501 Not Implemented",
				"1027;reason=\"CSeq method is not the request's, which is "
				"unknown\"",
				"")},
		{{.more = "Content-Length: 5\r\n", .body = "1234"}, REASON_sip_body_short,
			ANSWER("400 Bad Request",
				"1035;reason=\"body shorter than Content-Length\"", "")},
		{{.line = "MESSAGE sips:b@partner.example SIP/2.0"}, REASON_sip_sips_downgrade,
			ANSWER("480 Temporarily Unavailable",
				"1026;reason=\"sips would leave TLS: no next hop with it "
				"(partners:3)\"",
				"Warning: 380 10.0.0.1:5060 \"SIPS Not Allowed\"\r\n")},
	};
	struct world *w = *state;

	memset(big, 'x', sizeof(big) - 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t before = w->counters[0][rows[i].reason];
		struct relay_out out =
			send_parts(w, WORLD_INSIDE, "10.0.0.10:5070", &rows[i].parts);
		char destination[ENDPOINT_TEXT_BYTES];

		assert_string_equal(world_masked(&out), rows[i].answer);
		assert_int_equal(out.reason, rows[i].reason);
		assert_int_equal(w->counters[0][rows[i].reason], before + 1);
		assert_int_equal(out.listener, WORLD_INSIDE);
		endpoint_format(&out.destination, destination);
		assert_string_equal(destination, "10.0.0.10:5070");
		assert_int_equal(world_counted(w), i + 1);
	}
}

static void every_verdict_has_its_answer(void **state)
{
	static const struct {
		enum world_listener listener;
		const char *source;
		struct parts parts;
		enum reason reason;
		const char *line, *diagnostics;
	} rows[] = {
		{WORLD_INSIDE, "10.0.0.10", {.line = "MESSAGE sip:b@x.blocked.example SIP/2.0"},
			REASON_to_blocked, "SIP/2.0 403 Forbidden\r\n",
			"ms-diagnostics: 1007;reason=\"destination domain is blocked "
			"(lists/bad.txt:12)\";source=\"10.0.0.1:5060\"\r\n"},
		{WORLD_INSIDE, "10.0.0.10", {.to = "To: <sip:b@blocked.example>"},
			REASON_to_blocked, "SIP/2.0 403 Forbidden\r\n",
			"ms-diagnostics: 1007;reason=\"destination domain is blocked "
			"(lists/bad.txt:12)\";source=\"10.0.0.1:5060\"\r\n"},
		{WORLD_INSIDE, "10.0.0.10", {.line = "MESSAGE sip:b@unlisted.example SIP/2.0"},
			REASON_to_unlisted, "SIP/2.0 404 Not Found\r\n",
			"ms-diagnostics: 1009;reason=\"destination domain is not a "
			"partner\";source=\"10.0.0.1:5060\"\r\n"},
		{WORLD_INSIDE, "10.0.0.10", {.from = "From: <sip:a@partner.example>;tag=1"},
			REASON_from_remote_inside, "SIP/2.0 403 Forbidden\r\n",
			"ms-diagnostics: 1010;"},
		{WORLD_INSIDE, "10.9.9.9", {.line = NULL}, REASON_source_undeclared,
			"SIP/2.0 403 Forbidden\r\n", "ms-diagnostics: 1012;"},
		{WORLD_INSIDE, "10.0.0.10", {.from = "From: <tel:+1234>;tag=1"},
			REASON_from_no_domain, "SIP/2.0 403 Forbidden\r\n",
			"ms-diagnostics: 1004;"},
		{WORLD_INSIDE, "10.0.0.10", {.from = "From: <sip:a@10.0.0.10>;tag=1"},
			REASON_from_no_domain, "SIP/2.0 403 Forbidden\r\n",
			"ms-diagnostics: 1004;"},
		{WORLD_INSIDE, "10.0.0.10",
			{.line = "MESSAGE sip:b@192.0.2.9 SIP/2.0", .to = "To: <sip:b@192.0.2.9>"},
			REASON_to_no_domain, "SIP/2.0 404 Not Found\r\n", "ms-diagnostics: 1005;"},
		{WORLD_INSIDE, "10.0.0.10", {.line = "MESSAGE sip:b@tcp.example SIP/2.0"},
			REASON_no_next_hop, "SIP/2.0 502 Bad Gateway\r\n", "ms-diagnostics: 1015;"},
		// Outside, no text of ours and no rule.
		{WORLD_OUTSIDE, "198.51.100.10", {.from = "From: <sip:a@blocked.example>;tag=1"},
			REASON_from_blocked, "SIP/2.0 403 Forbidden\r\n",
			"ms-diagnostics: "
			"1006;reason=\"Forbidden\";source=\"relay.example.net\"\r\n"},
		{WORLD_OUTSIDE, "198.51.100.10", {.line = NULL}, REASON_from_local_outside,
			"SIP/2.0 403 Forbidden\r\n",
			"ms-diagnostics: "
			"1011;reason=\"Forbidden\";source=\"relay.example.net\"\r\n"},
		{WORLD_OUTSIDE, "198.51.100.10", {.from = "From: <sip:a@unlisted.example>;tag=1"},
			REASON_from_unlisted, "SIP/2.0 403 Forbidden\r\n",
			"ms-diagnostics: "
			"1008;reason=\"Forbidden\";source=\"relay.example.net\"\r\n"},
		{WORLD_OUTSIDE, "198.51.100.10",
			{.from = "From: <sip:a@partner.example>;tag=1",
				.line = "MESSAGE sip:b@many.example SIP/2.0"},
			REASON_remote_to_remote, "SIP/2.0 403 Forbidden\r\n",
			"ms-diagnostics: 1013;"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct relay_out out =
			send_parts(w, rows[i].listener, rows[i].source, &rows[i].parts);
		const char *text = world_masked(&out);

		assert_int_equal(out.reason, rows[i].reason);
		assert_non_null(strstr(text, rows[i].diagnostics));
		assert_int_equal(strncmp(text, rows[i].line, strlen(rows[i].line)), 0);
		assert_int_equal(world_counted(w), i + 1);
	}
}

static void without_policy_every_request_is_refused(void **state)
{
	static const struct parts options = {
		.line = "OPTIONS sip:10.0.0.1 SIP/2.0", .cseq = "CSeq: 1 OPTIONS"};
	static const struct parts message = {.line = NULL};
	struct world *w = *state;
	struct relay_out out;

	relay_set_policy(w->relay[0], NULL, NULL);
	out = send_parts(w, WORLD_INSIDE, "10.0.0.10:5070", &message);
	assert_int_equal(out.reason, REASON_no_policy);
	assert_string_equal(world_masked(&out),
		ANSWER("503 Service Unavailable", "1003;reason=\"no policy has been published\"",
			""));
	out = send_parts(w, WORLD_INSIDE, "10.0.0.10:5070", &options);
	assert_int_equal(out.reason, REASON_no_policy);
}

static void options_to_the_relay_itself_is_answered(void **state)
{
	static const char *const uris[] = {
		"sip:10.0.0.1", "sip:10.0.0.1:5060", "sip:relay.example.net", "sip:[fd00::1]"};
	struct world *w = *state;

	for (unsigned i = 0; i < 4; i++) {
		struct parts options = {.cseq = "CSeq: 1 OPTIONS"};
		struct relay_out out;
		char line[100];

		snprintf(line, sizeof(line), "OPTIONS %s SIP/2.0", uris[i]);
		options.line = line;
		out = send_parts(w, WORLD_INSIDE, "10.0.0.10:5070", &options);
		assert_int_equal(out.reason, REASON_sip_options_answered);
		assert_string_equal(world_masked(&out),
			"SIP/2.0 200 OK\r\n"
			"Via: SIP/2.0/UDP 10.0.0.10;rport=5070;received=10.0.0.10\r\n"
			"From: <sip:a@local.example>;tag=1\r\n"
			"To: <sip:b@partner.example>;tag=frTAG\r\n"
			"Call-ID: c\r\n"
			"CSeq: 1 OPTIONS\r\n"
			"Content-Length: 0\r\n"
			"\r\n");
		// Its last hop it may not take, not even here.
		options.more = "Max-Forwards: 0\r\n";
		out = send_parts(w, WORLD_INSIDE, "10.0.0.10:5070", &options);
		assert_int_equal(out.reason, REASON_sip_max_forwards);
	}
	assert_int_equal(w->counters[0][REASON_sip_options_answered], 4);
}

static void options_for_a_user_or_beyond_the_relay_is_relayed(void **state)
{
	static const struct parts rows[] = {
		{.line = "OPTIONS sip:b@10.0.0.1 SIP/2.0", .cseq = "CSeq: 1 OPTIONS"},
		{.line = "OPTIONS sip:partner.example SIP/2.0", .cseq = "CSeq: 1 OPTIONS"},
		{.line = "OPTIONS sip:10.0.0.1 SIP/2.0",
			.cseq = "CSeq: 1 OPTIONS",
			.more = "Route: <sip:p.partner.example;lr>\r\n"},
	};

	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(
			send_parts(*state, WORLD_INSIDE, "10.0.0.10:5070", &rows[i]).reason,
			REASON_sip_request_relayed);
}

// The To line of an answer, with its CRLF.
static const char *to_of(const struct relay_out *out)
{
	static char to[200];
	const char *at = memmem(out->bytes, out->len, "To: ", 4);

	assert_non_null(at);
	snprintf(to, sizeof(to), "%.*s", (int)strcspn(at, "\r"), at);
	return to;
}

static void an_ack_to_a_refusal_is_absorbed_by_any_worker(void **state)
{
	static const struct parts invite = {
		.line = "INVITE sip:b@unlisted.example SIP/2.0", .cseq = "CSeq: 1 INVITE"};
	struct parts ack = {.line = "ACK sip:b@unlisted.example SIP/2.0", .cseq = "CSeq: 1 ACK"};
	struct world *w = *state;
	struct relay_out out = send_parts(w, WORLD_INSIDE, "10.0.0.10", &invite);
	struct relay *first = w->relay[0];
	char to[200];

	assert_int_equal(out.reason, REASON_to_unlisted);
	strcpy(to, to_of(&out));
	ack.to = to;
	out = send_parts(w, WORLD_INSIDE, "10.0.0.10", &ack);
	assert_int_equal(out.reason, REASON_sip_ack_absorbed);
	assert_int_equal(out.len, 0);
	w->relay[0] = w->relay[1];
	out = send_parts(w, WORLD_INSIDE, "10.0.0.11", &ack);
	assert_int_equal(out.reason, REASON_sip_ack_absorbed);
	w->relay[0] = first;
	// Another transaction's ACK is not.
	ack.cseq = "CSeq: 2 ACK";
	out = send_parts(w, WORLD_INSIDE, "10.0.0.10", &ack);
	assert_int_equal(out.reason, REASON_to_unlisted);
	assert_int_equal(out.len, 0);
}

static void an_ack_is_never_answered(void **state)
{
	static const struct {
		struct parts parts;
		enum reason reason;
	} rows[] = {
		{{.line = "ACK tel:+1 SIP/2.0", .cseq = "CSeq: 1 ACK"}, REASON_sip_ack_malformed},
		{{.line = "ACK sip:b@partner.example SIP/7.0", .cseq = "CSeq: 1 ACK"},
			REASON_sip_ack_malformed},
		{{.line = "ACK sip:b@partner.example SIP/2.0"}, REASON_sip_ack_malformed},
		{{.line = "ACK sip:b@partner.example SIP/2.0",
			 .cseq = "CSeq: 1 ACK",
			 .more = "Max-Forwards: 0\r\n"},
			REASON_sip_ack_malformed},
		{{.line = "ACK sip:b@blocked.example SIP/2.0", .cseq = "CSeq: 1 ACK"},
			REASON_to_blocked},
		{{.line = "ACK sip:b@tcp.example SIP/2.0", .cseq = "CSeq: 1 ACK"},
			REASON_no_next_hop},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct relay_out out =
			send_parts(*state, WORLD_INSIDE, "10.0.0.10:5070", &rows[i].parts);

		assert_int_equal(out.reason, rows[i].reason);
		assert_int_equal(out.len, 0);
	}
}

static void a_refusal_within_a_dialog_keeps_its_tag(void **state)
{
	static const struct parts bye = {.line = "BYE sip:b@unlisted.example SIP/2.0",
		.cseq = "CSeq: 1 BYE",
		.to = "To: <sip:b@unlisted.example>;tag=theirs"};
	struct relay_out out = send_parts(*state, WORLD_INSIDE, "10.0.0.10", &bye);

	assert_non_null(strstr(world_masked(&out), "To: <sip:b@unlisted.example>;tag=theirs\r\n"));
}

// Nothing in it tells that the refusal was ours; it does no harm further on.
static void the_ack_to_a_refusal_within_a_dialog_is_judged_like_any_other(void **state)
{
	struct parts invite = {.line = "INVITE sip:b@partner.example SIP/2.0",
		.cseq = "CSeq: 2 INVITE",
		.to = "To: <sip:b@partner.example>;tag=theirs",
		.more = "Max-Forwards: 0\r\n"};
	struct parts ack = {.line = "ACK sip:b@partner.example SIP/2.0",
		.cseq = "CSeq: 2 ACK",
		.to = invite.to};
	struct relay_out out = send_parts(*state, WORLD_INSIDE, "10.0.0.10", &invite);

	assert_int_equal(out.reason, REASON_sip_max_forwards);
	out = send_parts(*state, WORLD_INSIDE, "10.0.0.10", &ack);
	assert_int_equal(out.reason, REASON_sip_request_relayed);
	ack.line = "ACK sip:b@blocked.example SIP/2.0";
	out = send_parts(*state, WORLD_INSIDE, "10.0.0.10", &ack);
	assert_int_equal(out.reason, REASON_to_blocked);
	assert_int_equal(out.len, 0);
}

static void what_a_request_lacks_its_answer_lacks(void **state)
{
	struct relay_out out = world_send(*state, 0, WORLD_INSIDE, "10.0.0.10:5070",
		VIEW("INVITE sip:b@partner.example SIP/2.0\r\n"
		     "v: SIP/2.0/UDP 10.0.0.10\r\n"
		     "CSeq: 1 INVITE\r\n"
		     "\r\n"));

	assert_int_equal(out.reason, REASON_sip_missing_header);
	assert_string_equal(world_masked(&out),
		"SIP/2.0 400 Bad Request\r\n"
		"Via: SIP/2.0/UDP 10.0.0.10\r\n"
		"CSeq: 1 INVITE\r\n"
		"ms-diagnostics: 1030;reason=\"a mandatory header field is "
		"missing\";source=\"10.0.0.1:5060\"\r\n"
		"Content-Length: 0\r\n"
		"\r\n");
	assert_int_equal(out.destination.port, 5060);
}

static void a_request_without_via_cannot_be_answered(void **state)
{
	struct relay_out out = world_send(*state, 0, WORLD_INSIDE, "10.0.0.10:5070",
		VIEW("INVITE sip:b@partner.example SIP/2.0\r\n"
		     "CSeq: 1 INVITE\r\n"
		     "\r\n"));

	assert_int_equal(out.reason, REASON_sip_missing_header);
	assert_int_equal(out.len, 0);
}

static void an_unreadable_via_is_answered_where_the_datagram_came_from(void **state)
{
	static const struct parts parts = {.via = "Via: SIP/2.0/UDP 10.9.9.9;;,;,,"};
	struct relay_out out = send_parts(*state, WORLD_INSIDE, "10.0.0.10:5070", &parts);
	char destination[ENDPOINT_TEXT_BYTES];

	assert_int_equal(out.reason, REASON_sip_bad_header);
	assert_non_null(strstr(world_masked(&out), "\r\nVia: SIP/2.0/UDP 10.9.9.9;;,;,,\r\n"));
	endpoint_format(&out.destination, destination);
	assert_string_equal(destination, "10.0.0.10:5070");
}

static void too_little_room_gives_a_refusal_or_nothing(void **state)
{
	static const char text[] = "MESSAGE sip:b@partner.example SIP/2.0\r\n"
				   "Via: SIP/2.0/UDP 10.0.0.10\r\n"
				   "From: <sip:a@local.example>;tag=1\r\n"
				   "To: <sip:b@partner.example>\r\n"
				   "Call-ID: c\r\n"
				   "CSeq: 1 MESSAGE\r\n"
				   "Content-Length: 400\r\n"
				   "\r\n";
	static char payload[sizeof(text) + 400];
	struct world *w = *state;
	struct relay_in in = {.payload = view_of(payload, sizeof(payload) - 1)};

	memset(payload, 'x', sizeof(payload));
	memcpy(payload, text, sizeof(text) - 1);
	endpoint_parse(VIEW("10.0.0.10"), 5060, TRANSPORT_UDP, &in.source);
	for (size_t room = 0; room < 800; room += 10) {
		uint8_t *bytes = malloc(room + 1);
		struct relay_out out = {.bytes = bytes, .room = room};

		relay_burst(w->relay[0], &in, &out, 1);
		assert_true(out.len <= room);
		if (out.reason == REASON_sip_request_relayed)
			assert_true(out.len > sizeof(payload));
		else
			assert_int_equal(out.reason, REASON_sip_too_large_for_hop);
		if (room < 200)
			assert_int_equal(out.len, 0);
		if (room > 450 && room < 500)
			assert_int_equal(strncmp((char *)bytes, "SIP/2.0 513 ", 12), 0);
		free(bytes);
	}
}

// Its body would not follow: what fits the fragments of a link is not all that a datagram may be.
static void a_head_alone_never_leaves_as_a_datagram(void **state)
{
	static char text[] = "MESSAGE sip:b@partner.example SIP/2.0\r\n"
			     "Via: SIP/2.0/TLS 10.0.0.10\r\n"
			     "From: <sip:a@local.example>;tag=1\r\n"
			     "To: <sip:b@partner.example>\r\n"
			     "Call-ID: c\r\n"
			     "CSeq: 1 MESSAGE\r\n"
			     "Content-Length: 100\r\n"
			     "\r\n";
	static uint8_t bytes[2048];
	struct world *w = *state;
	struct relay_in in = {.payload = view_of(text, sizeof(text) - 1),
		.listener = WORLD_INSIDE_TLS,
		.conn = 1,
		.is_read = true,
		.is_head = true};
	struct relay_out out = {.bytes = bytes, .room = sizeof(bytes)};

	endpoint_parse(VIEW("10.0.0.10"), 5061, TRANSPORT_TLS, &in.source);
	assert_int_equal(relay_read_head(w->relay[0], 0, in.payload), 100);
	relay_burst(w->relay[0], &in, &out, 1);
	assert_int_equal(out.reason, REASON_sip_too_large_for_hop);
	assert_int_equal(strncmp((char *)bytes, "SIP/2.0 513 ", 12), 0);
}

static void keepalives_and_junk_are_counted_and_not_answered(void **state)
{
	static const struct {
		struct view payload;
		enum reason reason;
	} rows[] = {
		{{(const uint8_t *)"\r\n\r\n", 4}, REASON_sip_keepalive},
		{{(const uint8_t *)"\r\n", 2}, REASON_sip_keepalive},
		{{(const uint8_t *)"", 0}, REASON_sip_not_sip},
		{{(const uint8_t *)"\0\0\0\0", 4}, REASON_sip_not_sip},
		{{(const uint8_t *)"GET / HTTP/1.1\r\n\r\n", 18}, REASON_sip_not_sip},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct relay_out out =
			world_send(w, 0, WORLD_OUTSIDE, "198.51.100.10", rows[i].payload);

		assert_int_equal(out.reason, rows[i].reason);
		assert_int_equal(out.len, 0);
	}
	assert_int_equal(w->counters[0][REASON_sip_keepalive], 2);
	assert_int_equal(w->counters[0][REASON_sip_not_sip], 3);
}

static void over_tls_a_partner_s_address_proves_nothing(void **state)
{
	struct world *w = *state;
	const struct parts parts = {
		.line = "MESSAGE sip:b@local.example SIP/2.0",
		.from = "From: <sip:a@partner.example>;tag=1",
		.to = "To: <sip:b@local.example>",
	};
	const struct parts usual = {.line = NULL};
	struct relay_out out = send_parts(w, WORLD_OUTSIDE_TLS, "198.51.100.10:5070", &parts);

	assert_int_equal(out.reason, REASON_identity_unproved);
	assert_non_null(strstr(world_masked(&out), "SIP/2.0 403 Forbidden"));
	out = send_parts(w, WORLD_OUTSIDE, "198.51.100.10:5070", &parts);
	assert_int_equal(out.reason, REASON_sip_request_relayed);
	// A server of ours need not show a certificate.
	out = send_parts(w, WORLD_INSIDE_TLS, "10.0.0.10:5070", &usual);
	assert_int_equal(out.reason, REASON_sip_request_relayed);
	out = send_parts(w, WORLD_INSIDE_TLS, "192.0.2.10:5070", &usual);
	assert_int_equal(out.reason, REASON_source_undeclared);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(every_check_before_policy_has_its_answer),
		CASE(every_verdict_has_its_answer),
		CASE(without_policy_every_request_is_refused),
		CASE(options_to_the_relay_itself_is_answered),
		CASE(options_for_a_user_or_beyond_the_relay_is_relayed),
		CASE(an_ack_to_a_refusal_is_absorbed_by_any_worker),
		CASE(an_ack_is_never_answered),
		CASE(a_refusal_within_a_dialog_keeps_its_tag),
		CASE(the_ack_to_a_refusal_within_a_dialog_is_judged_like_any_other),
		CASE(what_a_request_lacks_its_answer_lacks),
		CASE(a_request_without_via_cannot_be_answered),
		CASE(an_unreadable_via_is_answered_where_the_datagram_came_from),
		CASE(too_little_room_gives_a_refusal_or_nothing),
		CASE(a_head_alone_never_leaves_as_a_datagram),
		CASE(over_tls_a_partner_s_address_proves_nothing),
		CASE(keepalives_and_junk_are_counted_and_not_answered),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
