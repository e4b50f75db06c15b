// SPDX-License-Identifier: BSD-3-Clause
// A script of bytes: segments, ICMP errors, time and calls of the user on an engine that listens,
// has connections and little memory. Numbers of a segment are near those of a connection, as an
// attacker's may be. After each step the engine must hold what it promises.

#include "lib/tcp/conn.h"

#include <stdio.h>
#include <stdlib.h>

#define N_PEERS 6
#define MS      1000000ull

static _Alignas(64) uint8_t memory[1 << 18];
static uint64_t counters[REASON_N];
static struct tcp *t;
static uint64_t now, n_given;
static struct endpoint local, remotes[N_PEERS];
static tcp_conn_id ids[N_PEERS];

struct script {
	const uint8_t *at;
	size_t left;
};

static uint8_t get8(struct script *s)
{
	if (s->left == 0)
		return 0;
	s->left--;
	return *s->at++;
}

static uint16_t get16(struct script *s)
{
	uint16_t high = get8(s);

	return (uint16_t)(high << 8 | get8(s));
}

#define must(holds) must_at(holds, __LINE__)
static void must_at(bool holds, int line)
{
	if (holds)
		return;
	fprintf(stderr, "line %d does not hold\n", line);
	abort();
}

static void begin(void)
{
	struct tcp_config config;

	tcp_config_default(&config, 8);
	config.n_half_open = 2;
	config.n_time_waits = 3;
	config.n_chunks = 24;
	config.chunk_bytes = 536;
	config.send_bytes_max = 8192;
	config.receive_bytes_max = 6000;
	config.keepalive_s = 30;
	config.user_timeout_s = 20;
	config.key = (struct siphash_key){3, 4};
	must(tcp_memory_bytes(&config) <= sizeof(memory));
	memset(memory, 0, sizeof(memory));
	memset(counters, 0, sizeof(counters));
	memset(ids, 0, sizeof(ids));
	now = 1000 * MS;
	n_given = 0;
	t = tcp_init(memory, &config, counters, now);
	must(t != NULL);
	local = (struct endpoint){.ip = {.bytes = {192, 0, 2, 1}, .family = IP_V4},
		.port = 5060,
		.transport = TRANSPORT_TCP};
	for (uint8_t i = 0; i < N_PEERS; i++) {
		remotes[i] = local;
		remotes[i].ip.bytes[3] = (uint8_t)(2 + i);
	}
	must(tcp_listen(t, &local, 1500, 1) == 0);
}

static const struct tcp_conn *conn_at(unsigned peer)
{
	uint32_t entry = tcp_find(
		t, &local, &remotes[peer], tcp_table_hash(&t->table, &local, &remotes[peer]));

	return (entry & TCP_TABLE_TIME_WAIT) == 0 ? &t->conns[entry] : NULL;
}

// A number near one that means something, or any.
static uint32_t near(struct script *s, uint32_t base, uint32_t other)
{
	uint8_t how = get8(s);

	switch (how & 3) {
	case 0:
		return base;
	case 1:
		return base + (uint32_t)(int32_t)(int16_t)get16(s);
	case 2:
		return other + (uint32_t)(int32_t)(int8_t)(how >> 2);
	default:
		return (uint32_t)get16(s) << 16 | get16(s);
	}
}

static void read_options(struct script *s, const struct tcp_conn *c, struct tcp_options *o)
{
	uint8_t what = get8(s);
	uint32_t una = c == NULL ? 0 : c->sender.una;

	o->has_timestamps = (what & 1) != 0;
	if (o->has_timestamps) {
		o->ts_value = near(s, c == NULL ? 1000 : c->ts_recent, 0);
		o->ts_echo = near(s, c == NULL ? 0 : tcp_conn_ts(t, c), 0);
	}
	o->n_sack_blocks = what >> 1 & 3;
	for (unsigned i = 0; i < o->n_sack_blocks; i++) {
		o->sack[i].from = una + get16(s);
		o->sack[i].to = o->sack[i].from + get16(s) - 100;
	}
	o->has_mss = (what & 8) != 0;
	o->mss = get8(s);
	o->sack_permitted = (what & 16) != 0;
	o->has_window_scale = (what & 32) != 0;
	o->window_scale = what >> 6;
}

