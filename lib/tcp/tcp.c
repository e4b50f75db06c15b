// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/tcp.h"

#include "lib/tcp/conn.h"

#include <errno.h>

#define ALIGN_BYTES 64u

// A second here is 2^30 ns. Resets to nobody tell peers of a relay that was restarted; more of them
// only serve who floods. Challenge ACKs of all connections: RFC 5961 §7; a part of the bound is
// secret and new each second, so that nobody counts them to learn what others sent.
#define SECOND_SHIFT      30
#define RESETS_MAX        10000
#define CHALLENGES_MAX    1000
#define CHALLENGES_SECRET 512

// Where each part lies in the memory.
struct layout {
	size_t conns, table, time_waits, chunks, limits, bytes;
};

static size_t aligned(size_t n)
{
	return (n + ALIGN_BYTES - 1) & ~(size_t)(ALIGN_BYTES - 1);
}

static struct layout layout_of(const struct tcp_config *config)
{
	struct layout l;

	l.conns = aligned(sizeof(struct tcp));
	l.table = l.conns + aligned(config->n_conns * sizeof(struct tcp_conn));
	l.time_waits =
		l.table + aligned(tcp_table_memory_bytes(config->n_conns + config->n_time_waits));
	l.chunks = l.time_waits + aligned(tcp_time_waits_memory_bytes(config->n_time_waits));
	l.limits =
		l.chunks + aligned(tcp_chunks_memory_bytes(config->n_chunks, config->chunk_bytes));
	l.bytes = l.limits + aligned(tcp_limits_memory_bytes(config->n_sources));
	return l;
}

void tcp_config_default(struct tcp_config *config, uint32_t n_conns)
{
	*config = (struct tcp_config){
		.n_conns = n_conns,
		.n_half_open = n_conns < 32 ? n_conns
			: n_conns < 32768   ? n_conns / 2
					    : 16384,
		.n_time_waits = n_conns < 1024 ? 1024 : n_conns,
		.n_chunks = 4096 + n_conns / 8,
		.chunk_bytes = 1472, // 23 cache lines; Ethernet's 1460 fit
		.send_bytes_max = 1 << 20,
		.receive_bytes_max = 1 << 18,
		.keepalive_s = 0,      // RFC 9293 §3.8.4: off by default
		.user_timeout_s = 120, // R2: at least 100 (RFC 9293 §3.8.3)
		.time_wait_s = 60,
	};
}

static bool in_range(uint32_t value, uint32_t least, uint32_t most)
{
	return value >= least && value <= most;
}

// A tick is 32 bits, deadlines lie within half of that: 10^6 s are far within.
static bool config_is_valid(const struct tcp_config *c)
{
	return in_range(c->n_conns, 1, 1u << 26) && in_range(c->n_half_open, 0, c->n_conns) &&
		(c->n_sources == 0 || c->n_sources == c->n_conns) &&
		in_range(c->n_time_waits, 1, 1u << 26) && in_range(c->n_chunks, 8, 1u << 28) &&
		in_range(c->chunk_bytes, 536, UINT16_MAX) &&
		in_range(c->send_bytes_max, 1024, 1u << 30) &&
		in_range(c->receive_bytes_max, 1024, 1u << 29) &&
		in_range(c->keepalive_s, 0, 1000000) && in_range(c->user_timeout_s, 1, 1000000) &&
		in_range(c->time_wait_s, 0, 1000000);
}

size_t tcp_memory_bytes(const struct tcp_config *config)
{
	return config_is_valid(config) ? layout_of(config).bytes : 0;
}

// The least that lets a window of bytes be told, rounded up to its unit.
static uint8_t scale_for(uint32_t bytes)
{
	uint8_t scale = 0;

	while (scale < TCP_WINDOW_SCALE_MAX && (bytes + (1u << scale) - 1) >> scale > UINT16_MAX)
		scale++;
	return scale;
}

