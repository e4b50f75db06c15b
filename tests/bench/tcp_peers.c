// SPDX-License-Identifier: BSD-3-Clause

#include "tests/bench/tcp_peers.h"

#include "lib/base/wire.h"
#include "lib/net/ether.h"
#include "lib/net/ip.h"
#include "lib/net/tcp.h"
#include "lib/sip/value.h"
#include "tests/bench/peer_stream.h"

#include <rte_cycles.h>
#include <stdlib.h>

#define MTU        1500
#define SIP_PORT   5060
#define SIPS_PORT  5061
#define FIRST_PORT 20000
#define SERVERS    8          // connections of the relay to the server, at most
#define PING       "\r\n\r\n" // RFC 5626 §4.4.1

struct tcp_peers {
	struct relay_world *world;
	enum transport transport;
	struct tcp *tcp;
	struct record_crypto *crypto; // NULL: no TLS
	void *memory;
	uint64_t counters[REASON_N];
	struct peer_stream clients[TCP_PEERS_CONNS];
	struct peer_stream servers[SERVERS];
	unsigned n_servers, n_open;
	uint8_t *messages;
	uint64_t n_wrong, n_extra;
	struct sip_message message;
};

__attribute__((noreturn)) static void give_up(const char *what)
{
	fprintf(stderr, "bench: peers: %s\n", what);
	exit(1);
}

static struct endpoint endpoint(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port)
{
	return (struct endpoint){.ip = {.bytes = {a, b, c, d}, .family = IP_V4},
		.port = port,
		.transport = TRANSPORT_TCP};
}

static uint64_t now_ns(const struct tcp_peers *p)
{
	return worker_ns(p->world->worker, rte_rdtsc());
}

static unsigned port_towards(const struct ip_addr *relay)
{
	return relay->bytes[0] == 10 ? RELAY_WORLD_INSIDE : RELAY_WORLD_OUTSIDE;
}

static void push_frame(struct tcp_peers *p, const struct tcp_packet *out)
{
	static const uint8_t mac[ETHER_MAC_BYTES] = {0x02, 0, 0, 0, 0, 0x11};
	unsigned port = port_towards(&out->remote);
	size_t n_segment = out->header_bytes + (size_t)out->payload_bytes;
	struct ip_header h = {.source = out->local,
		.destination = out->remote,
		.payload_bytes = (uint16_t)n_segment,
		.protocol = IP_PROTOCOL_TCP,
		.hop_limit = 64,
		.dont_fragment = true};
	struct rte_mbuf *m = rte_pktmbuf_alloc(p->world->feed);
	uint8_t *at, *segment;

	if (m == NULL)
		give_up("the feed is empty");
	at = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(ETHER_BYTES + IPV4_BYTES + n_segment));
	if (at == NULL)
		give_up("a segment does not fit");
	ether_build(at, p->world->ports[port].mac.addr_bytes, mac, 0, ETHER_TYPE_IPV4);
	ipv4_build(at + ETHER_BYTES, &h);
	segment = at + ETHER_BYTES + IPV4_BYTES;
	memcpy(segment, out->header, out->header_bytes);
	for (unsigned i = 0, n = out->header_bytes; i < out->n_parts; i++) {
		memcpy(segment + n, out->parts[i].at, out->parts[i].len);
		n += (unsigned)out->parts[i].len;
	}
	tcp_checksum_fill(segment, n_segment, &out->local, &out->remote);
	if (rte_ring_sp_enqueue(p->world->rx[port], m) != 0)
		give_up("a receive queue is full");
}

static void push_all(struct tcp_peers *p)
{
	struct tcp_packet out;

	while (tcp_output(p->tcp, now_ns(p), TCP_OUTPUT_ALL, 0, &out))
		push_frame(p, &out);
}

static void take_frame(struct tcp_peers *p, const struct rte_mbuf *m)
{
	const uint8_t *at = rte_pktmbuf_mtod(m, const uint8_t *);
	struct tcp_segment s;
	struct ip_header h;
	struct view packet;

	if (wire_get16(at + 12) != ETHER_TYPE_IPV4)
		return;
	packet = view_of(at + ETHER_BYTES, rte_pktmbuf_data_len(m) - ETHER_BYTES);
	if (m->nb_segs != 1 || ipv4_parse(packet, &h) != REASON_none ||
		!ipv4_checksum_holds(packet.at) || h.protocol != IP_PROTOCOL_TCP)
		give_up("a frame that is none of TCP's");
	packet = view_of(packet.at + h.n_bytes, h.payload_bytes);
	if (!tcp_checksum_holds(packet, &h) || tcp_segment_parse(packet, &s) != REASON_none)
		give_up("a wrong checksum");
	s.local.ip = h.destination;
	s.remote.ip = h.source;
	tcp_input_burst(p->tcp, &s, 1, now_ns(p));
}