static struct tcp_segment read_segment(struct script *s)
{
	static const uint8_t text[2048] = {1, 2, 3};
	static const uint8_t common[8] = {TCP_SYN, TCP_ACK, TCP_ACK, TCP_ACK | TCP_PSH,
		TCP_FIN | TCP_ACK, TCP_RST, TCP_SYN | TCP_ACK, TCP_RST | TCP_ACK};
	unsigned peer = get8(s) % N_PEERS;
	const struct tcp_conn *c = conn_at(peer);
	uint8_t flags = get8(s), n = get8(s);
	struct tcp_segment out = {.local = local, .remote = remotes[peer]};

	out.flags = flags < 0xe0 ? common[flags & 7] : (uint8_t)(flags << 2 | (flags & 3));
	out.seq = near(s, c == NULL ? 100 : c->receiver.nxt, c == NULL ? 0 : c->receiver.adv);
	out.ack = near(s, c == NULL ? 0 : c->sender.nxt, c == NULL ? 0 : c->sender.una);
	out.window = get16(s);
	out.payload = view_of(text, n < 128 ? n / 2 : (size_t)(n - 127) * 16);
	read_options(s, c, &out.options);
	return out;
}

static void give(struct script *s)
{
	struct tcp_segment segments[4];
	unsigned n = 1 + (get8(s) & 3);

	for (unsigned i = 0; i < n; i++)
		segments[i] = read_segment(s);
	tcp_input_burst(t, segments, n, now);
	n_given += n;
}

static void icmp(struct script *s)
{
	unsigned peer = get8(s) % N_PEERS;
	const struct tcp_conn *c = conn_at(peer);
	struct tcp_icmp_error e = {.local = local, .remote = remotes[peer]};

	e.kind = (get8(s) & 1) != 0 ? TCP_ICMP_TOO_BIG : TCP_ICMP_UNREACHABLE;
	e.seq = near(s, c == NULL ? 0 : c->sender.una, c == NULL ? 0 : c->sender.nxt);
	e.mtu = get16(s);
	tcp_icmp_input(t, &e, now);
}

static void user_call(struct script *s)
{
	static uint8_t bytes[4096];
	unsigned peer = get8(s) % N_PEERS;
	tcp_conn_id id = ids[peer];

	switch (get8(s) & 7) {
	case 0:
		if (tcp_open(t, &local, &remotes[peer], (uint16_t)(1280 + get8(s)), 1, now, &id) ==
			0)
			ids[peer] = id;
		break;
	case 1:
	case 2:
		tcp_write(t, id, bytes, get16(s) % sizeof(bytes));
		break;
	case 3:
		tcp_copy(t, id, get8(s), bytes, get16(s) % sizeof(bytes));
		break;
	case 4:
		tcp_consume(t, id, tcp_readable(t, id));
		break;
	case 5:
		tcp_consume(t, id, get8(s));
		break;
	case 6:
		tcp_close(t, id, now);
		break;
	default:
		tcp_abort(t, id, REASON_tcp_aborted);
		break;
	}
}

static void take_events(void)
{
	struct tcp_event e;

	while (tcp_next_event(t, &e)) {
		const struct tcp_conn *c = &t->conns[(uint32_t)e.conn];

		must(e.what != 0);
		for (unsigned i = 0; i < N_PEERS; i++) {
			if (memcmp(c->remote, remotes[i].ip.bytes, sizeof(c->remote)) == 0 &&
				(e.what & TCP_OPENED) != 0)
				ids[i] = e.conn;
		}
	}
}

static void send_all(struct script *s)
{
	static struct tcp_packet packet;
	uint8_t how = get8(s);
	enum tcp_output_mode mode = (how & 1) != 0 ? TCP_OUTPUT_BARE : TCP_OUTPUT_ALL;
	uint32_t payload_max = (how & 2) != 0 ? 0 : 20000;
	unsigned n = 0;

	while (tcp_output(t, now, mode, payload_max, &packet)) {
		struct tcp_segment parsed;
		uint32_t total = 0;

		must(++n < 10000);
		must(packet.n_parts <= TCP_PACKET_PARTS_MAX);
		must(mode == TCP_OUTPUT_ALL || packet.payload_bytes == 0);
		for (unsigned i = 0; i < packet.n_parts; i++)
			total += (uint32_t)packet.parts[i].len;
		must(total == packet.payload_bytes);
		must(tcp_segment_parse(view_of(packet.header, packet.header_bytes), &parsed) ==
			REASON_none);
	}
}

