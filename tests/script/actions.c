// SPDX-License-Identifier: BSD-3-Clause
// The statements of a script that do something to the engine or ask something of it.

#include "tests/script/calls.h"

#include <stdlib.h>
#include <string.h>

#define MS UINT64_C(1000000)

static bool is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static struct segment_words read_segment(
	struct player *p, const struct source_line *line, unsigned first, unsigned last)
{
	struct segment_words s;

	if (first >= last || !segment_read(&p->values, line->words + first, last - first, &s))
		player_fail(p, "%s", first >= last ? "a segment is missing" : s.wrong);
	return s;
}

static void act_in(struct player *p, const struct source_line *line)
{
	struct segment_words s = read_segment(p, line, 1, line->n_words);
	unsigned i = p->bursts ? p->n_burst : 0;

	if (!s.seq.given || ((s.flags & WIRE_ACK) != 0 && !s.ack.given))
		player_fail(p, "a segment in needs seq, and ack with ACK");
	if (i == TCP_BURST)
		player_fail(p, "a burst is full");
	if (p->burst_payloads[i] == NULL &&
		(p->burst_payloads[i] = malloc(WORLD_PACKET_MAX)) == NULL)
		abort();
	segment_make(&s, p->world, p->peer, p->burst_payloads[i], &p->burst[i]);
	p->burst_peers[i] = p->peer;
	p->n_burst = i + 1;
	if (!p->bursts)
		world_input(p->world, p->burst_peers, p->burst, 1);
}

// Takes the next segment if it is one of those named from word first on: SEGMENT | SEGMENT ...
static void take_one_of(struct player *p, const struct source_line *line, unsigned first)
{
	const struct sent *sent = world_next_sent(p->world);
	const char *what = NULL;

	for (unsigned last = first; first < line->n_words; first = last + 1) {
		struct segment_words s;

		for (last = first; last < line->n_words && !is(line->words[last], "|"); last++)
			;
		s = read_segment(p, line, first, last);
		what = sent->peer != p->peer ? "peer" : segment_differs(&s, p->peer, &sent->wire);
		if (what == NULL) {
			p->world->n_taken++;
			return;
		}
	}
	player_fail(p, "another segment came (%s differs)", what != NULL ? what : "all");
}

// out [within MS | between MS MS] SEGMENT [| SEGMENT ...]
static void act_out(struct player *p, const struct source_line *line)
{
	const char *when = player_word(p, line, 1);
	struct world *w = p->world;
	uint64_t from = w->now, until = w->now;
	unsigned first = 1;

	if (is(when, "within")) {
		until += (uint64_t)player_number_at(p, line, 2) * MS;
		first = 3;
	} else if (is(when, "between")) {
		from += (uint64_t)player_number_at(p, line, 2) * MS;
		until += (uint64_t)player_number_at(p, line, 3) * MS;
		first = 4;
	}
	while (world_next_sent(w) == NULL && player_tick(p, until))
		;
	if (world_next_sent(w) == NULL)
		player_fail(p, "nothing came");
	if (world_next_sent(w)->time < from)
		player_fail(p, "a segment came too early");
	take_one_of(p, line, first);
}

// One that may come or not, at once.
static void act_may(struct player *p, const struct source_line *line)
{
	struct segment_words s = read_segment(p, line, 1, line->n_words);
	const struct sent *sent = world_next_sent(p->world);

	if (sent != NULL && sent->peer == p->peer &&
		segment_differs(&s, p->peer, &sent->wire) == NULL)
		p->world->n_taken++;
}

// nothing [for MS]
static void act_nothing(struct player *p, const struct source_line *line)
{
	uint64_t end = p->world->now;

	if (line->n_words > 1) {
		if (!is(line->words[1], "for"))
			player_fail(p, "nothing for MS");
		end += (uint64_t)player_number_at(p, line, 2) * MS;
	}
	do {
		if (world_next_sent(p->world) != NULL)
			player_fail(p, "a segment came");
	} while (player_tick(p, end));
	if (world_next_sent(p->world) != NULL)
		player_fail(p, "a segment came");
}

static void act_skip(struct player *p, const struct source_line *line)
{
	int64_t n = line->n_words > 1 ? player_number_at(p, line, 1) : WORLD_SENT_MAX;

	while (n-- > 0 && world_next_sent(p->world) != NULL)
		p->world->n_taken++;
	if (line->n_words > 1 && n >= 0)
		player_fail(p, "fewer segments came");
}

// sent N: so many segments came, whatever they are.
static void act_sent(struct player *p, const struct source_line *line)
{
	int64_t low, high, n = p->world->n_sent - p->world->n_taken;

	if (!value_read_range(&p->values, player_word(p, line, 1), &low, &high))
		player_fail(p, "not a number");
	if (n < low || n > high)
		player_fail(p, "%lld segments came", (long long)n);
	p->world->n_taken = p->world->n_sent;
}

