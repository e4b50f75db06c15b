// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/tcp/conns.h"

#include <errno.h>
#include <rte_malloc.h>
#include <rte_prefetch.h>
#include <rte_random.h>
#include <sys/random.h>

// Source ports that we choose from (RFC 6335 §6).
#define SOURCE_PORT_FIRST 49152
#define SOURCE_PORTS      16384
// Tried at most: with 64 workers one in 64 comes back to us.
#define SOURCE_PORT_TRIES 4096

// Payload of a packet that the device cuts: IPv4's total length less all headers.
#define TSO_BYTES_MAX 65000

#define READY_BUFFERS 8

struct conns {
	struct conns_config config;
	struct tcp *engine;
	void *memory;
	struct siphash_key port_key; // RFC 6056 §3.3.3
	uint32_t n_opened;
	// Small buffers for the packets of a turn, got together so that their misses overlap.
	unsigned n_ready;
	struct rte_mbuf *ready[READY_BUFFERS];
};

static int open_engine(struct conns *c)
{
	const struct core_map *map = c->config.map;
	struct tcp_config tcp = map->tcp;
	uint8_t keys[2 * SIPHASH_KEY_BYTES];
	size_t n_bytes;

	if (getrandom(keys, sizeof(keys), 0) != (ssize_t)sizeof(keys))
		return -errno;
	tcp.key = siphash_key_from(keys);
	c->port_key = siphash_key_from(keys + SIPHASH_KEY_BYTES);
	n_bytes = tcp_memory_bytes(&tcp);
	if (n_bytes == 0)
		return -EINVAL;
	c->memory = rte_zmalloc_socket("tcp", n_bytes, RTE_CACHE_LINE_SIZE, c->config.numa_node);
	if (c->memory == NULL)
		return -ENOMEM;
	c->engine = tcp_init(c->memory, &tcp, c->config.counters->reason, c->config.now_ns);
	return c->engine != NULL ? 0 : -EINVAL;
}

static int listen_all(struct conns *c)
{
	const struct core_map *map = c->config.map;
	int r = 0;

	for (unsigned l = 0; l < map->n_listeners && r == 0; l++) {
		const struct core_map_listener *listener = &map->listeners[l];

		if (transport_is_stream(listener->local.transport))
			r = tcp_listen(c->engine, &listener->local, map->ports[listener->port].mtu,
				(uint16_t)l);
		if (r == 0)
			r = tcp_limit(c->engine, (uint16_t)l, listener->n_conns,
				listener->n_source_conns);
	}
	return r;
}

struct conns *conns_new(const struct conns_config *config)
{
	struct conns *c =
		rte_zmalloc_socket("conns", sizeof(*c), RTE_CACHE_LINE_SIZE, config->numa_node);
	int r;

	if (c == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	c->config = *config;
	r = open_engine(c);
	if (r == 0)
		r = listen_all(c);
	if (r == 0)
		return c;
	conns_free(c);
	errno = -r;
	return NULL;
}

void conns_free(struct conns *c)
{
	if (c == NULL)
		return;
	rte_free(c->memory);
	rte_free(c);
}

struct tcp *conns_engine(struct conns *c)
{
	return c->engine;
}

static void drop(struct conns *c, enum reason reason)
{
	c->config.counters->reason[reason]++;
}

static void take_errors(struct conns *c, const struct net_arrivals *a, uint64_t now_ns)
{
	for (unsigned i = 0; i < a->n_errors; i++) {
		const struct net_error *e = &a->errors[i];
		struct tcp_icmp_error error = {
			.local = e->local,
			.remote = e->remote,
			.seq = e->first_word,
			.mtu = e->mtu,
			.kind = e->mtu != 0 ? TCP_ICMP_TOO_BIG : TCP_ICMP_UNREACHABLE,
		};

		error.local.transport = TRANSPORT_TCP;
		error.remote.transport = TRANSPORT_TCP;
		tcp_icmp_input(c->engine, &error, now_ns);
	}
}

void conns_input(struct conns *c, const struct net_arrivals *a, uint64_t now_ns)
{
	struct tcp_segment segments[QUEUE_BURST];
	struct rte_mbuf *packets[QUEUE_BURST];
	unsigned n = 0;

	for (unsigned i = 0; i < a->n_segments; i++) {
		const struct net_segment *in = &a->segments[i];
		enum reason reason = tcp_segment_parse(in->bytes, &segments[n]);

		packets[i] = in->packet;
		if (reason != REASON_none) {
			drop(c, reason);
			continue;
		}
		segments[n].local.ip = in->destination;
		segments[n++].remote.ip = in->source;
	}
	if (n > 0)
		tcp_input_burst(c->engine, segments, n, now_ns);
	if (a->n_segments > 0)
		rte_pktmbuf_free_bulk(packets, a->n_segments);
	if (a->n_errors > 0)
		take_errors(c, a, now_ns);
}

// Copies n_bytes to the end of the chain, which grows where its last buffer is full.
static bool append_on(
	struct conns *c, struct rte_mbuf *packet, const uint8_t *bytes, size_t n_bytes)
{
	struct rte_mbuf *last = rte_pktmbuf_lastseg(packet);