static uint32_t check_queue(tcp_chunk_id first)
{
	uint32_t n = 0;

	for (tcp_chunk_id id = first; id != 0; id = tcp_chunk_at(&t->chunks, id)->next) {
		const struct tcp_chunk *chunk = tcp_chunk_at(&t->chunks, id);

		must(++n <= t->chunks.n_used);
		must(chunk->len > 0 && chunk->from + chunk->len <= t->chunks.room);
	}
	return n;
}

static uint32_t check_conn(const struct tcp_conn *c)
{
	const struct tcp_receiver *r = &c->receiver;
	uint32_t end = r->consumed;

	if ((c->flags & TCP_CONN_ENDED) != 0)
		return 0;
	must(seq_le(c->sender.una, c->sender.nxt));
	must(c->state == TCP_STATE_SYN_SENT || r->adv - r->consumed <= 6000 + 16);
	must(seq_le(r->nxt, r->adv) || c->state == TCP_STATE_SYN_SENT);
	must(tcp_receiver_readable(c) <= 6000 + 16);
	must((c->due_set == 0 || wheel_has(&t->wheel, tcp_conn_index(t, c))));
	for (tcp_chunk_id id = r->queue.first; id != 0; id = tcp_chunk_at(&t->chunks, id)->next) {
		const struct tcp_chunk *chunk = tcp_chunk_at(&t->chunks, id);

		// In order, without overlap, inside what was offered.
		must(seq_ge(chunk->seq, end));
		end = chunk->seq + chunk->len;
		must(seq_le(end, r->adv));
		if (id == r->queue.last_in_order)
			must(end + r->fin == r->nxt);
	}
	return check_queue(r->queue.first) + check_queue(c->sender.first);
}

static void check(void)
{
	uint32_t n_conns = 0, n_half_open = 0, n_chunks = 0;
	uint64_t n_counted = 0;

	for (uint32_t i = 0; i < t->n_touched_conns; i++)
		n_chunks += check_conn(&t->conns[i]);
	for (uint32_t i = 0; i < t->n_touched_conns; i++) {
		const struct tcp_conn *c = &t->conns[i];

		n_conns += (c->flags & (TCP_CONN_ENDED | TCP_CONN_READS_ON)) == 0;
		n_half_open +=
			(c->flags & (TCP_CONN_ENDED | TCP_CONN_HALF_OPEN)) == TCP_CONN_HALF_OPEN;
	}
	for (int r = REASON_tcp_segment_taken; r <= REASON_tcp_replies_full; r++)
		n_counted += counters[r];
	must(n_counted == n_given);
	must(n_chunks == t->chunks.n_used);
	must(n_half_open == t->n_half_open);
	must(n_conns + t->time_waits.n_used == t->table.n_entries);
	must(t->n_used_conns <= t->config.n_conns);
}

// All that the user knows of, those too that only wait for being read.
static void abort_all(void)
{
	for (uint32_t i = 0; i < t->n_touched_conns; i++) {
		const struct tcp_conn *c = &t->conns[i];

		if ((c->flags & (TCP_CONN_ENDED | TCP_CONN_HALF_OPEN)) == 0)
			tcp_abort(t, tcp_conn_id_of(t, c), REASON_tcp_aborted);
	}
}

// Whatever was done: once the user lets go and time has passed, nothing is left.
static void finish(void)
{
	struct tcp_usage usage;
	struct script none = {NULL, 0};

	abort_all();
	tcp_unlisten(t, 1);
	for (unsigned i = 0; i < 100; i++) {
		now += 4000 * MS;
		tcp_timers(t, now, 1000);
		send_all(&none);
	}
	take_events();
	tcp_usage(t, &usage);
	must(usage.n_conns == 0 && usage.n_half_open == 0);
	must(usage.n_chunks == 0 && usage.n_time_waits == 0);
	must(t->table.n_entries == 0 && t->wheel.n == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
	struct script s = {bytes, n_bytes};

	begin();
	while (s.left > 0) {
		switch (get8(&s) & 7) {
		case 0:
		case 1:
		case 2:
			give(&s);
			break;
		case 3:
			user_call(&s);
			break;
		case 4:
			now += (uint64_t)get8(&s) * MS;
			tcp_timers(t, now, 1 + (get8(&s) & 63));
			break;
		case 5:
			now += (uint64_t)get16(&s) * 16 * MS;
			tcp_timers(t, now, 1000);
			break;
		case 6:
			icmp(&s);
			break;
		default:
			send_all(&s);
			break;
		}
		take_events();
		check();
	}
	finish();
	return 0;
}
