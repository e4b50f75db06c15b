// SPDX-License-Identifier: BSD-3-Clause

#include "tests/script/world.h"

#include "tests/script/watch.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS UINT64_C(1000000)

uint8_t world_peer_byte(uint32_t at)
{
	return (uint8_t)((at + 1) * 2654435761u >> 24);
}

uint8_t world_engine_byte(uint32_t at)
{
	return (uint8_t)((at + 1) * 2246822519u >> 24);
}

struct world *world_new(const struct variant *variant)
{
	struct world *w = calloc(1, sizeof(*w));

	if (w == NULL || (w->sent = calloc(WORLD_SENT_MAX, sizeof(*w->sent))) == NULL)
		abort();
	w->variant = *variant;
	w->payload_max = variant->cuts ? 65535 : 0;
	tcp_config_default(&w->config, 64);
	w->config.key = (struct siphash_key){0x0123456789abcdef, 0xfedcba9876543210};
	w->config.keepalive_s = 0;
	return w;
}

void world_free(struct world *w)
{
	for (unsigned i = 0; i < WORLD_PEERS_MAX; i++)
		free(w->peers[i]);
	free(w->memory);
	free(w->sent);
	free(w);
}

static void start_engine(struct world *w, uint64_t now)
{
	size_t n = tcp_memory_bytes(&w->config);

	free(w->memory);
	w->memory = n > 0 ? aligned_alloc(64, (n + 63) / 64 * 64) : NULL;
	if (w->memory == NULL) {
		world_complain(w, "tcp_memory_bytes() refuses this config");
		return;
	}
	memset(w->memory, 0, n);
	memset(w->counters, 0, sizeof(w->counters));
	w->now = w->origin = now;
	w->tcp = tcp_init(w->memory, &w->config, w->counters, now);
	if (w->tcp == NULL)
		world_complain(w, "tcp_init() refuses this config");
}

// The ISN counts every 4 us (RFC 6528 §3): asked for it once, the engine can be started at a time
// at which the one of peer 0 is about to wrap.
static uint64_t time_before_wrap(struct world *w)
{
	struct peer *p = world_peer(w, 0);
	struct tcp_packet packet;
	struct wire wire;
	tcp_conn_id id;

	start_engine(w, 0);
	if (w->tcp == NULL || tcp_open(w->tcp, &p->local, &p->remote, 1500, 0, 0, &id) != 0 ||
		!tcp_output(w->tcp, 0, TCP_OUTPUT_ALL, 0, &packet) ||
		wire_decode(packet.header, packet.header_bytes, &wire) != NULL) {
		world_complain(w, "no SYN comes of tcp_open()");
		return 0;
	}
	return (uint64_t)(UINT32_MAX - 600 - wire.seq) * 4000;
}

void world_start(struct world *w)
{
	uint64_t origin = w->variant.family == IP_V4 ? UINT64_C(987654321987654) : 0;

	if (w->tcp != NULL)
		return;
	if (w->variant.wraps)
		origin = time_before_wrap(w);
	start_engine(w, origin);
}

static struct endpoint make_endpoint(uint8_t family, uint8_t last, uint16_t port)
{
	struct endpoint e = {.port = port, .transport = TRANSPORT_TCP};

	e.ip.family = family;
	if (family == IP_V4)
		memcpy(e.ip.bytes, (uint8_t[]){192, 0, 2, last}, 4);
	else
		memcpy(e.ip.bytes, (uint8_t[16]){0x20, 0x01, 0x0d, 0xb8, [15] = last}, 16);
	return e;
}

struct peer *world_peer(struct world *w, unsigned number)
{
	struct peer *p;

	if (number >= WORLD_PEERS_MAX)
		return NULL;
	if (w->peers[number] != NULL)
		return w->peers[number];
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		abort();
	w->peers[number] = p;
	p->number = number;
	p->local = make_endpoint(w->variant.family, 1, WORLD_LOCAL_PORT);
	p->remote = make_endpoint(w->variant.family, 2, (uint16_t)(WORLD_REMOTE_PORT + number));
	p->isn = w->variant.wraps ? UINT32_MAX - 300 : 1000000 + 7777 * number;
	p->ts_base = w->variant.wraps ? UINT32_MAX - 1020 : 500000;
	p->sent_end = p->isn;
	return p;
}

void world_peer_again(struct world *w, struct peer *p, int64_t step)
{
	struct peer old = *p;

	(void)w;
	memset(p, 0, sizeof(*p));
	p->number = old.number;
	p->local = old.local;
	p->remote = old.remote;
	p->isn = old.isn + (uint32_t)step;
	p->ts_base = old.ts_base;
	p->sent_end = p->isn;
}

uint64_t world_ms(const struct world *w)
{
	return (w->now - w->origin) / MS;
}

void world_complain(struct world *w, const char *format, ...)
{
	va_list args;

	if (w->complaint[0] != '\0')
		return;
	va_start(args, format);
	vsnprintf(w->complaint, sizeof(w->complaint), format, args);
	va_end(args);
}

