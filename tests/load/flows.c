// SPDX-License-Identifier: BSD-3-Clause

#include "tests/load/flows_state.h"

#include <errno.h>
#include <stdlib.h>

#define CONNECTIONS_A_TURN 64
#define HANDSHAKES_A_TURN  1 // steps of: up to half a millisecond
#define DIALS_A_TURN       64
#define RETRY_NS           UINT64_C(1000000000)
// From SYN to the first word of the peer. Longer than a relay gives a handshake.
#define OPENING_NS (20 * UINT64_C(1000000000))

static int open_secure(struct flows *s)
{
	const struct tls_flows_config config = {
		.tcp = s->tcp,
		.n_max = s->config.n_max,
		.identities = s->config.identities,
		.peer_name = s->config.peer_name,
	};

	if (config.identities == NULL)
		return 0;
	s->secure = tls_flows_new(&config);
	return s->secure != NULL ? 0 : -errno;
}

struct flows *flows_new(const struct flows_config *config)
{
	const uint32_t n_max = config->n_max;
	struct flows *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->config = *config;
	s->tcp = conns_engine(config->conns);
	s->all = calloc(n_max, sizeof(*s->all));
	s->free = calloc(n_max, sizeof(*s->free));
	s->ready.list = calloc(n_max, sizeof(*s->ready.list));
	s->shaking.list = calloc(n_max, sizeof(*s->shaking.list));
	if (s->all == NULL || s->free == NULL || s->ready.list == NULL || s->shaking.list == NULL ||
		open_secure(s) < 0) {
		flows_free(s);
		errno = ENOMEM;
		return NULL;
	}
	while (s->n_free < n_max) {
		s->free[s->n_free] = n_max - 1 - s->n_free;
		s->n_free++;
	}
	return s;
}

void flows_free(struct flows *s)
{
	if (s == NULL)
		return;
	tls_flows_free(s->secure);
	free(s->shaking.list);
	free(s->ready.list);
	free(s->free);
	free(s->all);
	free(s);
}

void flows_keep(struct flows *s, uint32_t n, uint16_t listener, const struct endpoint *remote)
{
	s->n_kept = n < s->n_free ? n : s->n_free;
	s->n_free -= s->n_kept; // the lowest numbers, which lie on top
	s->kept_listener = listener;
	s->kept_remote = *remote;
}

uint32_t flows_kept(const struct flows *s)
{
	return s->n_kept;
}

static uint32_t partner_of(const struct flows *s, uint32_t index)
{
	return s->secure != NULL ? index % identities_count(s->config.identities) : 0;
}

bool flows_next(struct flows *s, struct way *way)
{
	for (uint32_t i = 0; i < s->n_kept; i++) {
		const uint32_t index = s->next_kept;

		s->next_kept = index + 1 < s->n_kept ? index + 1 : 0;
		if (!s->all[index].open)
			continue;
		way->listener = s->kept_listener;
		way->conn = s->all[index].conn;
		way->partner = partner_of(s, index);
		return true;
	}
	return false;
}

int flows_write(struct flows *s, tcp_conn_id conn, struct view message)
{
	uint64_t user;

	if (s->secure == NULL)
		return tcp_write(s->tcp, conn, message.at, (uint32_t)message.len);
	user = tcp_user(s->tcp, conn);
	return user != 0 ? tls_flow_write(s->secure, (uint32_t)user - 1, message) : -EPIPE;
}

static void push(struct flows *s, struct flow_queue *q, uint32_t index)
{
	q->list[(q->first + q->n++) % s->config.n_max] = index;
	s->all[index].queued = true;
}

static uint32_t pop(struct flows *s, struct flow_queue *q)
{
	uint32_t index = q->list[q->first];

	q->first = (q->first + 1) % s->config.n_max;
	q->n--;
	s->all[index].queued = false;
	return index;
}

static void make_ready(struct flows *s, uint32_t index)
{
	const struct flow *flow = &s->all[index];

	if (!flow->queued)
		push(s, s->secure != NULL && !flow->open ? &s->shaking : &s->ready, index);
}

static bool accept_conn(struct flows *s, const struct tcp_event *e, uint32_t *index)
{
	if (s->n_free == 0 || (e->what & TCP_CLOSED) != 0)
		return false;
	*index = s->free[--s->n_free];
	s->all[*index].conn = e->conn;
	s->all[*index].listener = e->listener;
	return tcp_set_user(s->tcp, e->conn, *index + 1);
}

void flow_open(struct flows *s, uint32_t index, uint64_t now_ns)
{
	struct flow *flow = &s->all[index];

	if (flow->open || flow->is_cut)
		return;
	flow->open = true;
	s->counts.n_opened++;
	s->counts.n_open++;
	s->counts.n_kept_open += index < s->n_kept;
	if (s->storm_ns == 0 || s->counts.n_kept_open < s->n_kept)
		return;
	s->counts.last_back_ns = now_ns - s->storm_ns;
	if (s->counts.last_back_ns > s->counts.worst_back_ns)
		s->counts.worst_back_ns = s->counts.last_back_ns;
	s->storm_ns = 0;
}

