// SPDX-License-Identifier: BSD-3-Clause

#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#define SECOND_NS 1000000000ull
// After the last talk: TIME_WAIT, handshakes that nobody completes, FINs that nobody answers.
#define LEFT_OVER_NS (300 * SECOND_NS)
#define TURNS_MAX    4000000

void sim_fail(struct sim *s, const char *format, ...)
{
	va_list args;

	if (s->failed)
		return;
	s->failed = true;
	va_start(args, format);
	vsnprintf(s->why, sizeof(s->why), format, args);
	va_end(args);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

// The next moment at which anything happens, on the raster of the workers' turns.
static uint64_t next_ns(const struct sim *s)
{
	uint64_t next = wire_next_ns(&s->wire), poll_ns = s->plan->poll_us * 1000ull;

	for (unsigned i = 0; i < 2; i++) {
		next = least(next, s->hosts[i].next_timers_ns);
		next = least(next, user_next_ns(&s->hosts[i]));
	}
	if (s->n_forged < s->plan->n_forged_max)
		next = least(next, s->next_forged_ns);
	if (next <= s->now)
		next = s->now + 1;
	next = s->plan->start_ns + (next - s->plan->start_ns + poll_ns - 1) / poll_ns * poll_ns;
	return next;
}

static void turn(struct sim *s)
{
	struct wire_packet *p;

	s->now = next_ns(s);
	if (s->plan->n_forged_max > 0)
		forger_turn(s);
	while ((p = wire_take(&s->wire, s->now)) != NULL)
		host_receive(&s->hosts[p->to], p);
	host_turn(&s->hosts[0]);
	host_turn(&s->hosts[1]);
}

// Work is bounded by what the users did, the time that passed, and what an attacker sent.
static void check_bound(struct sim *s)
{
	uint64_t bound = 2000 + 20ull * s->n_forged, sent = 0;
	uint64_t seconds = (s->now - s->plan->start_ns) / SECOND_NS;

	for (unsigned i = 0; i < 2; i++) {
		const struct user *u = &s->hosts[i].user;

		bound += 40 * u->n_calls + u->n_bytes_written / 8 + 60ull * u->n_talks;
		bound += 2 * seconds * u->n_talks;
		sent += s->hosts[i].n_segments_out;
	}
	if (sent > bound)
		sim_fail(s, "%" PRIu64 " segments where %" PRIu64 " are plenty", sent, bound);
}

static bool all_done(const struct sim *s)
{
	return user_is_done(&s->hosts[0]) && user_is_done(&s->hosts[1]);
}

static void turn_until(struct sim *s, uint64_t end_ns)
{
	for (unsigned n = 1; !s->failed && !all_done(s) && s->now < end_ns; n++) {
		turn(s);
		if (n % 256 == 0)
			check_bound(s);
		if (n > TURNS_MAX)
			sim_fail(s, "virtual time does not pass");
	}
}

static void talk_until_done(struct sim *s)
{
	turn_until(s, s->plan->end_ns);
	// Whose peer has vanished may wait for ever: a user would give up, too.
	if (!s->failed && !all_done(s) && !s->plan->strict) {
		user_abort_all(&s->hosts[0]);
		user_abort_all(&s->hosts[1]);
		turn_until(s, s->now + SECOND_NS);
	}
	if (!s->failed && !all_done(s))
		sim_fail(s, "it does not end");
	check_bound(s);
}

static bool is_empty(const struct sim_host *h, struct tcp_usage *usage)
{
	tcp_usage(h->tcp, usage);
	return usage->n_conns == 0 && usage->n_half_open == 0 && usage->n_time_waits == 0 &&
		usage->n_chunks == 0;
}

static void wait_until_empty(struct sim *s)
{
	struct tcp_usage a = {0}, b = {0};
	uint64_t end_ns = s->now + LEFT_OVER_NS;

	while (!s->failed && s->now < end_ns) {
		bool empty = is_empty(&s->hosts[0], &a) && is_empty(&s->hosts[1], &b);

		if (empty && s->wire.n == 0)
			return;
		turn(s);
	}
	is_empty(&s->hosts[1], &b);
	sim_fail(s,
		"left over: connections %u and %u, half open %u and %u, in TIME_WAIT %u and %u, "
		"chunks %u and %u, packets %u",
		a.n_conns, b.n_conns, a.n_half_open, b.n_half_open, a.n_time_waits, b.n_time_waits,
		a.n_chunks, b.n_chunks, s->wire.n);
}

// The ACK of its FIN was lost, and the peer's TIME_WAIT was over before it was sent again.
static bool is_forgotten(const struct sim *s, const struct sim_host *h, const struct talk *t)
{
	const struct talk *peer;

	if (t->reason != REASON_tcp_reset || !t->closing || !t->peer_finished || !t->knows_peer)
		return false;
	peer = &s->hosts[!h->index].user.talks[t->peer_number & 0xffffff];
	return peer->reason == REASON_tcp_closed && t->n_read == peer->total &&
		peer->n_read == t->total;
}

// One that no peer opened: what came late has brought a cookie once more, for a connection that was
// over. Nobody is behind it.
static bool is_reopened(const struct sim *s, const struct sim_host *h, const struct talk *t)
{
	const struct user *peer = &s->hosts[!h->index].user;

	if (!s->plan->reopens || t->active)
		return false;
	for (unsigned i = 0; i < peer->n_talks; i++) {
		if (peer->talks[i].knows_peer && peer->talks[i].peer_number == t->number)
			return false;
	}
	return true;
}

// What both ends of a connection say about each other's bytes.
static void check_talk(struct sim *s, struct sim_host *h, const struct talk *t)
{
	const struct talk *peer;

	if (is_reopened(s, h, t))
		return;
	if (s->plan->strict && t->reason != REASON_tcp_closed && !is_forgotten(s, h, t))
		sim_fail(s, "host %u: %08x ends with %s", h->index, t->number,
			reason_name(t->reason));
	if (!t->knows_peer) {
		if (t->reason == REASON_tcp_closed)
			sim_fail(s, "host %u: %08x closed without hearing of its peer", h->index,
				t->number);
		return;
	}
	peer = &s->hosts[!h->index].user.talks[t->peer_number & 0xffffff];
	// With a cookie, bytes sent again open a connection that was already over once more.
	if (peer->knows_peer && peer->peer_number != t->number &&
		(t->reason == REASON_tcp_closed || s->plan->strict))
		sim_fail(s, "host %u: %08x reads of %08x, which reads of %08x", h->index, t->number,
			t->peer_number, peer->peer_number);
	if (t->n_read > peer->n_written)
		sim_fail(s, "host %u: %08x read %u bytes where %u were written", h->index,
			t->number, t->n_read, peer->n_written);
	if (t->reason == REASON_tcp_closed && peer->reason == REASON_tcp_closed &&
		(t->n_read != peer->total || peer->n_read != t->total))
		sim_fail(s, "host %u: %08x is closed at both ends, with bytes missing", h->index,
			t->number);
}

// Every segment given to the engine is in one counter of those.
static void check_counters(struct sim *s, const struct sim_host *h)
{
	uint64_t n = 0;

	for (int r = REASON_tcp_segment_taken; r <= REASON_tcp_replies_full; r++) {
		if (r != REASON_tcp_malformed && r != REASON_tcp_checksum)
			n += h->counters[r];
	}
	if (n != h->n_segments_in)
		sim_fail(s, "host %u: %" PRIu64 " segments are counted of %" PRIu64, h->index, n,
			h->n_segments_in);
}

static void check_end(struct sim *s)
{
	for (unsigned i = 0; i < 2; i++) {
		struct sim_host *h = &s->hosts[i];

		for (unsigned k = 0; k < h->user.n_talks; k++)
			check_talk(s, h, &h->user.talks[k]);
		check_counters(s, h);
	}
}

static void describe_stuck(struct sim *s)
{
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned k = 0; k < s->hosts[i].user.n_talks; k++) {
			size_t at = strlen(s->why);

			if (s->hosts[i].user.talks[k].closed || at + 240 > sizeof(s->why))
				continue;
			s->why[at++] = '\n';
			user_describe(&s->hosts[i], &s->hosts[i].user.talks[k], s->why + at,
				sizeof(s->why) - at);
		}
	}
}

