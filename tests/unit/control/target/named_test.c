// SPDX-License-Identifier: BSD-3-Clause
// Next hops that are names: who asks where they are, and what becomes of the answer.

#include "control/target/targets.h"
#include "tests/unit/lib/policy/fixture.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define MS        UINT64_C(1000000)
#define SECOND    (1000 * MS)
#define LISTENERS 3
#define WORKER    5

struct world {
	struct fixture policy;
	struct targets *targets;
	uint64_t now;
	struct link_message answer;
	struct targets_question question;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	*state = w;
	fixture_init(&w->policy, IMAGE_FEDERATION_ON | IMAGE_SIP_ON);
	fixture_add_name_of(&w->policy, "found.example", IMAGE_ALLOW, w->policy.discovered, 1);
	fixture_add_name(&w->policy, "partner.example", IMAGE_ALLOW, 2);
	fixture_open(&w->policy, 1);
	w->targets = targets_new(8, 42);
	assert_non_null(w->targets);
	w->now = 5000 * SECOND;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	targets_free(w->targets);
	fixture_fini(&w->policy);
	free(w);
	return 0;
}

// As the policy of the fixture has it.
static uint32_t peer_of(void *arg, struct view domain)
{
	const struct world *w = arg;

	if (view_equal(domain, VIEW("found.example")))
		return w->policy.discovered;
	return view_equal(domain, VIEW("partner.example")) ? w->policy.partner : IMAGE_PEER_NONE;
}

static enum targets_reply hear(struct world *w, unsigned worker, const struct link_message *m)
{
	const struct targets_policy policy = {w->policy.policy.image, peer_of, w};

	assert_null(link_message_check(m, LINK_TO_CONTROL, 0));
	return targets_hear(
		w->targets, &policy, LISTENERS, worker, m, w->now, &w->answer, &w->question);
}

static struct link_target target_of(
	struct world *w, enum hop_kind kind, const char *name, uint16_t port, uint8_t slot)
{
	struct link_target t = {.listener = 1, .slot = slot};

	t.remote.ip = hop_key(image_hop_keys(w->policy.policy.image), kind, view_string(name));
	t.remote.port = port;
	t.remote.transport = TRANSPORT_TLS;
	return t;
}

static struct link_target host(struct world *w, uint8_t slot)
{
	return target_of(w, HOP_HOST, "proxy.example", 5061, slot);
}

// domain: that the hop is made of; empty for a host.
static enum targets_reply want(
	struct world *w, unsigned worker, const struct link_target *which, const char *domain)
{
	struct link_message m;

	link_message_init(&m, LINK_TARGET_WANTED);
	m.target_wanted.target = *which;
	assert_true(link_message_append(&m, domain, strlen(domain)));
	return hear(w, worker, &m);
}

static void tell(struct world *w, const struct link_target *which, enum link_target_state state)
{
	struct link_message m;

	link_message_init(&m, LINK_TARGET_STATE);
	m.target_state.target = *which;
	m.target_state.state = (uint8_t)state;
	m.target_state.reason = state == LINK_TARGET_UP ? REASON_none : REASON_tcp_refused;
	assert_int_equal(hear(w, WORKER, &m), TARGETS_NOTHING);
}

static struct endpoint place(const char *text)
{
	struct endpoint e;

	assert_int_equal(endpoint_parse(view_string(text), 5061, TRANSPORT_TLS, &e), 0);
	return e;
}

// Answers the last question; the address that may be connected to, or port 0 and the wait in *ms.
static struct endpoint found(struct world *w, size_t n, uint32_t *ms)
{
	const struct endpoint places[] = {
		place("192.0.2.1"), place("[2001:db8::1]"), place("192.0.2.3:5062")};
	struct endpoint none = {.port = 0};

	targets_found(w->targets, &w->question, places, n, w->now, &w->answer);
	assert_null(link_message_check(&w->answer, LINK_TO_WORKER, 0));
	*ms = 0;
	if (w->answer.type == LINK_TARGET_OPEN)
		return w->answer.target_open.address;
	*ms = w->answer.target_refused.retry_ms;
	return none;
}