	while (n_bytes > 0) {
		size_t n = RTE_MIN(n_bytes, (size_t)rte_pktmbuf_tailroom(last));

		if (n == 0) {
			struct rte_mbuf *more = pools_get(
				c->config.pools, RTE_MIN(n_bytes, (size_t)POOL_LARGE_BYTES));

			if (more == NULL || rte_pktmbuf_chain(packet, more) != 0) {
				rte_pktmbuf_free(more);
				return false;
			}
			last = more;
			continue;
		}
		memcpy(rte_pktmbuf_mtod_offset(last, uint8_t *, last->data_len), bytes, n);
		last->data_len = (uint16_t)(last->data_len + n);
		packet->pkt_len += (uint32_t)n;
		bytes += n;
		n_bytes -= n;
	}
	return true;
}

static bool append(struct conns *c, struct rte_mbuf *packet, const uint8_t *bytes, size_t n_bytes)
{
	char *at;

	if (packet->nb_segs > 1 || n_bytes > rte_pktmbuf_tailroom(packet))
		return append_on(c, packet, bytes, n_bytes);
	at = rte_pktmbuf_append(packet, (uint16_t)n_bytes);
	memcpy(at, bytes, n_bytes);
	return true;
}

_Static_assert(TCP_HEADER_BYTES_MAX <= POOL_SMALL_BYTES, "every buffer has room for any header");

// Copied with what lies behind it up to the longest one: no call is made for a length that is
// known.
static void put_header(struct rte_mbuf *packet, const struct tcp_packet *out)
{
	memcpy(rte_pktmbuf_mtod(packet, uint8_t *), out->header, TCP_HEADER_BYTES_MAX);
	packet->data_len = out->header_bytes;
	packet->pkt_len = out->header_bytes;
}

// By which it leaves: of no connection, one of the address that the segment answered came to.
static uint16_t listener_of(const struct conns *c, const struct tcp_packet *out)
{
	const struct core_map *map = c->config.map;

	for (unsigned l = 0; l < map->n_listeners && out->conn == 0; l++) {
		if (ip_equal(&map->listeners[l].local.ip, &out->local))
			return (uint16_t)l;
	}
	return out->listener;
}

// The copy's stores would wait for each line in turn.
static void prefetch_payload(const struct rte_mbuf *packet, const struct tcp_packet *out)
{
	const uint8_t *at = rte_pktmbuf_mtod(packet, const uint8_t *);
	const uint8_t *end = at +
		RTE_MIN((size_t)out->payload_bytes + out->header_bytes,
			(size_t)rte_pktmbuf_tailroom(packet));

	// By pairs of lines: one too many does no harm.
	for (at += RTE_CACHE_LINE_SIZE; at < end; at += 2 * RTE_CACHE_LINE_SIZE) {
		__builtin_prefetch(at, 1);
		__builtin_prefetch(at + RTE_CACHE_LINE_SIZE, 1);
	}
}

// Takes a buffer for it. False when more were needed and packets have run out: what the engine gave
// counts as sent and will be sent again.
static bool send_packet(
	struct conns *c, struct rte_mbuf *packet, const struct tcp_packet *out, uint64_t now)
{
	bool fits = true;

	put_header(packet, out);
	for (unsigned i = 0; fits && i < out->n_parts; i++)
		fits = append(c, packet, out->parts[i].at, out->parts[i].len);
	if (!fits) {
		rte_pktmbuf_free(packet);
		drop(c, REASON_no_buffer);
		return false;
	}
	net_output_segment(c->config.net, packet,
		&(struct net_segment_out){
			.local = &out->local,
			.remote = &out->remote,
			.listener = listener_of(c, out),
			.header_bytes = out->header_bytes,
			.segment_bytes =
				out->payload_bytes > out->segment_bytes ? out->segment_bytes : 0,
		},
		now);
	return true;
}

// What one packet may carry; 0: a segment, unless every port cuts, since the engine does not say
// beforehand which one it is for.
static uint32_t payload_max(const struct conns *c)
{
	for (unsigned p = 0; p < c->config.map->n_ports; p++) {
		if (!c->config.ports[p].tx_tcp_segmentation)
			return 0;
	}
	return TSO_BYTES_MAX;
}

static bool a_queue_is_full(const struct conns *c)
{
	for (unsigned p = 0; p < c->config.map->n_ports; p++) {
		if (c->config.queues[p].full)
			return true;
	}
	return false;
}

// Headers of the one to be used next: it lay with the device until now.
static void prefetch_headers(const struct conns *c)
{
	const uint8_t *at;

	if (c->n_ready == 0)
		return;
	at = rte_pktmbuf_mtod(c->ready[c->n_ready - 1], const uint8_t *);
	rte_prefetch0(at - RTE_CACHE_LINE_SIZE);
	rte_prefetch0(at);
}

// NULL where packets have run out, or larger ones are needed.
static struct rte_mbuf *get_ready(struct conns *c, size_t n_bytes)
{
	struct rte_mbuf *buffer;

