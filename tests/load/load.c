// SPDX-License-Identifier: BSD-3-Clause

#include "tests/load/load.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define PROBES_A_SECOND       10
#define MESSAGE_BYTES_DEFAULT 512
#define ASKED_DEFAULT         (1 << 18)

struct load {
	struct load_config config;
	struct station *station;
	struct requests requests;
	struct mix mix;
	struct callee callee;
	struct caller *caller; // NULL: none
	struct trial trial;
	struct unrest unrest;
	bool started;
	double rate;
	uint64_t n_dropped_before; // the trial
};

static void hear(void *user, const struct sip_message *m, const struct way *from, uint64_t now_ns)
{
	struct load *l = user;

	if (m->is_request)
		callee_hear(&l->callee, m, from);
	else if (l->caller != NULL)
		caller_hear(l->caller, m, now_ns);
}

static int open_caller(struct load *l)
{
	const struct load_config *config = &l->config;
	struct caller_config caller = {
		.station = l->station,
		.map = config->map,
		.requests = &l->requests,
		.mix = &l->mix,
		.target = config->target,
		.n_conns = config->n_conns,
		.n_pending = config->n_pending != 0 ? config->n_pending : ASKED_DEFAULT,
	};

	if (getrandom(&caller.tag, sizeof(caller.tag), 0) != (ssize_t)sizeof(caller.tag))
		return -errno;
	caller.tag |= 1; // never 0
	l->caller = caller_new(&caller);
	if (l->caller == NULL)
		return -errno;
	caller_pace(l->caller, PROBES_A_SECOND, station_now_ns(l->station));
	return 0;
}

static int open_station(struct load *l)
{
	struct station_config config = {
		.map = l->config.map,
		.ports = l->config.port,
		.pools = l->config.pools,
		.clock = l->config.clock,
		.hearer = {.hear = hear, .user = l},
		.identities = l->config.identities,
		.peer_name = l->config.peer_name,
	};

	l->station = station_new(&config);
	if (l->station == NULL)
		return -errno;
	l->callee = (struct callee){.station = l->station, .requests = &l->requests};
	return l->config.target.transport != TRANSPORT_NONE ? open_caller(l) : 0;
}

static uint32_t count_domains(const struct load_config *config)
{
	return config->identities != NULL ? identities_count(config->identities)
					  : config->n_domains;
}

struct load *load_new(const struct load_config *config)
{
	bool udp = config->target.transport == TRANSPORT_UDP;
	struct load *l = calloc(1, sizeof(*l));
	int r;

	if (l == NULL)
		return NULL;
	l->config = *config;
	requests_init(&l->requests,
		&(struct requests_config){
			.from_domain = config->from_domain != NULL ? config->from_domain : "",
			.to_domain = config->to_domain != NULL ? config->to_domain : "",
			.n_users = config->n_users != 0 ? config->n_users : REQUEST_USERS_MAX,
			.n_domains = count_domains(config),
			.message_bytes = config->message_bytes != 0 ? config->message_bytes
								    : MESSAGE_BYTES_DEFAULT,
			.transport = (enum transport)config->target.transport,
		});
	mix_init(&l->mix, config->mix, udp ? MIX_DOCUMENT_UDP_BYTES : MIX_DOCUMENT_BYTES_MAX);
	r = open_station(l);
	if (r == 0)
		return l;
	load_free(l);
	errno = -r;
	return NULL;
}

void load_free(struct load *l)
{
	if (l == NULL)
		return;
	caller_free(l->caller);
	station_free(l->station);
	free(l);
}

// What a phase that has begun means for the caller.
static void step(struct load *l, uint64_t now_ns)
{
	enum trial_phase before = l->trial.phase, phase;

	phase = trial_step(&l->trial, caller_is_settled(l->caller), now_ns);
	if (before == TRIAL_WARM_UP && phase >= TRIAL_MEASURE) {
		caller_count_from(l->caller, l->trial.measure_ns);
		unrest_start(&l->unrest, &l->config.unrest, now_ns);
	}
	if (before <= TRIAL_MEASURE && phase >= TRIAL_DRAIN) {
		caller_count_until(l->caller, l->trial.drain_ns);
		unrest_stop(&l->unrest);
	}
	if (station_flows(l->station) != NULL)
		unrest_turn(&l->unrest, station_flows(l->station), now_ns);
}

bool load_turn(struct load *l)
{
	bool busy = station_receive(l->station);
	uint64_t now_ns;

	if (l->caller != NULL) {
		now_ns = station_now_ns(l->station);
		if (l->started)
			step(l, now_ns);
		busy |= caller_turn(l->caller, now_ns);
	}
	return station_flush(l->station) || busy;
}

bool load_is_through(const struct load *l)
{
	return caller_is_through(l->caller);
}

static uint64_t count_dropped(const struct load *l)
{
	const struct worker_counters *counters = station_counters(l->station);

	return counters->reason[REASON_tx_full] + counters->reason[REASON_no_buffer];
}

void load_start(struct load *l, double rate, const struct trial_times *times)
{
	uint64_t now_ns = station_now_ns(l->station);

	l->started = true;
	l->rate = rate;
	l->n_dropped_before = count_dropped(l);
	trial_start(&l->trial, times, now_ns);
	caller_pace(l->caller, rate, now_ns);
}

bool load_is_done(const struct load *l)
{
	return l->started && l->trial.phase == TRIAL_DONE;
}

void load_pace(struct load *l, double rate)
{
	caller_pace(l->caller, rate, station_now_ns(l->station));
}

bool load_storm(struct load *l)
{
	return flows_storm(station_flows(l->station), station_now_ns(l->station));
}

bool load_due(const struct load *l, uint64_t id, uint64_t *due_ns)
{
	return caller_due(l->caller, id, due_ns);
}

uint64_t load_now_ns(const struct load *l)
{
	return station_now_ns(l->station);
}

void load_result(const struct load *l, struct load_result *out)
{
	const struct worker_counters *counters = station_counters(l->station);

	*out = (struct load_result){
		.callee = &l->callee.counts,
		.reasons = counters->reason,
		.n_dropped = count_dropped(l) - l->n_dropped_before,
		.n_malformed = counters->reason[REASON_sip_not_sip] +
			counters->reason[REASON_sip_malformed] +
			counters->reason[REASON_sip_response_malformed] +
			counters->reason[REASON_sip_body_short],
	};
	if (station_flows(l->station) != NULL)
		flows_count(station_flows(l->station), &out->flows);
	out->n_malformed += out->flows.n_malformed;
	if (l->caller == NULL)
		return;
	out->caller = caller_counts(l->caller);
	out->users = mix_users(&l->mix, l->rate);
}

bool load_passed(const struct load_result *r, double allowed_ppm)
{
	const struct caller_counts *c = r->caller;

	return c->n_sent == c->n_due && c->n_sent > 0 && caller_wrong(c) == 0 &&
		(double)caller_lost(c) * 1e6 <= allowed_ppm * (double)c->n_sent;
}
