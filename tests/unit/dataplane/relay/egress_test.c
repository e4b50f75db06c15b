// SPDX-License-Identifier: BSD-3-Clause
// Egress against real connections, in virtual time.

#include "tests/unit/test.h"

#include "tests/unit/dataplane/relay/egress_world.h"

#define PAIR 77
// Of the world's connections.
#define SEND_BYTES (64 << 10)

static int setup(void **state)
{
	*state = world_new(1, WORLD_CHUNKS, NULL);
	return 0;
}

static int setup_two(void **state)
{
	*state = world_new(2, WORLD_CHUNKS, NULL);
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	return 0;
}

// Sends messages "aaaa…" of n bytes until one is refused; how many were not.
static unsigned fill(struct world *w, unsigned partner, enum parcel_kind kind, size_t n)
{
	unsigned before = w->n_refused, sent = 0;

	for (; w->n_refused == before && sent < WORLD_MESSAGES; sent++)
		world_send_parcel(w, world_parcel(w, partner, kind, PAIR, 1, "a", n));
	return sent - 1;
}

// One slot to partner 0, up and empty.
static void open_up(struct world *w)
{
	world_send(w, 0, PARCEL_REQUEST, PAIR, 1, "first;");
	world_run(w, 20);
	assert_int_equal(world_usage(w).n_up, 1);
}

static void a_message_waits_for_control_and_the_handshake_and_is_written(void **state)
{
	struct world *w = *state;

	w->answers = false;
	world_send(w, 0, PARCEL_REQUEST, PAIR, 1, "one;");
	world_run(w, 20);
	assert_int_equal(world_n_conns(w, 0), 0);
	assert_int_equal(world_usage(w).n_waiting, 1);
	world_open(w);
	world_run(w, 20);
	assert_int_equal(world_n_conns(w, 0), 1);
	assert_string_equal(world_read(w, 0), "one;");
	assert_int_equal(world_last_told(w, LINK_TARGET_STATE)->target_state.state, LINK_TARGET_UP);
}

// A message to where a domain is found, showing a certificate.
static struct parcel *parcel_by_domain(struct world *w, const char *domain, uint32_t certificate)
{
	struct parcel *p = world_parcel(w, 0, PARCEL_REQUEST, PAIR, 1, "one;", 4);

	assert_true(p->room - p->len >= strlen(domain));
	memcpy(p->bytes + p->len, domain, strlen(domain));
	p->n_domain = (uint8_t)strlen(domain);
	p->names_hop = true;
	p->destination = (struct endpoint){
		.ip = {.bytes = {1, 2, 3}, .family = IP_NAMED}, .transport = TRANSPORT_TLS};
	p->certificate = certificate;
	return p;
}

static void control_is_asked_for_a_hop_of_a_domain_by_its_name(void **state)
{
	struct world *w = *state;
	const struct link_target_wanted *wanted;

	w->answers = false;
	world_send_parcel(w, parcel_by_domain(w, "fabrikam.example", 0));
	wanted = &world_last_told(w, LINK_TARGET_WANTED)->target_wanted;
	assert_int_equal(wanted->name_len, strlen("fabrikam.example"));
	assert_memory_equal(wanted->name, "fabrikam.example", wanted->name_len);
}

static void connections_that_show_another_certificate_are_others(void **state)
{
	struct world *w = *state;

	w->answers = false;
	world_send_parcel(w, parcel_by_domain(w, "fabrikam.example", 0));
	world_send_parcel(w, parcel_by_domain(w, "fabrikam.example", 0));
	assert_int_equal(world_usage(w).n_slots, 1);
	world_send_parcel(w, parcel_by_domain(w, "fabrikam.example", 7));
	assert_int_equal(world_usage(w).n_slots, 2);
	assert_int_equal(
		world_last_told(w, LINK_TARGET_WANTED)->target_wanted.target.certificate, 7);
}