void world_log(struct world *w, const struct peer *p, bool in, const struct wire *wire)
{
	char *line = w->log[w->n_logged++ % WORLD_LOG_LINES];
	uint64_t us = (w->now - w->origin) / 1000;
	int n = snprintf(line, WORLD_LOG_BYTES, "%7llu.%03llu ms  peer %u  %s  ",
		(unsigned long long)(us / 1000), (unsigned long long)(us % 1000), p->number,
		in ? "in " : "out");

	watch_describe(p, in, wire, line + n, WORLD_LOG_BYTES - (size_t)n);
}

static uint64_t n_counted(const struct world *w)
{
	uint64_t n = 0;

	for (unsigned r = REASON_tcp_segment_taken; r <= REASON_tcp_replies_full; r++)
		n += w->counters[r];
	return n;
}

// The bytes take the product's way: through tcp_segment_parse().
static bool parse(struct world *w, const struct peer *p, struct view bytes, struct tcp_segment *out)
{
	enum reason reason = tcp_segment_parse(bytes, out);

	if (reason != REASON_none) {
		w->counters[reason]++;
		return false;
	}
	out->local.ip = p->local.ip;
	out->remote.ip = p->remote.ip;
	out->local.transport = out->remote.transport = TRANSPORT_TCP;
	return true;
}

bool world_input(struct world *w, struct peer *peers[], const struct wire segments[], unsigned n)
{
	struct tcp_segment parsed[TCP_BURST];
	uint8_t *bytes[TCP_BURST];
	unsigned n_parsed = 0;
	uint64_t counted;

	memcpy(w->before, w->counters, sizeof(w->before));
	for (unsigned i = 0; i < n; i++) {
		size_t length;

		// Each in an allocation of its size, so that ASan sees a read past its end.
		length = wire_encode(&segments[i], w->packet, sizeof(w->packet));
		bytes[i] = malloc(length);
		if (bytes[i] == NULL)
			abort();
		memcpy(bytes[i], w->packet, length);
		watch_input(peers[i], &segments[i]);
		world_log(w, peers[i], true, &segments[i]);
		w->last_peer = peers[i];
		n_parsed += parse(w, peers[i], view_of(bytes[i], length), &parsed[n_parsed]);
	}
	counted = n_counted(w);
	tcp_input_burst(w->tcp, parsed, n_parsed, w->now);
	if (n_counted(w) != counted + n_parsed)
		world_complain(w, "%u segments were counted %llu times", n_parsed,
			(unsigned long long)(n_counted(w) - counted));
	for (unsigned i = 0; i < n; i++)
		free(bytes[i]);
	world_settle(w);
	return n_parsed == n;
}

static void queue_sent(struct world *w, struct peer *p, const struct wire *wire)
{
	if (w->n_taken == w->n_sent)
		w->n_taken = w->n_sent = 0;
	watch_output(w, p, wire);
	world_log(w, p, false, wire);
	if (w->n_sent == WORLD_SENT_MAX) {
		world_complain(w, "the engine sends without end");
		return;
	}
	w->n_total++;
	w->sent[w->n_sent++] = (struct sent){w->now, p, *wire};
}

// Cuts a packet into segments as a device does: flags that end something on the last one only.
static void take_packet(struct world *w, const struct tcp_packet *packet, struct peer *p)
{
	uint32_t n = 0, cut = packet->segment_bytes;
	struct wire wire, piece;
	const char *wrong;

	if (packet->header_bytes + packet->payload_bytes > sizeof(w->packet) ||
		packet->n_parts > TCP_PACKET_PARTS_MAX) {
		world_complain(w, "a packet with more payload or parts than can be");
		return;
	}
	memcpy(w->packet, packet->header, packet->header_bytes);
	for (unsigned i = 0; i < packet->n_parts; i++) {
		memcpy(w->packet + packet->header_bytes + n, packet->parts[i].at,
			packet->parts[i].len);
		n += (uint32_t)packet->parts[i].len;
	}
	wrong = wire_decode(w->packet, packet->header_bytes + n, &wire);
	if (wrong == NULL && n != packet->payload_bytes)
		wrong = "its parts do not add up to payload_bytes";
	if (wrong == NULL && n > 0 && (cut == 0 || (n > cut && !w->variant.cuts)))
		wrong = "payload_bytes or segment_bytes beyond what the device takes";
	if (wrong != NULL) {
		world_complain(w, "a segment that cannot be: %s", wrong);
		return;
	}
	piece = wire;
	for (uint32_t at = 0; at < n || at == 0; at += piece.payload_bytes) {
		bool last = n - at <= cut;

		piece.seq = wire.seq + at;
		piece.payload = wire.payload + at;
		piece.payload_bytes = last ? n - at : cut;
		piece.flags = last ? wire.flags : wire.flags & ~(WIRE_FIN | WIRE_PSH);
		queue_sent(w, p, &piece);
		if (n == 0)
			break;
	}
}

