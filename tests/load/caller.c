// SPDX-License-Identifier: BSD-3-Clause

#include "tests/load/caller.h"

#include "lib/sip/value.h"

#include <errno.h>
#include <stdlib.h>

#define BURST      32
#define STATUS_OK  200
#define STATUS_300 300

struct caller {
	struct caller_config config;
	struct pacer pacer;
	struct asked asked;
	uint64_t counted_from; // number of the first request that counts
	unsigned next_listener;
	double rate;
	bool was_answered;
	struct view sent_by[CORE_MAP_LISTENERS_MAX];
	char sent_by_text[CORE_MAP_LISTENERS_MAX][ENDPOINT_TEXT_BYTES];
	struct caller_counts counts;
	uint8_t out[REQUEST_BYTES_MAX];
};

struct caller *caller_new(const struct caller_config *config)
{
	const struct core_map *map = config->map;
	struct caller *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->config = *config;
	for (unsigned l = 0; l < map->n_listeners; l++)
		c->sent_by[l] = view_of(c->sent_by_text[l],
			endpoint_format(&map->listeners[l].local, c->sent_by_text[l]));
	if (asked_init(&c->asked, config->n_pending, config->tag) < 0) {
		free(c);
		errno = ENOMEM;
		return NULL;
	}
	if (transport_is_stream((enum transport)config->target.transport))
		flows_keep(station_flows(config->station), config->n_conns, 0, &config->target);
	return c;
}

void caller_free(struct caller *c)
{
	if (c == NULL)
		return;
	asked_fini(&c->asked);
	free(c);
}

void caller_pace(struct caller *c, double rate, uint64_t now_ns)
{
	c->rate = rate;
	pacer_start(&c->pacer, rate, now_ns);
}

void caller_count_from(struct caller *c, uint64_t now_ns)
{
	c->counts = (struct caller_counts){0};
	c->counted_from = c->asked.next;
	pacer_start(&c->pacer, c->rate, now_ns);
}

void caller_count_until(struct caller *c, uint64_t end_ns)
{
	c->counts.n_due = pacer_end(&c->pacer, end_ns);
}

static bool choose_way(struct caller *c, struct way *way)
{
	const struct caller_config *config = &c->config;

	way->transport = config->target.transport;
	way->remote = config->target;
	if (transport_is_stream((enum transport)way->transport))
		return flows_next(station_flows(config->station), way);
	way->listener = (uint16_t)(c->next_listener++ % config->map->n_listeners);
	return true;
}

static bool send_request(struct caller *c, uint64_t due_ns)
{
	struct mix_request what = mix_at(c->config.mix, c->asked.next);
	struct request_sender sender;
	struct way way = {0};
	size_t n_bytes;

	if (!choose_way(c, &way))
		return false;
	sender = (struct request_sender){c->sent_by[way.listener],
		way.transport == TRANSPORT_TLS ? way.partner : REQUEST_ANY_DOMAIN};
	n_bytes = requests_write(c->config.requests, &what, asked_next_id(&c->asked), &sender,
		c->out, sizeof(c->out));
	if (n_bytes == 0 || station_send(c->config.station, &way, view_of(c->out, n_bytes)) < 0)
		return false;
	asked_add(&c->asked, due_ns);
	return true;
}

bool caller_turn(struct caller *c, uint64_t now_ns)
{
	uint64_t due_ns;

	for (unsigned i = 0; i < BURST; i++) {
		// What cannot be sent now stays due, and its latency grows.
		if (!pacer_peek(&c->pacer, now_ns, &due_ns) || !send_request(c, due_ns))
			return false;
		pacer_take(&c->pacer);
		c->counts.n_sent++;
	}
	return true;
}

static void take_answer(struct caller *c, const struct sip_message *m, uint64_t id, uint64_t due_ns,
	uint64_t now_ns)
{
	struct caller_counts *counts = &c->counts;
	struct mix_request what = mix_at(c->config.mix, asked_number(id));

	c->was_answered = true;
	if (asked_number(id) < c->counted_from)
		return;
	counts->n_answered++;
	if (!requests_is_answered(m, what.kind, id)) {
		counts->n_altered++;
	} else if (m->status < STATUS_OK || m->status >= STATUS_300) {
		counts->n_refused++;
		counts->last_refusal = m->status;
	} else {
		histogram_add(&counts->latency, now_ns > due_ns ? now_ns - due_ns : 0);
	}
}

void caller_hear(struct caller *c, const struct sip_message *m, uint64_t now_ns)
{
	struct request_mark mark;
	uint64_t due_ns = 0;

	if (!requests_recognise(m, &mark)) {
		c->counts.n_stray++;
		return;
	}
	if (m->status < STATUS_OK) {
		c->counts.n_provisional++;
		return;
	}
	switch (asked_answer(&c->asked, mark.id, &due_ns)) {
	case ASKED_FIRST:
		take_answer(c, m, mark.id, due_ns, now_ns);
		break;
	case ASKED_AGAIN:
		c->counts.n_again += asked_number(mark.id) >= c->counted_from;
		break;
	case ASKED_LATE:
		c->counts.n_late += asked_number(mark.id) >= c->counted_from;
		break;
	case ASKED_UNKNOWN:
		c->counts.n_stray++;
		break;
	}
}

bool caller_due(const struct caller *c, uint64_t id, uint64_t *due_ns)
{
	return asked_waits(&c->asked, id, due_ns);
}

bool caller_is_through(const struct caller *c)
{
	struct flows_counts flows;

	if (!c->was_answered || !transport_is_stream((enum transport)c->config.target.transport))
		return c->was_answered;
	flows_count(station_flows(c->config.station), &flows);
	return flows.n_kept_open == c->config.n_conns;
}

bool caller_is_settled(const struct caller *c)
{
	return c->counts.n_sent == c->counts.n_due && c->counts.n_answered == c->counts.n_sent;
}

const struct caller_counts *caller_counts(const struct caller *c)
{
	return &c->counts;
}