static void what_waited_is_written_in_its_order_and_what_comes_later_after_it(void **state)
{
	struct world *w = *state;

	world_send(w, 0, PARCEL_REQUEST, PAIR, 1, "1;");
	world_send(w, 0, PARCEL_KEEP, PAIR, 1, "2;");
	world_run(w, 1);
	world_send(w, 0, PARCEL_REQUEST, PAIR, 1, "3;");
	world_run(w, 20);
	world_send(w, 0, PARCEL_KEEP, PAIR, 1, "4;");
	world_run(w, 20);
	assert_string_equal(world_read(w, 0), "1;2;3;4;");
	assert_int_equal(world_count_told(w, LINK_TARGET_WANTED), 1);
}

static void pairs_share_the_slots_and_one_pair_keeps_to_one(void **state)
{
	struct world *w = *state;
	char text[16];

	for (uint32_t i = 0; i < 400; i++) {
		snprintf(text, sizeof(text), "%u;", i);
		world_send(w, 0, PARCEL_REQUEST, i % 100 * 2654435761u, 4, text);
	}
	world_run(w, 30);
	assert_int_equal(world_n_conns(w, 0), 4);
	for (unsigned c = 0; c < w->n_conns; c++) {
		const char *at = w->conns[c]->text;
		unsigned n = 0;
		int last[100];

		memset(last, 0xff, sizeof(last));
		for (; *at != '\0'; at = strchr(at, ';') + 1, n++) {
			int i = atoi(at);

			// All four of a pair, in order.
			assert_int_equal(i, last[i % 100] < 0 ? i % 100 : last[i % 100] + 100);
			last[i % 100] = i;
		}
		assert_in_range(n, 40, 200);
	}
}

static void a_target_has_no_more_connections_than_configured(void **state)
{
	struct world *w = *state;

	for (uint32_t i = 0; i < 100; i++)
		world_send(w, 0, PARCEL_REQUEST, i * 2654435761u, 2, "m;");
	world_run(w, 30);
	assert_int_equal(world_n_conns(w, 0), 2);
}

static void slots_belong_to_workers_in_turn_and_parcels_are_handed_over(void **state)
{
	struct world *w = *state;
	struct egress_usage usage;

	for (uint32_t i = 0; i < 100; i++)
		world_send(w, 0, PARCEL_REQUEST, i * 2654435761u, 4, "m;");
	world_run(w, 30);
	assert_int_equal(world_n_conns(w, 0), 4);
	for (unsigned i = 0; i < 2; i++) {
		egress_usage(w->workers[i].egress, &usage);
		assert_int_equal(usage.n_up, 2);
	}
	assert_int_equal(strlen(world_read(w, 0)), 200);
}

static void both_workers_choose_the_same_slot_of_the_same_owner(void **state)
{
	struct world *w = *state;

	for (uint32_t i = 0; i < 50; i++) {
		struct parcel *p = world_parcel(w, 0, PARCEL_REQUEST, i * 2654435761u, 4, "m;", 2);

		egress_send(w->workers[i % 2].egress, p, w->now);
	}
	world_run(w, 30);
	assert_int_equal(world_usage(w).n_slots, 4);
	assert_int_equal(world_n_conns(w, 0), 4);
}

static void a_full_ring_to_the_owner_refuses_requests_and_counts_responses(void **state)
{
	struct world *w = *state;
	struct parcel *p;

	w->ring_full = true;
	for (uint32_t i = 0; i < 100; i++)
		world_send(w, 0, PARCEL_REQUEST, i * 2654435761u, 4, "m;");
	assert_in_range(w->n_refused, 20, 80);
	assert_int_equal(w->refused[0], REASON_egress_ring_full);
	assert_int_equal(world_counter(w, REASON_egress_ring_full), w->n_refused);
	for (uint32_t i = 0; i < 100; i++) {
		p = world_parcel(w, 0, PARCEL_KEEP, i * 2654435761u, 4, "m;", 2);
		p->is_response = true;
		world_send_parcel(w, p);
	}
	assert_int_equal(world_counter(w, REASON_egress_ring_full), 2 * (uint64_t)w->n_refused);
}