struct tcp *tcp_init(
	void *memory, const struct tcp_config *config, uint64_t counters[], uint64_t now)
{
	struct tcp *t = memory;
	uint8_t *bytes = memory;
	struct layout l;
	uint32_t n;

	if (!config_is_valid(config))
		return NULL;
	l = layout_of(config);
	t->config = *config;
	t->counters = counters;
	t->window_scale = scale_for(config->receive_bytes_max);
	n = config->receive_bytes_max / config->chunk_bytes + 16;
	t->n_out_of_order_max = n < UINT16_MAX ? n : UINT16_MAX;
	t->conns = (struct tcp_conn *)(bytes + l.conns);
	tcp_keys_init(&t->keys, &config->key);
	tcp_table_init(
		&t->table, bytes + l.table, config->n_conns + config->n_time_waits, &config->key);
	tcp_time_waits_init(&t->time_waits, bytes + l.time_waits, config->n_time_waits);
	tcp_chunks_init(&t->chunks, bytes + l.chunks, config->n_chunks, config->chunk_bytes);
	tcp_limits_init(&t->limits, bytes + l.limits, config->n_sources, &config->key);
	t->second = UINT64_MAX;
	tcp_set_now(t, now);
	wheel_init(&t->wheel, &t->conns[0].timer, sizeof(t->conns[0]), t->now_tick);
	return t;
}

static void begin_second(struct tcp *t, uint64_t second)
{
	uint64_t secret = siphash_end_words(&t->keys.cookie, &second, 1);

	t->second = second;
	t->reset_tokens = RESETS_MAX;
	t->challenge_tokens = CHALLENGES_MAX + (uint32_t)(secret % CHALLENGES_SECRET);
}

void tcp_set_now(struct tcp *t, uint64_t now)
{
	if (now < t->now_ns)
		return;
	t->now_ns = now;
	t->now_us = (uint32_t)(now / 1000);
	t->now_tick = (uint32_t)(now >> TCP_TICK_SHIFT);
	if (now >> SECOND_SHIFT != t->second)
		begin_second(t, now >> SECOND_SHIFT);
}

int tcp_listen(struct tcp *t, const struct endpoint *local, uint16_t mtu, uint16_t listener)
{
	if (tcp_listener_at(t, local) != NULL)
		return -EEXIST;
	if (t->n_listeners == TCP_LISTENERS_MAX)
		return -ENOSPC;
	t->listeners[t->n_listeners++] =
		(struct tcp_listener){.local = *local, .mtu = mtu, .listener = listener};
	return 0;
}

int tcp_limit(struct tcp *t, uint16_t listener, uint32_t conns_max, uint32_t source_conns_max)
{
	if (listener >= TCP_LISTENERS_MAX || (source_conns_max > 0 && t->config.n_sources == 0))
		return -EINVAL;
	t->limit[listener].conns_max = conns_max;
	t->limit[listener].source_conns_max = source_conns_max;
	return 0;
}

void tcp_unlisten(struct tcp *t, uint16_t listener)
{
	unsigned n = 0;

	for (unsigned i = 0; i < t->n_listeners; i++) {
		if (t->listeners[i].listener != listener)
			t->listeners[n++] = t->listeners[i];
	}
	t->n_listeners = n;
}

static bool is_pair(const struct endpoint *local, const struct endpoint *remote)
{
	uint8_t family = local->ip.family;

	return (family == IP_V4 || family == IP_V6) && remote->ip.family == family &&
		local->port != 0 && remote->port != 0 &&
		!(local->port == remote->port && ip_equal(&local->ip, &remote->ip));
}

// The user timeout holds in any state (RFC 9293 §3.10.8); R2 of a SYN beyond that is ours.
static uint32_t open_ms(const struct tcp *t)
{
	return tcp_min(TCP_OPEN_MS, t->config.user_timeout_s * 1000);
}

