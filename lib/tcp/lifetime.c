// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/conn.h"

// Connections told at a time that memory is there again.
#define TELL_MEMORY_MAX 32

#define ADDR_BYTES sizeof(((struct tcp_conn *)NULL)->remote)

struct tcp_conn *tcp_conn_of(struct tcp *t, tcp_conn_id id)
{
	uint32_t index = (uint32_t)id;
	struct tcp_conn *c;

	if (index >= t->n_touched_conns)
		return NULL;
	c = &t->conns[index];
	if (c->generation != id >> 32 || (c->flags & TCP_CONN_ENDED) != 0)
		return NULL;
	return c;
}

tcp_conn_id tcp_conn_id_of(const struct tcp *t, const struct tcp_conn *c)
{
	return (uint64_t)c->generation << 32 | tcp_conn_index(t, c);
}

static struct endpoint endpoint_of(uint8_t family, const uint8_t address[ADDR_BYTES], uint16_t port)
{
	struct endpoint e = {.ip.family = family, .port = port, .transport = TRANSPORT_TCP};

	memcpy(e.ip.bytes, address, ADDR_BYTES);
	return e;
}

void tcp_conn_endpoints(const struct tcp_conn *c, struct endpoint *local, struct endpoint *remote)
{
	*local = endpoint_of(c->family, c->local, c->local_port);
	*remote = endpoint_of(c->family, c->remote, c->remote_port);
}

void tcp_time_wait_endpoints(
	const struct tcp_time_wait *w, struct endpoint *local, struct endpoint *remote)
{
	*local = endpoint_of(w->family, w->local, w->local_port);
	*remote = endpoint_of(w->family, w->remote, w->remote_port);
}

static uint64_t hash_of(const struct tcp *t, const struct tcp_conn *c)
{
	struct endpoint local, remote;

	tcp_conn_endpoints(c, &local, &remote);
	return tcp_table_hash(&t->table, &local, &remote);
}

static uint32_t time_wait_entry(const struct tcp *t, const struct tcp_time_wait *w)
{
	return TCP_TABLE_TIME_WAIT | (uint32_t)(w - t->time_waits.entries);
}

bool tcp_conn_is(
	const struct tcp_conn *c, const struct endpoint *local, const struct endpoint *remote)
{
	return c->remote_port == remote->port && c->local_port == local->port &&
		c->family == remote->ip.family &&
		memcmp(c->remote, remote->ip.bytes, ADDR_BYTES) == 0 &&
		memcmp(c->local, local->ip.bytes, ADDR_BYTES) == 0;
}

static bool is_time_wait(
	const struct tcp_time_wait *w, const struct endpoint *local, const struct endpoint *remote)
{
	return w->remote_port == remote->port && w->local_port == local->port &&
		w->family == remote->ip.family &&
		memcmp(w->remote, remote->ip.bytes, ADDR_BYTES) == 0 &&
		memcmp(w->local, local->ip.bytes, ADDR_BYTES) == 0;
}

uint32_t tcp_find(const struct tcp *t, const struct endpoint *local, const struct endpoint *remote,
	uint64_t hash)
{
	struct tcp_table_cursor at = {0};

	for (;;) {
		uint32_t entry = tcp_table_next(&t->table, hash, &at);

		if (entry == TCP_TABLE_NONE)
			return entry;
		if ((entry & TCP_TABLE_TIME_WAIT) == 0
				? tcp_conn_is(&t->conns[entry], local, remote)
				: is_time_wait(&t->time_waits.entries[entry & ~TCP_TABLE_TIME_WAIT],
					  local, remote))
			return entry;
	}
}

static void uncount(struct tcp *t, const struct tcp_conn *c)
{
	struct tcp_limit *limit = &t->limit[c->listener];
	struct endpoint local, remote;

	limit->n_conns--;
	if (limit->source_conns_max == 0)
		return;
	tcp_conn_endpoints(c, &local, &remote);
	tcp_limits_del(&t->limits, c->listener, &remote.ip);
}

static void release(struct tcp *t, struct tcp_conn *c)
{
	if ((c->flags & TCP_CONN_LIMITED) != 0)
		uncount(t, c);
	c->flags = TCP_CONN_ENDED;
	c->links[0].next = t->free_conn;
	t->free_conn = tcp_conn_link(t, c);
	t->n_used_conns--;
}

// One that nobody uses, all zero but its generation, which is new.
static struct tcp_conn *get(struct tcp *t)
{
	struct tcp_conn *c;
	uint32_t generation;