static void a_partner_that_refuses_costs_what_waited_and_control_is_told(void **state)
{
	struct world *w = *state;
	const struct link_message *m;
	struct parcel *p;

	world_send(w, WORLD_NO_SERVER, PARCEL_REQUEST, PAIR, 1, "one;");
	world_send(w, WORLD_NO_SERVER, PARCEL_KEEP, PAIR, 1, "bye;");
	p = world_parcel(w, WORLD_NO_SERVER, PARCEL_KEEP, PAIR, 1, "200;", 4);
	p->is_response = true;
	world_send_parcel(w, p);
	world_run(w, 20);
	// The response has nobody to be told.
	assert_int_equal(w->n_refused, 2);
	assert_string_equal(w->refused_text[0], "one;");
	assert_string_equal(w->refused_text[1], "bye;");
	assert_int_equal(w->refused[0], REASON_egress_down);
	assert_int_equal(world_counter(w, REASON_egress_down), 3);
	m = world_last_told(w, LINK_TARGET_STATE);
	assert_int_equal(m->target_state.state, LINK_TARGET_FAILED);
	assert_int_equal(m->target_state.reason, REASON_tcp_refused);
	assert_int_equal(world_usage(w).n_waiting, 0);
}

static void a_refusal_of_control_holds_for_its_time_and_then_it_is_asked_again(void **state)
{
	struct world *w = *state;

	w->answers = false;
	world_send(w, 0, PARCEL_REQUEST, PAIR, 1, "one;");
	world_refuse(w, 500);
	assert_int_equal(w->n_refused, 1);
	world_run(w, 400);
	world_send(w, 0, PARCEL_REQUEST, PAIR, 1, "two;");
	assert_int_equal(w->n_refused, 2);
	assert_int_equal(w->refused[1], REASON_egress_down);
	assert_int_equal(world_count_told(w, LINK_TARGET_WANTED), 1);
	world_run(w, 101);
	world_send(w, 0, PARCEL_REQUEST, PAIR, 1, "three;");
	assert_int_equal(w->n_refused, 2);
	assert_int_equal(world_count_told(w, LINK_TARGET_WANTED), 2);
	world_open(w);
	world_run(w, 20);
	assert_string_equal(world_read(w, 0), "three;");
}

static void without_control_a_message_waits_its_time_and_is_refused_as_unanswered(void **state)
{
	struct world *w = *state;

	w->away = true;
	world_send(w, 0, PARCEL_REQUEST, PAIR, 1, "one;");
	world_run(w, 3990);
	assert_int_equal(w->n_refused, 0);
	world_run(w, 20);
	assert_int_equal(w->n_refused, 1);
	assert_int_equal(w->refused[0], REASON_egress_unanswered);
	assert_int_equal(reason_sip_status(REASON_egress_unanswered), 504);
}

static void control_that_comes_back_is_asked_and_what_waits_is_written(void **state)
{
	struct world *w = *state;

	w->away = true;
	world_send(w, 0, PARCEL_REQUEST, PAIR, 1, "one;");
	world_run(w, 1003);
	w->away = false;
	egress_attached(w->workers[0].egress);
	world_run(w, 20);
	assert_string_equal(world_read(w, 0), "one;");
	assert_int_equal(w->n_refused, 0);
}

static void an_answer_that_is_lost_is_asked_for_again(void **state)
{
	struct world *w = *state;

	w->answers = false;
	world_send(w, 0, PARCEL_REQUEST, PAIR, 1, "one;");
	world_run(w, 1100);
	assert_int_equal(world_count_told(w, LINK_TARGET_WANTED), 5);
	// Nothing waits any more: nor does anybody ask.
	world_run(w, 4000);
	w->n_told = w->n_answered = 0;
	world_run(w, 2000);
	assert_int_equal(w->n_told, 0);
}

static void connections_go_on_without_control_and_a_new_one_is_told_of_them(void **state)
{
	struct world *w = *state;

	open_up(w);
	w->away = true;
	world_send(w, 0, PARCEL_REQUEST, PAIR, 1, "second;");
	world_run(w, 300);
	assert_string_equal(world_read(w, 0), "first;second;");
	w->away = false;
	w->n_told = w->n_answered = 0;
	egress_attached(w->workers[0].egress);
	world_run(w, 2);
	assert_int_equal(w->n_told, 1);
	assert_int_equal(w->told[0].type, LINK_TARGET_STATE);
	assert_int_equal(w->told[0].target_state.state, LINK_TARGET_UP);
	assert_in_range(w->told[0].target_state.since_ms, 300, 330);
}

