// SPDX-License-Identifier: BSD-3-Clause
// Egress under whatever may happen to it, in an order that a seed chooses: every message ends once,
// and those of a pair arrive in their order.
//
//   test-dataplane_relay_egress_random [SEED [N_SEEDS]]

#include "tests/unit/test.h"

#include "tests/unit/dataplane/relay/egress_world.h"

#define N_STEPS 1500
#define N_PAIRS 8

static uint64_t first_seed = 1;
static unsigned n_seeds = 40;

struct run {
	struct world *w;
	uint64_t random;
	unsigned n_sent, n_responses;
	unsigned next[WORLD_PARTNERS][N_PAIRS]; // number of the next message
};

static uint32_t draw(struct run *r, uint32_t below)
{
	r->random = r->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((r->random >> 33) % below);
}

// Number of connections: a pair's own, so that it has one slot.
static unsigned slots_of(unsigned pair)
{
	return 1 + pair % EGRESS_SLOTS_MAX;
}

static void send_some(struct run *r)
{
	for (unsigned n = 1 + draw(r, 20); n > 0; n--) {
		unsigned partner = draw(r, WORLD_PARTNERS), pair = draw(r, N_PAIRS);
		enum parcel_kind kind = draw(r, 3) > 0 ? PARCEL_REQUEST : PARCEL_KEEP;
		size_t len = draw(r, 50) == 0 ? 1 + draw(r, 70000) : 16 + draw(r, 1500);
		struct parcel *p;
		char text[32];

		snprintf(text, sizeof(text), "|%u %u;", pair, r->next[partner][pair]++);
		if (len < strlen(text))
			len = strlen(text);
		p = world_parcel(
			r->w, partner, kind, pair * 2654435761u, slots_of(pair), text, len);
		p->is_response = kind == PARCEL_KEEP && draw(r, 2) == 0;
		r->n_responses += p->is_response;
		r->n_sent++;
		world_send_parcel(r->w, p);
	}
}

static void answer(struct run *r)
{
	if (r->w->n_told == 0 || world_count_told(r->w, LINK_TARGET_WANTED) == 0)
		return;
	if (draw(r, 3) > 0)
		world_open(r->w);
	else
		world_refuse(r->w, 1 + draw(r, 3000));
}

static void something_happens(struct run *r)
{
	struct world *w = r->w;
	unsigned partner = draw(r, WORLD_PARTNERS);

	switch (draw(r, 24)) {
	case 0:
		world_reset(w, partner);
		break;
	case 1:
		world_finish(w, partner);
		break;
	case 2:
		w->reads[partner] = !w->reads[partner];
		break;
	case 3:
		w->silent[partner] = !w->silent[partner];
		break;
	case 4:
		w->away = !w->away;
		if (!w->away)
			for (unsigned i = 0; i < w->n_workers; i++)
				egress_attached(w->workers[i].egress);
		break;
	case 5:
		w->answers = !w->answers;
		break;
	case 6:
		w->no_ports = draw(r, 4) == 0;
		break;
	case 7:
		w->ring_full = draw(r, 4) == 0;
		break;
	case 8:
		world_run(w, draw(r, 2000));
		break;
	case 9:
	case 10:
		answer(r);
		break;
	default:
		send_some(r);
		break;
	}
	world_run(w, draw(r, 4));
}

// Within a connection, and from one to the next: numbers of a pair only rise. A message that the
// partner's reset cut off in the middle is told by what follows it, if anything does.
static void check_order(const struct run *r, uint64_t seed)
{
	int last[WORLD_PARTNERS][N_PAIRS];

	memset(last, 0xff, sizeof(last));
	for (unsigned i = 0; i < r->w->n_conns; i++) {
		const struct world_conn *c = r->w->conns[i];

		for (const char *at = c->text; (at = strchr(at, '|')) != NULL; at++) {
			unsigned pair;
			int number;

			if (strchr(at, ';') == NULL || sscanf(at, "|%u %d;", &pair, &number) != 2)
				break;
			assert_true(pair < N_PAIRS);
			if (number <= last[c->partner][pair])
				fail_msg("seed %lu: partner %u, pair %u: %d after %d",
					(unsigned long)seed, c->partner, pair, number,
					last[c->partner][pair]);
			last[c->partner][pair] = number;
		}
	}
}

static uint64_t count_refused(const struct world *w)
{
	static const enum reason reasons[] = {REASON_egress_full, REASON_egress_down,
		REASON_egress_unanswered, REASON_egress_ring_full, REASON_sip_too_large_for_hop};
	uint64_t n = 0;

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		n += world_counter(w, reasons[i]);
	return n;
}

static void small_tables(struct egress_config *config)
{
	config->n_slots = 6;
	config->waiting_max = 40;
	config->waiting_of_all = 100;
	config->stuck_ms = 2000;
	config->idle_ms = 3000;
	config->open_ms = 5000;
}

static void play(uint64_t seed)
{
	struct run *r = calloc(1, sizeof(*r));
	uint64_t refused;

	assert_non_null(r);
	r->random = seed;
	r->w = world_new(1 + seed % 2, seed % 4 == 0 ? 24 : WORLD_CHUNKS,
		seed % 3 == 0 ? NULL : small_tables);
	for (unsigned i = 0; i < N_STEPS; i++)
		something_happens(r);
	// Peace: what waits gets an answer, one way or the other.
	r->w->away = r->w->no_ports = r->w->ring_full = false;
	r->w->answers = true;
	for (unsigned n = 0; n < WORLD_PARTNERS; n++) {
		r->w->reads[n] = true;
		r->w->silent[n] = false;
	}
	world_run(r->w, 10000);
	assert_int_equal(world_usage(r->w).n_waiting, 0);
	// Written or refused: no parcel is anywhere else.
	assert_int_equal(r->w->n_parcels, 0);
	refused = count_refused(r->w);
	assert_in_range(refused, r->w->n_refused, r->w->n_refused + r->n_responses);
	assert_true(refused < r->n_sent);
	check_order(r, seed);
	world_free(r->w);
	free(r);
}

static void every_message_ends_once_and_a_pair_keeps_its_order(void **state)
{
	(void)state;
	for (unsigned i = 0; i < n_seeds; i++) {
		if (n_seeds == 1 || i % 10 == 0)
			print_message("seed %lu\n", (unsigned long)(first_seed + i));
		play(first_seed + i);
	}
}

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message_ends_once_and_a_pair_keeps_its_order),
	};

	if (argc > 1)
		first_seed = strtoull(argv[1], NULL, 10);
	if (argc > 1)
		n_seeds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