int tcp_open(struct tcp *t, const struct endpoint *local, const struct endpoint *remote,
	uint16_t mtu, uint16_t listener, uint64_t now, tcp_conn_id *id)
{
	struct tcp_conn *c;
	uint64_t hash;

	tcp_set_now(t, now);
	if (!is_pair(local, remote))
		return -EINVAL;
	hash = tcp_table_hash(&t->table, local, remote);
	if (tcp_find(t, local, remote, hash) != TCP_TABLE_NONE)
		return -EADDRINUSE;
	c = tcp_conn_new(t, local, remote, hash, mtu, listener);
	if (c == NULL)
		return -ENOBUFS;
	tcp_conn_step(t, c, TCP_EVENT_OPEN);
	tcp_sender_begin(t, c, tcp_keys_isn(&t->keys, local, remote, t->now_ns));
	tcp_conn_set_due(t, c, TCP_DUE_IDLE, open_ms(t));
	tcp_conn_want_output(t, c);
	*id = tcp_conn_id_of(t, c);
	return 0;
}

bool tcp_set_user(struct tcp *t, tcp_conn_id id, uint64_t user)
{
	struct tcp_conn *c = tcp_conn_of(t, id);

	if (c == NULL)
		return false;
	c->user = user;
	return true;
}

uint64_t tcp_user(struct tcp *t, tcp_conn_id id)
{
	const struct tcp_conn *c = tcp_conn_of(t, id);

	return c != NULL ? c->user : 0;
}

uint32_t tcp_readable(struct tcp *t, tcp_conn_id id)
{
	const struct tcp_conn *c = tcp_conn_of(t, id);

	return c == NULL ? 0 : tcp_receiver_readable(c);
}

struct view tcp_peek(struct tcp *t, tcp_conn_id id)
{
	const struct tcp_conn *c = tcp_conn_of(t, id);

	return c == NULL ? VIEW_NONE : tcp_receiver_peek(t, c);
}

uint32_t tcp_copy(struct tcp *t, tcp_conn_id id, uint32_t offset, uint8_t *out, uint32_t n_bytes)
{
	const struct tcp_conn *c = tcp_conn_of(t, id);

	return c == NULL ? 0 : tcp_receiver_copy(t, c, offset, out, n_bytes);
}

void tcp_consume(struct tcp *t, tcp_conn_id id, uint32_t n_bytes)
{
	struct tcp_conn *c = tcp_conn_of(t, id);

	if (c == NULL)
		return;
	tcp_receiver_consume(t, c, n_bytes);
	if ((c->flags & TCP_CONN_READS_ON) != 0 && tcp_receiver_readable(c) == 0)
		tcp_conn_end(t, c, REASON_tcp_closed);
}

// Whether more can be queued behind what is.
static bool may_write(const struct tcp_conn *c)
{
	enum tcp_state s = (enum tcp_state)c->state;

	return (c->flags & TCP_CONN_CLOSED_BY_US) == 0 &&
		(s == TCP_STATE_SYN_SENT || s == TCP_STATE_SYN_RECEIVED ||
			s == TCP_STATE_ESTABLISHED || s == TCP_STATE_CLOSE_WAIT);
}

int tcp_write(struct tcp *t, tcp_conn_id id, const void *bytes, uint32_t n_bytes)
{
	struct tcp_conn *c = tcp_conn_of(t, id);
	int result;

	if (c == NULL || !may_write(c))
		return -EPIPE;
	if (n_bytes == 0)
		return 0;
	result = tcp_sender_write(t, c, bytes, n_bytes);
	if (result != 0)
		tcp_conn_wait_for_room(t, c);
	return result;
}

int tcp_reserve(
	struct tcp *t, tcp_conn_id id, uint32_t n_bytes, struct tcp_piece pieces[TCP_PIECES_MAX])
{
	struct tcp_conn *c = tcp_conn_of(t, id);
	int result;