static void an_end_that_control_could_not_be_told_is_told_later(void **state)
{
	struct world *w = *state;

	open_up(w);
	w->away = true;
	world_reset(w, 0);
	world_run(w, 50);
	w->away = false;
	w->n_told = w->n_answered = 0;
	world_run(w, 2);
	assert_int_equal(w->n_told, 1);
	assert_int_equal(w->told[0].target_state.state, LINK_TARGET_ENDED);
	assert_int_equal(w->told[0].target_state.reason, REASON_tcp_reset);
}

static void a_handshake_that_nobody_answers_is_given_up(void **state)
{
	struct world *w = *state;

	w->silent[0] = true;
	world_send(w, 0, PARCEL_REQUEST, PAIR, 1, "one;");
	world_run(w, 4010);
	assert_int_equal(w->n_refused, 1);
	assert_int_equal(w->refused[0], REASON_egress_down);
	assert_int_equal(world_count_told(w, LINK_TARGET_STATE), 0);
	world_run(w, 6020);
	assert_int_equal(
		world_last_told(w, LINK_TARGET_STATE)->target_state.reason, REASON_tcp_timed_out);
	assert_int_equal(world_counter(w, REASON_tcp_timed_out), 1);
}

static void no_source_port_is_a_failure_that_control_hears_of(void **state)
{
	struct world *w = *state;

	w->no_ports = true;
	world_send(w, 0, PARCEL_REQUEST, PAIR, 1, "one;");
	world_run(w, 5);
	assert_int_equal(w->refused[0], REASON_egress_down);
	assert_int_equal(
		world_last_told(w, LINK_TARGET_STATE)->target_state.reason, REASON_tcp_no_conns);
}

static void a_connection_that_ends_is_asked_for_again_by_the_next_message(void **state)
{
	struct world *w = *state;

	open_up(w);
	world_reset(w, 0);
	world_run(w, 10);
	assert_int_equal(world_usage(w).n_up, 0);
	world_send(w, 0, PARCEL_REQUEST, PAIR, 1, "second;");
	world_run(w, 20);
	assert_string_equal(world_read(w, 0), "first;second;");
	assert_int_equal(w->n_refused, 0);
	assert_int_equal(world_counter(w, REASON_egress_lost), 0);
}

static void a_partner_that_has_finished_gets_the_next_message_on_another_connection(void **state)
{
	struct world *w = *state;

	open_up(w);
	world_finish(w, 0);
	world_run(w, 5);
	world_send(w, 0, PARCEL_REQUEST, PAIR, 1, "second;");
	world_run(w, 20);
	assert_string_equal(world_read(w, 0), "first;second;");
	assert_int_equal(world_n_conns(w, 0), 1);
	assert_int_equal(world_last_told(w, LINK_TARGET_STATE)->target_state.state, LINK_TARGET_UP);
}

static void a_queue_sheds_new_requests_before_dialogs_and_these_before_what_is_kept(void **state)
{
	struct world *w = *state;

	w->answers = false;
	assert_int_equal(fill(w, 0, PARCEL_REQUEST, 10), 512);
	assert_int_equal(w->refused[0], REASON_egress_full);
	assert_int_equal(fill(w, 0, PARCEL_DIALOG, 10), 256);
	assert_int_equal(w->refused[1], REASON_egress_full);
	assert_int_equal(fill(w, 0, PARCEL_KEEP, 10), 256);
	assert_int_equal(w->refused[2], REASON_egress_full);
	assert_int_equal(reason_sip_status(REASON_egress_full), 503);
	world_open(w);
	world_run(w, 50);
	assert_int_equal(strlen(world_read(w, 0)), 10240);
}

static void a_queue_is_bounded_in_bytes_too(void **state)
{
	struct world *w = *state;

	w->answers = false;
	assert_int_equal(fill(w, 0, PARCEL_REQUEST, 8 << 10), 4);
	assert_int_equal(fill(w, 0, PARCEL_KEEP, 8 << 10), 4);
	assert_int_equal(world_counter(w, REASON_egress_full), 2);
}