static void begin(struct sim *s, const struct plan *plan, FILE *trace)
{
	s->plan = plan;
	s->now = plan->start_ns;
	s->forger.state = rng_mix(plan->seed + 77);
	s->next_forged_ns = s->now;
	wire_init(&s->wire, rng_mix(plan->seed + 99));
	memcpy(s->wire.ways, plan->ways, sizeof(plan->ways));
	memcpy(s->wire.cuts, plan->cuts, sizeof(plan->cuts));
	s->wire.n_cuts = plan->n_cuts;
	s->wire.trace = trace;
	s->wire.trace_start_ns = plan->start_ns;
	s->watched = calloc(POLICE_WATCHED_MAX, sizeof(*s->watched));
	if (s->watched == NULL)
		abort();
	host_init(&s->hosts[0], s, 0);
	host_init(&s->hosts[1], s, 1);
}

struct sim_result sim_run(const struct plan *plan, FILE *trace)
{
	struct sim *s = calloc(1, sizeof(*s));
	struct sim_result r = {0};

	if (s == NULL)
		abort();
	begin(s, plan, trace);
	talk_until_done(s);
	if (!s->failed)
		wait_until_empty(s);
	if (!s->failed)
		check_end(s);
	if (s->failed && s->hosts[1].tcp != NULL)
		describe_stuck(s);
	r.right = !s->failed;
	memcpy(r.why, s->why, sizeof(r.why));
	for (unsigned i = 0; i < 2; i++) {
		r.n_segments += s->hosts[i].n_segments_out;
		r.n_bytes += s->hosts[i].user.n_bytes_read;
		r.n_conns += s->hosts[i].user.n_talks;
		for (unsigned k = 0; k < s->hosts[i].user.n_talks; k++)
			r.n_closed_well += s->hosts[i].user.talks[k].reason == REASON_tcp_closed;
	}
	r.virtual_ns = s->now - plan->start_ns;
	wire_fini(&s->wire);
	host_fini(&s->hosts[0]);
	host_fini(&s->hosts[1]);
	free(s->watched);
	free(s);
	return r;
}