	if (t->free_conn != 0) {
		c = tcp_conn_at_link(t, t->free_conn);
		t->free_conn = c->links[0].next;
	} else if (t->n_touched_conns < t->config.n_conns) {
		c = &t->conns[t->n_touched_conns++];
	} else {
		return NULL;
	}
	generation = c->generation + 1;
	memset(c, 0, sizeof(*c));
	// 0 would make an id of 0.
	c->generation = generation == 0 ? 1 : generation;
	t->n_used_conns++;
	return c;
}

struct tcp_conn *tcp_conn_new(struct tcp *t, const struct endpoint *local,
	const struct endpoint *remote, uint64_t hash, uint16_t mtu, uint16_t listener)
{
	struct tcp_conn *c = get(t);

	if (c == NULL)
		return NULL;
	if (tcp_table_add(&t->table, hash, tcp_conn_index(t, c)) != 0) {
		release(t, c);
		return NULL;
	}
	memcpy(c->remote, remote->ip.bytes, ADDR_BYTES);
	memcpy(c->local, local->ip.bytes, ADDR_BYTES);
	c->remote_port = remote->port;
	c->local_port = local->port;
	c->family = remote->ip.family;
	c->mtu = mtu;
	c->listener = listener;
	c->ts_offset = tcp_keys_ts_offset(&t->keys, local, remote);
	c->heard_tick = t->now_tick;
	c->receiver.window_scale = t->window_scale;
	return c;
}

bool tcp_conn_step(struct tcp *t, struct tcp_conn *c, enum tcp_state_event event)
{
	enum tcp_state after = tcp_state_after((enum tcp_state)c->state, event);

	(void)t;
	if (after == TCP_STATE_N)
		return false;
	c->state = (uint8_t)after;
	return true;
}

void tcp_conn_want_output(struct tcp *t, struct tcp_conn *c)
{
	tcp_list_add(t, TCP_LIST_OUTPUT, c);
}

struct tcp_conn *tcp_conn_pop_output(struct tcp *t)
{
	return tcp_list_pop(t, TCP_LIST_OUTPUT);
}

void tcp_conn_wait_for_room(struct tcp *t, struct tcp_conn *c)
{
	c->flags |= TCP_CONN_WAITS_FOR_ROOM;
	// With its own queue full, its own ACKs make room; that of its SYN makes none.
	if (tcp_memory_is_scarce(t) || c->sender.first == 0)
		tcp_list_add(t, TCP_LIST_MEMORY, c);
}

void tcp_conn_tell_room(struct tcp *t, struct tcp_conn *c)
{
	if ((c->flags & TCP_CONN_WAITS_FOR_ROOM) == 0)
		return;
	if (tcp_sender_room(t, c) == 0) {
		tcp_conn_wait_for_room(t, c);
		return;
	}
	c->flags &= (uint16_t)~TCP_CONN_WAITS_FOR_ROOM;
	tcp_list_del(t, TCP_LIST_MEMORY, c);
	tcp_conn_tell(t, c, TCP_WRITABLE);
}

void tcp_tell_memory(struct tcp *t)
{
	// So many that, if each takes a chunk, it is soon scarce again.
	uint32_t n_free = t->chunks.n - t->chunks.n_used, n_kept = t->chunks.n / 8;

	for (uint32_t i = n_kept; i < n_free && i < n_kept + TELL_MEMORY_MAX; i++) {
		struct tcp_conn *c = tcp_list_pop(t, TCP_LIST_MEMORY);

		if (c == NULL)
			return;
		tcp_conn_tell_room(t, c);
	}
}

void tcp_conn_tell(struct tcp *t, struct tcp_conn *c, uint8_t events)
{
	if (events == 0)
		return;
	c->events |= events;
	tcp_list_add(t, TCP_LIST_EVENTS, c);
}

bool tcp_next_event(struct tcp *t, struct tcp_event *out)
{
	struct tcp_conn *c = tcp_list_pop(t, TCP_LIST_EVENTS);

	if (c == NULL)
		return false;
	*out = (struct tcp_event){
		.conn = tcp_conn_id_of(t, c),
		.user = c->user,
		.listener = c->listener,
		.what = c->events,
		.reason = (enum reason)c->end_reason,
	};
	c->events = 0;
	if ((c->flags & TCP_CONN_ENDED) != 0) {
		out->unacked = c->lost_bytes;
		release(t, c);
	}
	return true;
}

void tcp_conn_set_due(struct tcp *t, struct tcp_conn *c, enum tcp_deadline which, uint32_t ms)
{
	uint32_t index = tcp_conn_index(t, c), due = t->now_tick + tcp_ticks(ms);

	c->due[which] = due;
	c->due_set |= (uint8_t)(1u << which);
	// One that comes up too early finds out; moving it each time would cost more.
	if (!wheel_has(&t->wheel, index) || seq_lt(due, c->timer.due))
		wheel_set(&t->wheel, index, due);
}