static void one_message_over_half_the_bound_goes_where_nothing_waits(void **state)
{
	struct world *w = *state;

	world_send_parcel(w, world_parcel(w, 0, PARCEL_REQUEST, PAIR, 1, "a", SEND_BYTES - 1));
	world_run(w, 100);
	assert_int_equal(strlen(world_read(w, 0)), SEND_BYTES - 1);
	world_send_parcel(w, world_parcel(w, 0, PARCEL_REQUEST, PAIR, 1, "a", SEND_BYTES + 1));
	assert_int_equal(w->refused[0], REASON_sip_too_large_for_hop);
}

static void few_of_all(struct egress_config *config)
{
	config->waiting_of_all = 20;
}

static void messages_that_wait_are_bounded_over_all_targets(void **state)
{
	struct world *w = world_new(1, WORLD_CHUNKS, few_of_all);

	(void)state;
	w->answers = false;
	assert_int_equal(fill(w, 0, PARCEL_REQUEST, 10), 10);
	assert_int_equal(fill(w, 1, PARCEL_REQUEST, 10), 0);
	assert_int_equal(fill(w, 1, PARCEL_KEEP, 10), 10);
	world_run(w, 5000);
	assert_int_equal(world_usage(w).n_waiting, 0);
	assert_int_equal(fill(w, 1, PARCEL_REQUEST, 10), 10);
	world_free(w);
}

static void shares(struct egress_config *config)
{
	config->waiting_of_all = 64;
	config->waiting_of_target = 32;
}

// n messages of a weight to partner n, each of another pair; how many were not refused.
static unsigned fill_weighing(struct world *w, unsigned partner, enum parcel_kind kind,
	unsigned slots, unsigned n, uint32_t weight)
{
	unsigned n_refused = w->n_refused;

	for (unsigned i = 0; i < n; i++) {
		struct parcel *p = world_parcel(w, partner, kind, i, slots, "x", 10);

		p->weight = weight;
		world_send_parcel(w, p);
	}
	return n - (w->n_refused - n_refused);
}

static void a_target_that_is_down_leaves_the_others_their_share(void **state)
{
	struct world *w = world_new(1, WORLD_CHUNKS, shares);

	(void)state;
	w->answers = false;
	// By whichever of its four connections.
	assert_int_equal(fill_weighing(w, 0, PARCEL_REQUEST, 4, 40, 1), 16);
	assert_int_equal(fill_weighing(w, 0, PARCEL_KEEP, 4, 40, 1), 16);
	assert_int_equal(fill_weighing(w, 1, PARCEL_KEEP, 4, 40, 1), 32);
	world_run(w, 5000);
	assert_int_equal(world_usage(w).n_waiting, 0);
	assert_int_equal(fill_weighing(w, 0, PARCEL_KEEP, 1, 40, 1), 32);
	world_free(w);
}

static void what_waits_counts_by_the_memory_that_it_holds(void **state)
{
	struct world *w = world_new(1, WORLD_CHUNKS, shares);

	(void)state;
	w->answers = false;
	assert_int_equal(fill_weighing(w, 0, PARCEL_REQUEST, 1, 5, 16), 1);
	assert_int_equal(fill_weighing(w, 0, PARCEL_KEEP, 1, 5, 16), 1);
	assert_int_equal(fill_weighing(w, 1, PARCEL_REQUEST, 1, 5, 17), 0);
	assert_int_equal(fill_weighing(w, 1, PARCEL_KEEP, 1, 5, 8), 4);
	// Those two have all.
	assert_int_equal(fill_weighing(w, 2, PARCEL_KEEP, 1, 5, 1), 0);
	world_run(w, 5000);
	assert_int_equal(fill_weighing(w, 2, PARCEL_KEEP, 1, 5, 1), 5);
	world_free(w);
}

static void memory_of_one_worker_waits_at_the_others_for_its_part_only(void **state)
{
	struct world *w = world_new(2, WORLD_CHUNKS, shares);
	unsigned n = 0;

	(void)state;
	w->answers = false;
	// All of it is worker 0's, at whichever worker the targets are.
	for (unsigned partner = 0; partner < 8; partner++)
		n += fill_weighing(w, partner, PARCEL_KEEP, 4, 40, 1);
	assert_int_equal(n, 64);
	world_free(w);
}