static struct peer *peer_at(struct world *w, const struct ip_addr *ip, uint16_t port)
{
	struct peer *p;

	if (port < WORLD_REMOTE_PORT || port - WORLD_REMOTE_PORT >= WORLD_PEERS_MAX)
		return NULL;
	p = w->peers[port - WORLD_REMOTE_PORT];
	return p != NULL && ip_equal(&p->remote.ip, ip) ? p : NULL;
}

static void take_output(struct world *w)
{
	struct tcp_packet packet;

	while (!w->holds && w->complaint[0] == '\0' &&
		tcp_output(w->tcp, w->now, w->mode, w->payload_max, &packet)) {
		unsigned port = (unsigned)packet.header[2] << 8 | packet.header[3];
		struct peer *p = peer_at(w, &packet.remote, (uint16_t)port);

		if (p == NULL || !ip_equal(&packet.local, &p->local.ip) ||
			((unsigned)packet.header[0] << 8 | packet.header[1]) != p->local.port) {
			world_complain(w, "a segment to or from somebody unknown");
			return;
		}
		if (w->mode == TCP_OUTPUT_BARE && packet.payload_bytes > 0)
			world_complain(w, "payload sent while packet memory is dry");
		if (packet.header[16] != 0 || packet.header[17] != 0)
			world_complain(w, "a checksum that is not zero (tcp.h)");
		take_packet(w, &packet, p);
	}
}

static struct peer *peer_of_event(struct world *w, const struct tcp_event *e)
{
	struct tcp_status info;
	struct peer *p = NULL;

	if (e->user != 0)
		return e->user <= WORLD_PEERS_MAX ? w->peers[e->user - 1] : NULL;
	if (tcp_describe(w->tcp, e->conn, &info))
		p = peer_at(w, &info.remote.ip, info.remote.port);
	else if ((e->what & TCP_CLOSED) != 0)
		p = w->last_peer; // opened and closed before anybody asked
	if (p != NULL && (e->what & TCP_OPENED) != 0) {
		p->id = e->conn;
		p->has_id = true;
		p->closed = false;
		tcp_set_user(w->tcp, p->id, p->number + 1);
	}
	return p;
}

static void take_event(struct world *w, const struct tcp_event *e)
{
	struct peer *p = peer_of_event(w, e);
	struct tcp_status info;

	if (p == NULL || !p->has_id || p->id != e->conn)
		world_complain(w, "an event 0x%x of a connection that nobody has", e->what);
	else if (p->closed)
		world_complain(
			w, "an event 0x%x after the connection was reported closed", e->what);
	else if ((e->what & TCP_CLOSED) != 0 && tcp_describe(w->tcp, p->id, &info))
		world_complain(w, "reported closed, and its id is still valid");
	else if (e->what == 0)
		world_complain(w, "an event of nothing");
	if (w->complaint[0] != '\0')
		return;
	p->events |= e->what;
	if ((e->what & TCP_CLOSED) != 0) {
		p->closed = true;
		p->reason = e->reason;
	}
}

void world_settle(struct world *w)
{
	struct tcp_event event;

	take_output(w);
	for (unsigned n = 0; tcp_next_event(w->tcp, &event); n++) {
		if (n == 100000) {
			world_complain(w, "events without end");
			return;
		}
		take_event(w, &event);
	}
}

void world_advance(struct world *w, uint64_t ns)
{
	uint64_t end = w->now + ns;

	while (w->now < end && w->complaint[0] == '\0') {
		// Days go by in seconds.
		uint64_t left = end - w->now, step = left > 600 * 1000 * MS ? 1000 * MS : MS;

		w->now += left < step ? left : step;
		tcp_timers(w->tcp, w->now, 64);
		world_settle(w);
	}
}

struct sent *world_next_sent(struct world *w)
{
	return w->n_taken < w->n_sent ? &w->sent[w->n_taken] : NULL;
}

// Long enough for half-open connections to be given up and for twice the segment lifetime.
#define FINISH_S 400

void world_finish(struct world *w)
{
	struct tcp_usage usage;

	for (unsigned i = 0; i < WORLD_PEERS_MAX; i++) {
		if (w->peers[i] != NULL && w->peers[i]->has_id && !w->peers[i]->closed)
			tcp_abort(w->tcp, w->peers[i]->id, REASON_tcp_aborted);
	}
	w->holds = false;
	world_settle(w);
	for (unsigned i = 0; i < FINISH_S * 20 && w->complaint[0] == '\0'; i++) {
		w->now += 50 * MS;
		tcp_timers(w->tcp, w->now, 1024);
		world_settle(w);
		w->n_taken = w->n_sent = 0;
	}
	tcp_usage(w->tcp, &usage);
	if (usage.n_conns + usage.n_half_open + usage.n_time_waits + usage.n_chunks > 0)
		world_complain(w,
			"left over: %u connections, %u half-open, %u in TIME_WAIT, %u chunks",
			usage.n_conns, usage.n_half_open, usage.n_time_waits, usage.n_chunks);
}
