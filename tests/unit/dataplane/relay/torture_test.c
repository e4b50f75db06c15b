// SPDX-License-Identifier: BSD-3-Clause
// The torture messages of RFC 4475 and RFC 5118 against tests/data/sip_expectations.def, which was
// written from the RFCs.

#include "lib/sip/value.h"
#include "tests/unit/dataplane/relay/world.h"
#include "tests/unit/shared_data.h"
#include "tests/unit/test.h"

enum outcome {
	FORWARD,
	REFUSE,
	RESPONSE_DROP,
};

static const struct {
	const char *file;
	enum outcome outcome;
	unsigned status;
	const char *citation;
} rows[] = {
#define EXPECT(file, outcome, status, syntax, citation) {file, outcome, status, citation},
#include "tests/data/sip_expectations.def"
#undef EXPECT
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

// The same Request-URI; or, for a strict router (RFC 3261 §16.6 step 6), the old one as last Route.
static bool is_same_target(const struct sip_message *before, const struct sip_message *after)
{
	struct view uri = sip_view(before, before->request_uri), route;

	if (view_equal(uri, sip_view(after, after->request_uri)))
		return true;
	if (after->last[SIP_H_ROUTE] == 0)
		return false;
	route = sip_view(after, after->headers[after->last[SIP_H_ROUTE] - 1].value);
	return route.len == uri.len + 2 && memcmp(route.at + 1, uri.at, uri.len) == 0;
}

// Forwarded: parses, with our Via on top and target and body unchanged.
static bool is_forwarded(const struct relay_out *out, struct view file)
{
	static struct sip_message before, after;
	struct sip_via via;
	struct sip_value at;

	if (out->reason != REASON_sip_request_relayed ||
		sip_message_parse(file, SIP_DATAGRAM, &before) != REASON_none ||
		sip_message_parse(view_of(out->bytes, out->len), SIP_DATAGRAM, &after) !=
			REASON_none ||
		sip_top_via(&after, &via, &at) != 0)
		return false;
	return view_equal(via.sent_by, VIEW("10.0.0.1:5060")) &&
		view_equal(before.body, after.body) && is_same_target(&before, &after);
}

static bool is_refused(const struct relay_out *out, unsigned status)
{
	static struct sip_message answer;

	return out->len > 0 &&
		sip_message_parse(view_of(out->bytes, out->len), SIP_DATAGRAM, &answer) ==
		REASON_none &&
		!answer.is_request && answer.status == status;
}

static bool is_dropped_response(const struct relay_out *out)
{
	return out->len == 0 &&
		(out->reason == REASON_sip_response_stray ||
			out->reason == REASON_sip_response_malformed);
}

static bool is_expected(const struct relay_out *out, size_t row, struct view file)
{
	if (rows[row].outcome == FORWARD)
		return is_forwarded(out, file);
	if (rows[row].outcome == REFUSE)
		return is_refused(out, rows[row].status);
	return is_dropped_response(out);
}

static void every_torture_message_meets_what_the_rfc_asks_of_a_proxy(void **state)
{
	struct world *w = world_new();
	unsigned n_wrong = 0;

	(void)state;
	if (!shared_data_is_there()) {
		world_free(w);
		skip();
	}
	assert_int_equal(N_ROWS, 49 + 12);
	for (size_t i = 0; i < N_ROWS; i++) {
		char name[128];
		struct relay_out out;
		struct view file;

		snprintf(name, sizeof(name), "sip/%s", rows[i].file);
		file = shared_data_read(name);
		assert_true(file.len > 0);
		out = world_send(w, 0, WORLD_INSIDE, "10.0.0.10", file);
		if (!is_expected(&out, i, file)) {
			n_wrong++;
			print_message("%s: reason %s, sent %.*s\n  expected %u: %s\n", rows[i].file,
				reason_name(out.reason), (int)(out.len > 40 ? 40 : out.len),
				(const char *)out.bytes, rows[i].status, rows[i].citation);
		}
		shared_data_free(file);
	}
	world_free(w);
	assert_int_equal(n_wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_torture_message_meets_what_the_rfc_asks_of_a_proxy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