static void a_partner_that_stops_reading_refuses_requests_at_half_and_keeps_the_rest(void **state)
{
	struct world *w = *state;
	unsigned n;

	open_up(w);
	w->reads[0] = false;
	n = fill(w, 0, PARCEL_REQUEST, 1000);
	world_run(w, 200);
	// Its window has taken some of them.
	n += fill(w, 0, PARCEL_REQUEST, 1000);
	assert_in_range(n, 32, 48);
	assert_int_equal(w->refused[0], REASON_egress_full);
	for (unsigned i = 0; i < 20; i++)
		world_send_parcel(w, world_parcel(w, 0, PARCEL_KEEP, PAIR, 1, "k", 1000));
	assert_int_equal(w->n_refused, 2);
	w->reads[0] = true;
	world_run(w, 1000);
	assert_int_equal(strlen(world_read(w, 0)), 6 + (n + 20) * 1000);
	world_send(w, 0, PARCEL_REQUEST, PAIR, 1, "again;");
	assert_int_equal(w->n_refused, 2);
}

static void a_partner_that_does_not_read_what_is_kept_either_loses_its_connection(void **state)
{
	struct world *w = *state;
	const struct link_message *m;
	unsigned n = 0;

	open_up(w);
	w->reads[0] = false;
	world_run(w, 10);
	while (world_counter(w, REASON_egress_stuck) == 0 && n++ < 100)
		world_send_parcel(w, world_parcel(w, 0, PARCEL_KEEP, PAIR, 1, "k", 1000));
	assert_in_range(n, 60, 70);
	m = world_last_told(w, LINK_TARGET_STATE);
	assert_int_equal(m->target_state.state, LINK_TARGET_ENDED);
	assert_int_equal(m->target_state.reason, REASON_egress_stuck);
	assert_int_equal(m->target_state.lost_bytes, (n - 1) * 1000);
	// The message that found it full is not lost.
	w->reads[0] = true;
	world_run(w, 50);
	assert_int_equal(world_counter(w, REASON_egress_lost), 1);
	assert_non_null(strstr(world_read(w, 0), "k"));
	assert_int_equal(world_usage(w).n_up, 1);
	assert_int_equal(w->n_refused, 0);
}

static void a_connection_that_is_full_for_long_is_given_up_for_another_one(void **state)
{
	struct world *w = *state;

	open_up(w);
	w->reads[0] = false;
	(void)fill(w, 0, PARCEL_REQUEST, 1000);
	world_run(w, 31000);
	(void)fill(w, 0, PARCEL_REQUEST, 1000);
	world_run(w, 900);
	(void)fill(w, 0, PARCEL_REQUEST, 1000);
	assert_int_equal(world_counter(w, REASON_egress_stuck), 0);
	world_run(w, 33000);
	world_send_parcel(w, world_parcel(w, 0, PARCEL_REQUEST, PAIR, 1, "fresh;", 1000));
	assert_int_equal(world_counter(w, REASON_egress_stuck), 1);
	w->reads[0] = true;
	world_run(w, 50);
	assert_non_null(strstr(world_read(w, 0), "fresh;"));
}

static void a_stuck_partner_delays_nobody_else(void **state)
{
	struct world *w = *state;

	open_up(w);
	w->reads[0] = false;
	(void)fill(w, 0, PARCEL_REQUEST, 1000);
	world_send(w, 1, PARCEL_REQUEST, PAIR, 1, "other;");
	world_run(w, 10);
	assert_string_equal(world_read(w, 1), "other;");
}