	if (c == NULL || !may_write(c))
		return -EPIPE;
	result = tcp_sender_reserve(t, c, n_bytes, pieces);
	if (result == -ENOBUFS)
		tcp_conn_wait_for_room(t, c);
	return result;
}

void tcp_commit(struct tcp *t, tcp_conn_id id, uint32_t n_bytes)
{
	struct tcp_conn *c = tcp_conn_of(t, id);

	if (c != NULL && n_bytes > 0)
		tcp_sender_commit(t, c, n_bytes);
}

int tcp_check_room(struct tcp *t, tcp_conn_id id, uint32_t n_bytes)
{
	struct tcp_conn *c = tcp_conn_of(t, id);

	if (c == NULL || !may_write(c))
		return -EPIPE;
	if (n_bytes <= tcp_sender_room(t, c))
		return 0;
	tcp_conn_wait_for_room(t, c);
	return -ENOBUFS;
}

uint32_t tcp_room(struct tcp *t, tcp_conn_id id)
{
	const struct tcp_conn *c = tcp_conn_of(t, id);

	return c == NULL || !may_write(c) ? 0 : tcp_sender_room(t, c);
}

// The SYN is not theirs to see.
static uint32_t unacked(const struct tcp_conn *c)
{
	return tcp_state_is_synchronized((enum tcp_state)c->state)
		? c->sender.end - c->sender.una
		: c->sender.end - c->sender.iss - 1;
}

uint32_t tcp_unacked(struct tcp *t, tcp_conn_id id)
{
	const struct tcp_conn *c = tcp_conn_of(t, id);

	return c == NULL || (c->flags & TCP_CONN_READS_ON) != 0 ? 0 : unacked(c);
}

void tcp_close(struct tcp *t, tcp_conn_id id, uint64_t now)
{
	struct tcp_conn *c = tcp_conn_of(t, id);

	tcp_set_now(t, now);
	if (c == NULL || !may_write(c))
		return;
	if (c->state == TCP_STATE_SYN_SENT) {
		tcp_conn_end(t, c, REASON_tcp_closed);
		return;
	}
	c->flags |= TCP_CONN_CLOSED_BY_US;
	tcp_sender_finish(t, c);
	// In SYN_RECEIVED the FIN waits for ESTABLISHED (RFC 9293 §3.10.4).
	if (tcp_conn_step(t, c, TCP_EVENT_CLOSE))
		tcp_conn_want_output(t, c);
}

void tcp_abort(struct tcp *t, tcp_conn_id id, enum reason reason)
{
	struct tcp_conn *c = tcp_conn_of(t, id);

	if (c == NULL)
		return;
	tcp_reply_abort(t, c);
	tcp_conn_end(t, c, reason);
}

bool tcp_describe(struct tcp *t, tcp_conn_id id, struct tcp_status *out)
{
	const struct tcp_conn *c = tcp_conn_of(t, id);

	if (c == NULL)
		return false;
	*out = (struct tcp_status){
		.state = c->state,
		.mss = c->sender.mss,
		.srtt_us = c->sender.srtt_us,
		.rto_ms = c->sender.rto_ms,
		.cwnd_bytes = c->sender.cwnd,
		.ssthresh_bytes = c->sender.ssthresh,
		.readable = tcp_receiver_readable(c),
		.unacked = (c->flags & TCP_CONN_READS_ON) != 0 ? 0 : unacked(c),
		.n_retransmitted = c->sender.n_retransmitted,
	};
	tcp_conn_endpoints(c, &out->local, &out->remote);
	return true;
}

void tcp_usage(const struct tcp *t, struct tcp_usage *out)
{
	*out = (struct tcp_usage){
		.n_conns = t->n_used_conns,
		.n_half_open = t->n_half_open,
		.n_time_waits = t->time_waits.n_used,
		.n_chunks = t->chunks.n_used,
	};
}