	if (n_bytes > POOL_SMALL_BYTES)
		return NULL;
	if (c->n_ready == 0)
		c->n_ready = pools_get_burst(c->config.pools, c->ready, READY_BUFFERS);
	if (c->n_ready == 0)
		return NULL;
	buffer = c->ready[--c->n_ready];
	prefetch_headers(c);
	return buffer;
}

// A buffer for the next packet, before the engine counts it as sent. The reserve is for what keeps
// others from waiting: an ACK, a reset (DESIGN.md §7).
static struct rte_mbuf *get_buffer(struct conns *c, enum tcp_output_mode *mode)
{
	size_t n_bytes = (size_t)c->config.map->tcp.chunk_bytes + TCP_HEADER_BYTES_MAX;
	struct rte_mbuf *buffer = NULL;

	if (*mode == TCP_OUTPUT_ALL)
		buffer = get_ready(c, n_bytes);
	if (*mode == TCP_OUTPUT_ALL && buffer == NULL)
		buffer = pools_get(c->config.pools, n_bytes);
	if (buffer == NULL) {
		*mode = TCP_OUTPUT_BARE;
		buffer = pools_get_reserve(c->config.pools, TCP_HEADER_BYTES_MAX);
	}
	return buffer;
}

// One that the engine has given and that is yet to be copied.
struct outgoing {
	struct rte_mbuf *buffer;
	struct tcp_packet packet;
};

// False: there is none, or no buffer for it, which may leave more to be sent.
static bool take_next(struct conns *c, struct outgoing *o, enum tcp_output_mode *mode,
	uint32_t bytes_max, uint64_t now_ns, bool *more)
{
	*more = tcp_has_output(c->engine);
	if (!*more)
		return false;
	o->buffer = a_queue_is_full(c) ? NULL : get_buffer(c, mode);
	if (o->buffer == NULL)
		return false;
	if (tcp_output(c->engine, now_ns, *mode, bytes_max, &o->packet)) {
		prefetch_payload(o->buffer, &o->packet);
		return true;
	}
	rte_pktmbuf_free(o->buffer);
	// In want of packets there may be data left.
	*more = *mode == TCP_OUTPUT_BARE;
	return false;
}

bool conns_output(struct conns *c, uint64_t now, uint64_t now_ns)
{
	enum tcp_output_mode mode = TCP_OUTPUT_ALL;
	uint32_t bytes_max = payload_max(c);
	struct outgoing both[2], *last = NULL;
	bool more = true;

	// While the memory for one comes near, the one before it is copied.
	for (unsigned i = 0; i < CONNS_OUTPUT_MAX; i++) {
		struct outgoing *next = &both[i & 1];

		if (!take_next(c, next, &mode, bytes_max, now_ns, &more))
			break;
		if (last != NULL && !send_packet(c, last->buffer, &last->packet, now))
			mode = TCP_OUTPUT_BARE;
		last = next;
	}
	if (last != NULL && !send_packet(c, last->buffer, &last->packet, now))
		more = true;
	rte_pktmbuf_free_bulk(c->ready, c->n_ready);
	c->n_ready = 0;
	return more;
}

// RFC 6056 §3.3.3, and a port whose return traffic is ours: found by trying, since one in n_workers
// is.
static bool choose_port(struct conns *c, struct endpoint *local, const struct endpoint *remote,
	const struct port *port, unsigned *tries)
{
	struct {
		struct ip_addr local, remote;
		uint32_t port;
	} pair = {local->ip, remote->ip, remote->port};
	uint32_t offset = (uint32_t)siphash(&c->port_key, &pair, sizeof(pair));

	while ((*tries)++ < SOURCE_PORT_TRIES) {
		local->port =
			(uint16_t)(SOURCE_PORT_FIRST + (offset + c->n_opened++) % SOURCE_PORTS);
		if (steering_owner_of(port, remote, local) == c->config.worker)
			return true;
	}
	return false;
}

int conns_open(struct conns *c, uint16_t listener, const struct endpoint *remote, uint64_t now_ns,
	tcp_conn_id *id)
{
	const struct core_map_listener *l = &c->config.map->listeners[listener];
	const struct port *port = &c->config.ports[l->port];
	struct endpoint local = l->local;
	unsigned tries = 0;

	while (choose_port(c, &local, remote, port, &tries)) {
		int r = tcp_open(c->engine, &local, remote, port->mtu, listener, now_ns, id);

		if (r != -EADDRINUSE)
			return r;
	}
	return -EADDRNOTAVAIL;
}