static void a_host_is_asked_for_by_its_name_and_then_opened(void **state)
{
	struct world *w = *state;
	struct link_target which = host(w, 2);
	struct endpoint first = place("192.0.2.1"), address;
	uint32_t ms;

	assert_int_equal(want(w, WORKER, &which, ""), TARGETS_FIND);
	assert_int_equal(w->question.kind, HOP_HOST);
	assert_int_equal(w->question.port, 5061);
	assert_int_equal(w->question.worker, WORKER);
	assert_true(
		view_equal(view_of(w->question.name, w->question.name_len), VIEW("proxy.example")));
	address = found(w, 3, &ms);
	assert_true(endpoint_equal(&address, &first));
	assert_memory_equal(&w->answer.target_open.target, &which, sizeof(which));
}

static void a_domain_is_asked_for_where_its_peer_is_discovered(void **state)
{
	struct world *w = *state;
	struct link_target which = target_of(w, HOP_DOMAIN, "found.example", 0, 0);
	enum hop_kind kind;
	struct view name;

	assert_false(targets_name(w->targets, &which.remote.ip, &kind, &name));
	assert_int_equal(want(w, WORKER, &which, "found.example"), TARGETS_FIND);
	assert_true(targets_name(w->targets, &which.remote.ip, &kind, &name));
	assert_int_equal(kind, HOP_DOMAIN);
	assert_true(view_equal(name, VIEW("found.example")));
	assert_int_equal(w->question.kind, HOP_DOMAIN);
	assert_int_equal(w->question.port, 0);
	assert_true(
		view_equal(view_of(w->question.name, w->question.name_len), VIEW("found.example")));
}

static void a_worker_cannot_make_control_look_for_any_name(void **state)
{
	struct world *w = *state;
	struct link_target rows[] = {
		// Of nobody; of a peer that has hops; another domain's key; a port of its own; a
		// host by the way of domains; a host that no peer has.
		target_of(w, HOP_DOMAIN, "stranger.example", 0, 0),
		target_of(w, HOP_DOMAIN, "partner.example", 0, 0),
		target_of(w, HOP_DOMAIN, "found.example", 0, 0),
		target_of(w, HOP_DOMAIN, "found.example", 25, 0),
		target_of(w, HOP_HOST, "found.example", 0, 0),
		target_of(w, HOP_HOST, "other.example", 5061, 0),
		target_of(w, HOP_HOST, "proxy.example", 5062, 0),
	};
	static const char *const domains[] = {"stranger.example", "partner.example",
		"partner.example", "found.example", "found.example", "", ""};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(want(w, WORKER, &rows[i], domains[i]), TARGETS_ANSWER);
		assert_int_equal(w->answer.type, LINK_TARGET_REFUSED);
		assert_int_equal(targets_n_unknown(w->targets), i + 1);
	}
}

static void each_worker_s_question_is_put_once_and_answered(void **state)
{
	struct world *w = *state;
	struct link_target which = host(w, 0), other = host(w, 1);
	struct targets_question first;
	uint32_t ms;

	assert_int_equal(want(w, WORKER, &which, ""), TARGETS_FIND);
	first = w->question;
	assert_int_equal(want(w, WORKER, &which, ""), TARGETS_NOTHING);
	assert_int_equal(want(w, WORKER + 1, &which, ""), TARGETS_FIND);
	assert_int_equal(want(w, WORKER, &other, ""), TARGETS_FIND);
	w->question = first;
	assert_int_equal(found(w, 1, &ms).port, 5061);
	assert_int_equal(want(w, WORKER + 1, &which, ""), TARGETS_NOTHING);
	assert_int_equal(want(w, WORKER, &which, ""), TARGETS_FIND);
	// Another attachment's workers ask anew.
	targets_forget_connections(w->targets);
	assert_int_equal(want(w, WORKER + 1, &which, ""), TARGETS_FIND);
}

static void the_next_place_is_tried_at_once_and_the_last_one_backs_off(void **state)
{
	static const char *const places[] = {"192.0.2.1", "[2001:db8::1]", "192.0.2.3:5062"};
	struct world *w = *state;
	struct link_target which = host(w, 0);
	uint32_t ms;

	for (unsigned i = 0; i < 3; i++) {
		struct endpoint wanted = place(places[i]), address;

		assert_int_equal(want(w, WORKER, &which, ""), TARGETS_FIND);
		address = found(w, 3, &ms);
		assert_true(endpoint_equal(&address, &wanted));
		tell(w, &which, LINK_TARGET_FAILED);
	}
	assert_int_equal(want(w, WORKER, &which, ""), TARGETS_ANSWER);
	assert_int_equal(w->answer.type, LINK_TARGET_REFUSED);
	w->now += w->answer.target_refused.retry_ms * MS;
	// And then from the first one on.
	assert_int_equal(want(w, WORKER, &which, ""), TARGETS_FIND);
	assert_int_equal(found(w, 3, &ms).port, 5061);
	assert_int_equal(w->answer.target_open.address.ip.family, IP_V4);
}