// Buffer memory for about thirty messages of 1000 bytes, which one partner holds.
static void when_the_memory_of_all_is_full_requests_are_refused_and_the_rest_waits(void **state)
{
	struct world *w = world_new(1, 24, NULL);
	unsigned n;

	(void)state;
	world_send(w, 0, PARCEL_REQUEST, PAIR, 1, "first;");
	world_send(w, 1, PARCEL_REQUEST, PAIR, 1, "first;");
	world_run(w, 20);
	w->reads[0] = w->reads[1] = false;
	n = fill(w, 0, PARCEL_REQUEST, 1000);
	assert_in_range(n, 10, 40);
	world_send(w, 1, PARCEL_REQUEST, PAIR, 1, "request;");
	assert_int_equal(w->n_refused, 2);
	assert_int_equal(w->refused[1], REASON_egress_full);
	world_send_parcel(w, world_parcel(w, 1, PARCEL_KEEP, PAIR, 1, "kept;", 1000));
	world_send(w, 1, PARCEL_KEEP, PAIR, 1, "behind;");
	assert_int_equal(w->n_refused, 2);
	assert_int_equal(world_usage(w).n_waiting, 2);
	w->reads[0] = w->reads[1] = true;
	world_run(w, 500);
	assert_int_equal(world_usage(w).n_waiting, 0);
	assert_int_equal(strlen(world_read(w, 1)), 6 + 1000 + 7);
	assert_string_equal(world_read(w, 1) + 6 + 1000, "behind;");
	assert_int_equal(world_counter(w, REASON_egress_stuck), 0);
	world_free(w);
}

static void what_was_not_acknowledged_is_lost_and_counted_with_its_connection(void **state)
{
	struct world *w = *state;
	const struct link_message *m;

	open_up(w);
	w->silent[0] = true;
	world_send_parcel(w, world_parcel(w, 0, PARCEL_REQUEST, PAIR, 1, "a", 5000));
	world_run(w, 5);
	world_reset(w, 0);
	world_run(w, 5);
	m = world_last_told(w, LINK_TARGET_STATE);
	assert_int_equal(m->target_state.reason, REASON_tcp_reset);
	assert_int_equal(m->target_state.lost_bytes, 5000);
	assert_int_equal(world_counter(w, REASON_egress_lost), 1);
}

static void few_slots(struct egress_config *config)
{
	config->n_slots = 2;
}

static void the_longest_unused_target_gives_way_to_a_new_one(void **state)
{
	struct world *w = world_new(1, WORLD_CHUNKS, few_slots);

	(void)state;
	world_send(w, 0, PARCEL_REQUEST, PAIR, 1, "a;");
	world_run(w, 200);
	world_send(w, 1, PARCEL_REQUEST, PAIR, 1, "b;");
	world_run(w, 200);
	world_send(w, 0, PARCEL_REQUEST, PAIR, 1, "c;");
	world_run(w, 20);
	world_send(w, 2, PARCEL_REQUEST, PAIR, 1, "d;");
	world_run(w, 20);
	assert_string_equal(world_read(w, 2), "d;");
	assert_int_equal(world_n_conns(w, 0), 1);
	assert_int_equal(world_n_conns(w, 1), 0);
	assert_int_equal(world_counter(w, REASON_egress_idle), 1);
	assert_int_equal(w->n_refused, 0);
	world_free(w);
}

static void a_target_for_which_something_waits_does_not_give_way(void **state)
{
	struct world *w = world_new(1, WORLD_CHUNKS, few_slots);

	(void)state;
	w->answers = false;
	world_send(w, 0, PARCEL_REQUEST, PAIR, 1, "a;");
	world_send(w, 1, PARCEL_REQUEST, PAIR, 1, "b;");
	world_send(w, 2, PARCEL_REQUEST, PAIR, 1, "c;");
	assert_int_equal(w->n_refused, 1);
	assert_int_equal(w->refused[0], REASON_egress_full);
	assert_string_equal(w->refused_text[0], "c;");
	world_free(w);
}

static void idle_soon(struct egress_config *config)
{
	config->idle_ms = 1000;
}

static void a_connection_that_carries_nothing_is_closed_and_opened_again_when_wanted(void **state)
{
	struct world *w = world_new(1, WORLD_CHUNKS, idle_soon);

	(void)state;
	open_up(w);
	world_run(w, 900);
	assert_int_equal(world_n_conns(w, 0), 1);
	world_run(w, 200);
	assert_int_equal(world_n_conns(w, 0), 0);
	assert_int_equal(world_counter(w, REASON_egress_idle), 1);
	world_send(w, 0, PARCEL_REQUEST, PAIR, 1, "second;");
	world_run(w, 20);
	assert_string_equal(world_read(w, 0), "first;second;");
	world_free(w);
}