// Call-ID is eight digits of noise and eight of the index.
static bool read_index(const struct tcp_peers *p, uint32_t *index)
{
	struct view id;
	char digits[9] = "";

	if (sip_call_id(&p->message, &id) < 0 || id.len < 16)
		return false;
	memcpy(digits, id.at + 8, 8);
	*index = (uint32_t)strtoul(digits, NULL, 16);
	return *index < TRAFFIC_MESSAGES;
}

static void check_message(struct tcp_peers *p)
{
	static const char tcp_via[] = "\r\nVia: SIP/2.0/TCP 10.10.0.1:5060;branch=z9hG4bK",
			  tls_via[] = "\r\nVia: SIP/2.0/TLS 10.10.0.1:5061;branch=z9hG4bK";
	const char *via = p->transport == TRANSPORT_TLS ? tls_via : tcp_via;
	struct view m = p->message.bytes;
	const uint8_t *from = memmem(m.at, m.len, "\r\nFrom: ", 8), *sent, *sent_from;
	unsigned max_forwards;
	uint32_t index;
	size_t n_rest;

	if (from == NULL || !read_index(p, &index)) {
		p->n_wrong++;
		return;
	}
	sent = p->messages + (size_t)index * TRAFFIC_MESSAGE_BYTES;
	sent_from = memmem(sent, TRAFFIC_MESSAGE_BYTES, "\r\nFrom: ", 8);
	n_rest = TRAFFIC_MESSAGE_BYTES - (size_t)(sent_from - sent);
	if (n_rest != m.len - (size_t)(from - m.at) || memcmp(from, sent_from, n_rest) != 0 ||
		sip_max_forwards(&p->message, &max_forwards) < 0 || max_forwards != 69 ||
		memmem(m.at, m.len, via, sizeof(tcp_via) - 1) == NULL)
		p->n_wrong++;
	else if (p->world->n_seen[index]++ > 0)
		p->n_extra++;
}

// Answers a keepalive: a TLS client, which the relay is here, sends one to learn that it is taken.
static size_t take_pings(struct peer_stream *s)
{
	size_t n = sizeof(PING) - 1, at = 0;

	while (s->n - at >= n && memcmp(s->text + at, PING, n) == 0) {
		peer_stream_write(s, "\r\n", 2);
		at += n;
	}
	return at;
}

static void serve(struct tcp_peers *p, struct peer_stream *s)
{
	size_t at;

	peer_stream_read(s);
	at = take_pings(s);
	while (at < s->n &&
		sip_message_parse(view_of(s->text + at, s->n - at), SIP_STREAM, &p->message) ==
			REASON_none) {
		check_message(p);
		at += p->message.bytes.len;
	}
	peer_stream_take(s, at);
}

static void take_event(struct tcp_peers *p, const struct tcp_event *event)
{
	if ((event->what & TCP_CLOSED) != 0)
		give_up("a connection has ended");
	if ((event->what & TCP_OPENED) == 0)
		return;
	if (event->listener == 0) {
		p->n_open++;
		return;
	}
	if (p->n_servers == SERVERS)
		give_up("too many connections to the server");
	peer_stream_begin(
		&p->servers[p->n_servers++], p->tcp, p->crypto, event->conn, RECORD_ACCEPTED, true);
}

static unsigned queued(const struct tcp_peers *p)
{
	unsigned n = 0;

	for (unsigned port = 0; port < RELAY_WORLD_PORTS; port++)
		n += rte_ring_count(p->world->rx[port]);
	return n;
}

unsigned tcp_peers_answer(struct tcp_peers *p)
{
	struct rte_mbuf *frames[QUEUE_BURST];
	struct tcp_event event;
	unsigned n;

	for (unsigned port = 0; port < RELAY_WORLD_PORTS; port++) {
		while ((n = rte_ring_sc_dequeue_burst(
				p->world->tx[port], (void **)frames, QUEUE_BURST, NULL)) > 0) {
			for (unsigned i = 0; i < n; i++)
				take_frame(p, frames[i]);
			rte_pktmbuf_free_bulk(frames, n);
		}
	}
	tcp_timers(p->tcp, now_ns(p), 1024);
	while (tcp_next_event(p->tcp, &event))
		take_event(p, &event);
	for (unsigned i = 0; i < p->n_servers; i++)
		serve(p, &p->servers[i]);
	push_all(p);
	return queued(p);
}

// Until nothing is left to say on either side.
static void settle(struct tcp_peers *p)
{
	do {
		while (worker_turn(p->world->worker) || control_end_answer(p->world->control))
			;
	} while (tcp_peers_answer(p) > 0);
}

static void teach(struct tcp_peers *p)
{
	const struct ip_addr peer = {.bytes = {192, 0, 2, 2}, .family = IP_V4};
	struct net_neighbour n = {
		.port = RELAY_WORLD_OUTSIDE, .ip = peer, .answers = true, .override = true};

	n.mac.addr_bytes[0] = 2;
	n.mac.addr_bytes[5] = 0x11;
	net_learn(p->world->worker->net, &n, rte_rdtsc());
	relay_world_teach(p->world);
}