static void connections_that_fail_together_leave_one_place(void **state)
{
	struct world *w = *state;
	struct endpoint second = place("[2001:db8::1]"), address;
	struct link_target which[2] = {host(w, 0), host(w, 1)};
	uint32_t ms;

	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(want(w, WORKER, &which[i], ""), TARGETS_FIND);
		found(w, 3, &ms);
	}
	tell(w, &which[0], LINK_TARGET_FAILED);
	tell(w, &which[1], LINK_TARGET_FAILED);
	assert_int_equal(want(w, WORKER, &which[0], ""), TARGETS_FIND);
	address = found(w, 3, &ms);
	assert_true(endpoint_equal(&address, &second));
	// One that is up stays the place for others.
	tell(w, &which[0], LINK_TARGET_UP);
	assert_int_equal(want(w, WORKER, &which[1], ""), TARGETS_FIND);
	address = found(w, 3, &ms);
	assert_true(endpoint_equal(&address, &second));
}

struct seen {
	unsigned n;
	char name[64];
	struct endpoint address;
	enum reason reason;
	uint32_t certificate;
};

static void see(void *arg, const struct targets_row *row)
{
	struct seen *seen = arg;

	seen->n++;
	snprintf(seen->name, sizeof(seen->name), "%.*s", (int)row->name.len,
		(const char *)row->name.at);
	seen->address = row->address;
	seen->reason = row->reason;
	seen->certificate = row->certificate;
}

static void a_name_without_places_backs_off_and_says_why(void **state)
{
	struct world *w = *state;
	struct link_target which = host(w, 0);
	struct seen seen = {0};
	uint32_t ms;

	assert_int_equal(want(w, WORKER, &which, ""), TARGETS_FIND);
	assert_int_equal(found(w, 0, &ms).port, 0);
	assert_in_range(ms, TARGETS_BACK_OFF_MS_MIN, TARGETS_BACK_OFF_MS_MAX);
	assert_int_equal(want(w, WORKER, &which, ""), TARGETS_ANSWER);
	targets_each(w->targets, w->now, see, &seen);
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.name, "proxy.example");
	assert_int_equal(seen.reason, REASON_egress_unresolved);
}

static void each_certificate_of_ours_has_connections_of_its_own(void **state)
{
	struct world *w = *state;
	struct link_target which = host(w, 0), other = which;
	struct seen seen = {0};
	uint32_t ms;

	other.certificate = 9;
	assert_int_equal(want(w, WORKER, &which, ""), TARGETS_FIND);
	found(w, 1, &ms);
	tell(w, &which, LINK_TARGET_FAILED);
	assert_int_equal(want(w, WORKER, &which, ""), TARGETS_ANSWER);
	assert_int_equal(want(w, WORKER, &other, ""), TARGETS_FIND);
	assert_int_equal(found(w, 1, &ms).port, 5061);
	targets_each(w->targets, w->now, see, &seen);
	assert_int_equal(seen.n, 2);
}

static void a_late_answer_to_a_target_that_is_gone_is_a_refusal(void **state)
{
	struct world *w = *state;
	struct link_target which = host(w, 0);
	uint32_t ms;

	assert_int_equal(want(w, WORKER, &which, ""), TARGETS_FIND);
	w->question.target.listener = 2;
	assert_int_equal(found(w, 1, &ms).port, 0);
	assert_int_equal(ms, TARGETS_BACK_OFF_MS_MIN);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(a_host_is_asked_for_by_its_name_and_then_opened),
		CASE(a_domain_is_asked_for_where_its_peer_is_discovered),
		CASE(a_worker_cannot_make_control_look_for_any_name),
		CASE(each_worker_s_question_is_put_once_and_answered),
		CASE(the_next_place_is_tried_at_once_and_the_last_one_backs_off),
		CASE(connections_that_fail_together_leave_one_place),
		CASE(a_name_without_places_backs_off_and_says_why),
		CASE(each_certificate_of_ours_has_connections_of_its_own),
		CASE(a_late_answer_to_a_target_that_is_gone_is_a_refusal),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