static void answers_that_nobody_asked_for_change_nothing(void **state)
{
	struct world *w = *state;

	open_up(w);
	world_open(w);
	world_refuse(w, 1000);
	world_send(w, 0, PARCEL_REQUEST, PAIR, 1, "second;");
	world_run(w, 10);
	assert_string_equal(world_read(w, 0), "first;second;");
	assert_int_equal(world_n_conns(w, 0), 1);
}

static void a_message_that_finds_its_connection_gone_finds_the_next_one(void **state)
{
	struct world *w = *state;

	open_up(w);
	// Before the engine's event has been taken.
	world_reset(w, 0);
	world_carry(w);
	world_send(w, 0, PARCEL_REQUEST, PAIR, 1, "second;");
	assert_int_equal(w->n_refused, 0);
	world_run(w, 20);
	assert_string_equal(world_read(w, 0), "first;second;");
}

#define CASE(name)     cmocka_unit_test_setup_teardown(name, setup, teardown)
#define CASE_TWO(name) cmocka_unit_test_setup_teardown(name, setup_two, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_message_waits_for_control_and_the_handshake_and_is_written),
		CASE(what_waited_is_written_in_its_order_and_what_comes_later_after_it),
		CASE(connections_that_show_another_certificate_are_others),
		CASE(control_is_asked_for_a_hop_of_a_domain_by_its_name),
		CASE(pairs_share_the_slots_and_one_pair_keeps_to_one),
		CASE(a_target_has_no_more_connections_than_configured),
		CASE_TWO(slots_belong_to_workers_in_turn_and_parcels_are_handed_over),
		CASE_TWO(both_workers_choose_the_same_slot_of_the_same_owner),
		CASE_TWO(a_full_ring_to_the_owner_refuses_requests_and_counts_responses),
		CASE(a_partner_that_refuses_costs_what_waited_and_control_is_told),
		CASE(a_refusal_of_control_holds_for_its_time_and_then_it_is_asked_again),
		CASE(without_control_a_message_waits_its_time_and_is_refused_as_unanswered),
		CASE(control_that_comes_back_is_asked_and_what_waits_is_written),
		CASE(an_answer_that_is_lost_is_asked_for_again),
		CASE(connections_go_on_without_control_and_a_new_one_is_told_of_them),
		CASE(an_end_that_control_could_not_be_told_is_told_later),
		CASE(a_handshake_that_nobody_answers_is_given_up),
		CASE(no_source_port_is_a_failure_that_control_hears_of),
		CASE(a_connection_that_ends_is_asked_for_again_by_the_next_message),
		CASE(a_partner_that_has_finished_gets_the_next_message_on_another_connection),
		CASE(a_queue_sheds_new_requests_before_dialogs_and_these_before_what_is_kept),
		CASE(a_queue_is_bounded_in_bytes_too),
		CASE(one_message_over_half_the_bound_goes_where_nothing_waits),
		cmocka_unit_test(messages_that_wait_are_bounded_over_all_targets),
		CASE(a_target_that_is_down_leaves_the_others_their_share),
		CASE(what_waits_counts_by_the_memory_that_it_holds),
		CASE(memory_of_one_worker_waits_at_the_others_for_its_part_only),
		CASE(a_partner_that_stops_reading_refuses_requests_at_half_and_keeps_the_rest),
		CASE(a_partner_that_does_not_read_what_is_kept_either_loses_its_connection),
		CASE(a_connection_that_is_full_for_long_is_given_up_for_another_one),
		CASE(a_stuck_partner_delays_nobody_else),
		cmocka_unit_test(
			when_the_memory_of_all_is_full_requests_are_refused_and_the_rest_waits),
		CASE(what_was_not_acknowledged_is_lost_and_counted_with_its_connection),
		cmocka_unit_test(the_longest_unused_target_gives_way_to_a_new_one),
		cmocka_unit_test(a_target_for_which_something_waits_does_not_give_way),
		cmocka_unit_test(
			a_connection_that_carries_nothing_is_closed_and_opened_again_when_wanted),
		CASE(answers_that_nobody_asked_for_change_nothing),
		CASE(a_message_that_finds_its_connection_gone_finds_the_next_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