// TCP's part is done.
static void connected(struct flows *s, uint32_t index, uint64_t now_ns)
{
	struct flow *flow = &s->all[index];

	if (flow->is_connected)
		return;
	flow->is_connected = true;
	if (s->secure == NULL)
		flow_open(s, index, now_ns);
	else
		tls_flow_begin(s->secure, index, flow->conn,
			index < s->n_kept ? RECORD_OPENED : RECORD_ACCEPTED, partner_of(s, index));
}

// Nothing may go any more.
static void shut_flow(struct flows *s, uint32_t index)
{
	struct flow *flow = &s->all[index];

	s->counts.n_open -= flow->open;
	s->counts.n_kept_open -= flow->open && index < s->n_kept;
	flow->open = false;
}

static void forget(struct flows *s, uint32_t index, uint64_t now_ns)
{
	struct flow *flow = &s->all[index];
	const bool queued = flow->queued;
	const bool kept = index < s->n_kept;

	s->counts.n_closed++;
	s->counts.n_cut += flow->is_cut;
	shut_flow(s, index);
	if (s->secure != NULL)
		tls_flow_end(s->secure, index);
	*flow = (struct flow){
		.dial_ns = flow->is_cut ? now_ns : now_ns + RETRY_NS, .queued = queued};
	if (!kept)
		s->free[s->n_free++] = index;
}

static void take_event(struct flows *s, const struct tcp_event *e, uint64_t now_ns)
{
	uint32_t index = (uint32_t)e->user - 1;

	if (e->user == 0 && !accept_conn(s, e, &index)) {
		tcp_abort(s->tcp, e->conn, REASON_tcp_closed);
		return;
	}
	if ((e->what & TCP_OPENED) != 0)
		connected(s, index, now_ns);
	if ((e->what & TCP_CLOSED) != 0) {
		forget(s, index, now_ns);
		return;
	}
	if ((e->what & TCP_PEER_FINISHED) != 0)
		s->all[index].finished = true;
	make_ready(s, index);
}

static void serve(struct flows *s, struct flow_queue *q, uint32_t n_max,
	const struct hearer *hearer, uint64_t now_ns)
{
	for (uint32_t n = q->n < n_max ? q->n : n_max; n > 0; n--) {
		uint32_t index = pop(s, q);

		if (s->all[index].is_connected && flow_read(s, index, hearer, now_ns))
			make_ready(s, index);
	}
}

bool flows_poll(struct flows *s, const struct hearer *hearer, uint64_t now_ns)
{
	struct tcp_event event;

	while (tcp_next_event(s->tcp, &event))
		take_event(s, &event, now_ns);
	serve(s, &s->ready, CONNECTIONS_A_TURN, hearer, now_ns);
	serve(s, &s->shaking, HANDSHAKES_A_TURN, hearer, now_ns);
	return s->ready.n + s->shaking.n > 0;
}

static void dial(struct flows *s, uint32_t index, uint64_t now_ns)
{
	struct flow *flow = &s->all[index];

	flow->begun_ns = now_ns;
	flow->dial_ns = now_ns + RETRY_NS;
	flow->listener = s->kept_listener;
	if (conns_open(s->config.conns, s->kept_listener, &s->kept_remote, now_ns, &flow->conn) ==
		0)
		tcp_set_user(s->tcp, flow->conn, index + 1);
	else
		flow->conn = 0;
}

void flows_timers(struct flows *s, uint64_t now_ns)
{
	unsigned n = 0;

	if (s->counts.n_kept_open == s->n_kept)
		return;
	for (uint32_t i = 0; i < s->n_kept && n < DIALS_A_TURN; i++) {
		struct flow *flow = &s->all[i];

		if (flow->conn == 0 && now_ns >= flow->dial_ns) {
			dial(s, i, now_ns);
			n++;
		} else if (flow->conn != 0 && !flow->open && now_ns - flow->begun_ns > OPENING_NS) {
			tcp_abort(s->tcp, flow->conn, REASON_tcp_timed_out);
		}
	}
}

bool flows_cut(struct flows *s, uint32_t number)
{
	struct flow *flow = &s->all[number];

	if (number >= s->n_kept || !flow->open)
		return false;
	shut_flow(s, number);
	flow->is_cut = true;
	tcp_abort(s->tcp, flow->conn, REASON_tcp_closed);
	return true;
}

bool flows_storm(struct flows *s, uint64_t now_ns)
{
	if (s->n_kept == 0 || s->counts.n_kept_open < s->n_kept)
		return false;
	s->counts.n_storms++;
	s->storm_ns = now_ns;
	for (uint32_t i = 0; i < s->n_kept; i++)
		flows_cut(s, i);
	return true;
}

bool flows_update_keys(struct flows *s, uint32_t number, enum record_update which)
{
	return s->secure != NULL && number < s->n_kept && s->all[number].open &&
		tls_flow_update(s->secure, number, which);
}

void flows_count(const struct flows *s, struct flows_counts *out)
{
	*out = s->counts;
	if (s->secure != NULL)
		out->secure = *tls_flows_counts(s->secure);
}