static uint16_t port_of(const struct tcp_peers *p)
{
	return p->transport == TRANSPORT_TLS ? SIPS_PORT : SIP_PORT;
}

static void open_engine(struct tcp_peers *p)
{
	struct endpoint server = endpoint(10, 10, 0, 2, port_of(p));
	const struct record_crypto_config crypto = {.n_keys = RECORD_N_KEYS_DEFAULT};
	struct tcp_config config;
	size_t n;

	tcp_config_default(&config, 1024);
	config.key = (struct siphash_key){3, 4};
	n = tcp_memory_bytes(&config);
	p->memory = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(n, RTE_CACHE_LINE_SIZE));
	if (p->memory == NULL)
		give_up("no memory");
	memset(p->memory, 0, n);
	p->tcp = tcp_init(p->memory, &config, p->counters, now_ns(p));
	if (p->tcp == NULL || tcp_listen(p->tcp, &server, MTU, 1) < 0)
		give_up("the engine does not start");
	if (p->transport == TRANSPORT_TLS && (p->crypto = record_crypto_new(&crypto)) == NULL)
		give_up("no AEAD");
}

static void connect_all(struct tcp_peers *p)
{
	struct endpoint relay = endpoint(192, 0, 2, 1, port_of(p));

	for (unsigned i = 0; i < TCP_PEERS_CONNS; i++) {
		struct endpoint local = endpoint(192, 0, 2, 2, (uint16_t)(FIRST_PORT + i));

		tcp_conn_id conn;

		if (tcp_open(p->tcp, &local, &relay, MTU, 0, now_ns(p), &conn) < 0)
			give_up("cannot connect");
		peer_stream_begin(&p->clients[i], p->tcp, p->crypto, conn, RECORD_OPENED, false);
		// The first one makes the relay ask for its neighbour.
		if (i == 0) {
			tcp_peers_answer(p);
			settle(p);
			teach(p);
		}
	}
	tcp_peers_answer(p);
	settle(p);
	if (p->n_open != TCP_PEERS_CONNS)
		give_up("not all connections were accepted");
}

// In its Via.
static void say_transport(const struct tcp_peers *p, uint8_t message[static TRAFFIC_MESSAGE_BYTES])
{
	uint8_t *transport = memmem(message, TRAFFIC_MESSAGE_BYTES, "/UDP", 4);

	if (transport == NULL)
		give_up("a message without a Via");
	memcpy(transport + 1, p->transport == TRANSPORT_TLS ? "TLS" : "TCP", 3);
}

struct tcp_peers *tcp_peers_open(struct relay_world *w, enum transport transport)
{
	struct tcp_peers *p = calloc(1, sizeof(*p));

	if (p == NULL)
		give_up("no memory");
	p->world = w;
	p->transport = transport;
	p->messages = malloc((size_t)TRAFFIC_MESSAGES * TRAFFIC_MESSAGE_BYTES);
	if (p->messages == NULL)
		give_up("no memory");
	for (uint32_t i = 0; i < TRAFFIC_MESSAGES; i++) {
		uint8_t *m = p->messages + (size_t)i * TRAFFIC_MESSAGE_BYTES;

		traffic_message(i, "192.0.2.2:5060", m);
		say_transport(p, m);
	}
	open_engine(p);
	teach(p);
	settle(p);
	connect_all(p);
	tcp_peers_send(p, 0, TCP_PEERS_CONNS, 1);
	settle(p);
	// The SYNs ask for the server; once it is known, so is the next message's way.
	teach(p);
	settle(p);
	return p;
}

void tcp_peers_close(struct tcp_peers *p)
{
	for (unsigned i = 0; i < p->n_servers; i++)
		peer_stream_end(&p->servers[i]);
	for (unsigned i = 0; i < TCP_PEERS_CONNS; i++)
		peer_stream_end(&p->clients[i]);
	record_crypto_free(p->crypto);
	free(p->memory);
	free(p->messages);
	free(p);
}

void tcp_peers_send(struct tcp_peers *p, uint32_t first, unsigned n, unsigned n_together)
{
	teach(p);
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *m = p->messages + (size_t)(first + i) * TRAFFIC_MESSAGE_BYTES;

		peer_stream_write(
			&p->clients[i / n_together % TCP_PEERS_CONNS], m, TRAFFIC_MESSAGE_BYTES);
		if ((i + 1) % (TCP_PEERS_CONNS * n_together) == 0)
			push_all(p);
	}
	push_all(p);
}

void tcp_peers_begin(struct tcp_peers *p)
{
	memset(p->world->n_seen, 0, TRAFFIC_MESSAGES);
	p->n_wrong = 0;
	p->n_extra = 0;
}

uint64_t tcp_peers_end(struct tcp_peers *p, uint32_t n_sent)
{
	uint64_t n_bad = p->n_wrong + p->n_extra;

	for (uint32_t i = 0; i < n_sent; i++)
		n_bad += p->world->n_seen[i] == 0;
	return n_bad;
}