static void act_wait(struct player *p, const struct source_line *line)
{
	world_advance(p->world, (uint64_t)player_number_at(p, line, 1) * MS);
}

static void act_config(struct player *p, const struct source_line *line)
{
	struct tcp_config *c = &p->world->config;
	const char *what = player_word(p, line, 1);
	uint32_t n = (uint32_t)player_number_at(p, line, 2);
	const struct {
		const char *name;
		uint32_t *at;
	} fields[] = {{"conns", &c->n_conns}, {"half_open", &c->n_half_open},
		{"time_waits", &c->n_time_waits}, {"chunks", &c->n_chunks},
		{"send", &c->send_bytes_max}, {"receive", &c->receive_bytes_max},
		{"keepalive", &c->keepalive_s}, {"user_timeout", &c->user_timeout_s},
		{"time_wait", &c->time_wait_s}};

	if (p->world->tcp != NULL)
		player_fail(p, "config after the first call");
	for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (is(fields[i].name, what)) {
			*fields[i].at = n;
			return;
		}
	}
	if (!is(what, "chunk_bytes"))
		player_fail(p, "no such setting");
	c->chunk_bytes = (uint16_t)n;
}

static void act_peer(struct player *p, const struct source_line *line)
{
	int64_t n = player_number_at(p, line, 1);

	p->peer = n >= 0 ? world_peer(p->world, (unsigned)n) : NULL;
	if (p->peer == NULL)
		player_fail(p, "no such peer");
}

static void act_again(struct player *p, const struct source_line *line)
{
	world_peer_again(p->world, p->peer, player_number_at(p, line, 1));
}

// device takes|holds|bare: all segments, none, those without payload.
static void act_device(struct player *p, const struct source_line *line)
{
	const char *what = player_word(p, line, 1);

	p->world->holds = is(what, "holds");
	p->world->mode = is(what, "bare") ? TCP_OUTPUT_BARE : TCP_OUTPUT_ALL;
	if (!p->world->holds && !is(what, "bare") && !is(what, "takes"))
		player_fail(p, "device takes, holds or bare");
	world_settle(p->world);
}

enum need {
	NEED_NONE = 0,
	NEED_WORLD = 1, // the engine has been made
	NEED_QUIET = 2, // the script has seen all that came
};

static const struct {
	const char *word;
	void (*act)(struct player *p, const struct source_line *line);
	unsigned needs;
} actions[] = {
	{"abort", act_abort, NEED_WORLD | NEED_QUIET},
	{"again", act_again, NEED_NONE},
	{"close", act_close, NEED_WORLD | NEED_QUIET},
	{"config", act_config, NEED_NONE},
	{"counted", act_counted, NEED_WORLD},
	{"device", act_device, NEED_WORLD | NEED_QUIET},
	{"event", act_event, NEED_WORLD},
	{"expect", act_expect, NEED_WORLD},
	{"icmp", act_icmp, NEED_WORLD | NEED_QUIET},
	{"in", act_in, NEED_WORLD | NEED_QUIET},
	{"info", act_info, NEED_WORLD},
	{"isn", act_isn, NEED_WORLD},
	{"listen", act_listen, NEED_WORLD},
	{"may", act_may, NEED_WORLD},
	{"nothing", act_nothing, NEED_WORLD},
	{"open", act_open, NEED_WORLD | NEED_QUIET},
	{"out", act_out, NEED_WORLD},
	{"peer", act_peer, NEED_NONE},
	{"read", act_read, NEED_WORLD | NEED_QUIET},
	{"readable", act_readable, NEED_WORLD},
	{"remember", act_remember, NEED_WORLD},
	{"room", act_room, NEED_WORLD},
	{"sent", act_sent, NEED_WORLD},
	{"skip", act_skip, NEED_WORLD},
	{"state", act_state, NEED_WORLD},
	{"total", act_total, NEED_WORLD},
	{"unacked", act_unacked, NEED_WORLD},
	{"unchanged", act_unchanged, NEED_WORLD},
	{"unlisten", act_unlisten, NEED_WORLD},
	{"usage", act_usage, NEED_WORLD},
	{"wait", act_wait, NEED_WORLD | NEED_QUIET},
	{"write", act_write, NEED_WORLD | NEED_QUIET},
};

bool player_act(struct player *p, const struct source_line *line)
{
	for (unsigned i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (!is(actions[i].word, line->words[0]))
			continue;
		if ((actions[i].needs & NEED_WORLD) != 0)
			world_start(p->world);
		if (p->world->complaint[0] != '\0')
			player_fail(p, "never: %s", p->world->complaint);
		if ((actions[i].needs & NEED_QUIET) != 0 && world_next_sent(p->world) != NULL)
			player_fail(p, "a segment had come before that the script does not expect");
		actions[i].act(p, line);
		return true;
	}
	return false;
}