void tcp_conn_clear_due(struct tcp *t, struct tcp_conn *c, enum tcp_deadline which)
{
	(void)t;
	c->due_set &= (uint8_t) ~(1u << which);
}

// Neither SYN nor FIN are the user's bytes.
static uint32_t bytes_to_be_lost(const struct tcp_conn *c)
{
	const struct tcp_sender *s = &c->sender;
	uint32_t from = s->una == s->iss ? s->iss + 1 : s->una, n = s->end - from;

	return n > 0 && s->fin_queued ? n - 1 : n;
}

// Out of everything but the table and the list of events.
static void stop(struct tcp *t, struct tcp_conn *c)
{
	tcp_list_del(t, TCP_LIST_OUTPUT, c);
	tcp_list_del(t, TCP_LIST_MEMORY, c);
	if (wheel_has(&t->wheel, tcp_conn_index(t, c)))
		wheel_del(&t->wheel, tcp_conn_index(t, c));
	c->due_set = 0;
	if ((c->flags & TCP_CONN_HALF_OPEN) != 0)
		t->n_half_open--;
	c->lost_bytes = bytes_to_be_lost(c);
	tcp_sender_end(t, c);
}

static void tell_end(struct tcp *t, struct tcp_conn *c, enum reason reason)
{
	bool half_open = (c->flags & TCP_CONN_HALF_OPEN) != 0;

	tcp_receiver_end(t, c);
	tcp_count(t, reason);
	c->end_reason = (uint16_t)reason;
	c->flags |= TCP_CONN_ENDED;
	if (half_open)
		release(t, c);
	else
		tcp_conn_tell(t, c, TCP_CLOSED);
}

void tcp_conn_end(struct tcp *t, struct tcp_conn *c, enum reason reason)
{
	if ((c->flags & TCP_CONN_READS_ON) == 0) {
		tcp_table_del(&t->table, hash_of(t, c), tcp_conn_index(t, c));
		stop(t, c);
	}
	tcp_conn_step(t, c, TCP_EVENT_END);
	tell_end(t, c, reason);
}

void tcp_time_wait_forget(struct tcp *t, struct tcp_time_wait *w)
{
	struct endpoint local, remote;

	tcp_time_wait_endpoints(w, &local, &remote);
	tcp_table_del(&t->table, tcp_table_hash(&t->table, &local, &remote), time_wait_entry(t, w));
	tcp_time_wait_del(&t->time_waits, w);
}

uint32_t tcp_time_wait_due(const struct tcp *t)
{
	return t->now_tick + tcp_ticks(t->config.time_wait_s * 1000);
}

static struct tcp_time_wait *add_time_wait(struct tcp *t)
{
	struct tcp_time_wait evicted, *w;
	struct endpoint local, remote;
	bool has_evicted;

	w = tcp_time_wait_add(&t->time_waits, &evicted, &has_evicted);
	if (has_evicted) {
		tcp_time_wait_endpoints(&evicted, &local, &remote);
		tcp_table_del(&t->table, tcp_table_hash(&t->table, &local, &remote),
			time_wait_entry(t, w));
	}
	return w;
}

// Its place in the table is the entry's from now on.
static void leave_to_time_wait(struct tcp *t, struct tcp_conn *c)
{
	struct tcp_time_wait *w = add_time_wait(t);

	memcpy(w->local, c->local, ADDR_BYTES);
	memcpy(w->remote, c->remote, ADDR_BYTES);
	w->local_port = c->local_port;
	w->remote_port = c->remote_port;
	w->family = c->family;
	w->listener = c->listener;
	w->has_timestamps = (c->flags & TCP_CONN_TIMESTAMPS) != 0;
	w->ts_recent = c->ts_recent;
	w->rcv_nxt = c->receiver.nxt;
	w->snd_nxt = c->sender.nxt;
	w->due = tcp_time_wait_due(t);
	tcp_table_replace(&t->table, hash_of(t, c), tcp_conn_index(t, c), time_wait_entry(t, w));
	// The ACK of their FIN, unless it has gone out.
	if (c->receiver.ack != TCP_ACK_NONE)
		tcp_reply_time_wait(t, w);
}

void tcp_conn_finished(struct tcp *t, struct tcp_conn *c)
{
	if (c->state == TCP_STATE_TIME_WAIT)
		leave_to_time_wait(t, c);
	else
		tcp_table_del(&t->table, hash_of(t, c), tcp_conn_index(t, c));
	stop(t, c);
	if (tcp_receiver_readable(c) > 0) {
		c->receiver.ack = TCP_ACK_NONE;
		c->flags |= TCP_CONN_READS_ON;
	} else {
		tcp_conn_step(t, c, TCP_EVENT_END);
		tell_end(t, c, REASON_tcp_closed);
	}
}
