// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/worker/carrier.h"

#include <errno.h>
#include <rte_malloc.h>

// Of the packets of a worker, and of each of its pools (pools_weight()): for requests that are
// repeated, and for what waits for a connection; of either, for one next hop. So all that are dead
// hold less than a fifth, also of the few large buffers, and one of them half of that.
#define AGAIN_SHARE   16
#define WAITING_SHARE 8
#define TARGET_SHARE  2
// Likewise: for parts of messages of TLS connections, whose bytes lie in no receive queue.
#define REST_SHARE 16
// Of buffer memory: for parts of long messages.
#define HOLDING_SHARE 2
#define HOLDING_MIN   4

_Static_assert(sizeof(struct parcel) <= POOL_PRIVATE_BYTES, "a parcel lies in its buffer");
_Static_assert(CORE_MAP_BODY_BYTES == BODIES_UNIT_BYTES, "one unit, in the map and here");

static struct parcel *parcel_of(const struct worker *w, struct rte_mbuf *buffer)
{
	struct parcel *p = rte_mbuf_to_priv(buffer);

	p->bytes = rte_pktmbuf_mtod(buffer, uint8_t *);
	p->room = rte_pktmbuf_tailroom(buffer);
	p->weight = pools_weight(w->pools, buffer);
	p->origin = (uint8_t)w->index;
	p->body = NULL;
	return p;
}

static struct rte_mbuf *buffer_of(struct parcel *p)
{
	return (struct rte_mbuf *)((uint8_t *)p - sizeof(struct rte_mbuf));
}

static struct parcel *get(void *arg, size_t n_bytes)
{
	struct worker *w = arg;
	struct rte_mbuf *buffer;

	if (n_bytes <= POOL_SMALL_BYTES && w->n_spare > 0)
		return w->spare[--w->n_spare];
	buffer = pools_get(w->pools, n_bytes);
	return buffer != NULL ? parcel_of(w, buffer) : NULL;
}

// What was copied into a connection's queue is in the cache: the next message is written there. In
// the pool, buffers that come back from the device would lie above it.
static void put(void *arg, struct parcel *p)
{
	struct worker *w = arg;
	struct rte_mbuf *buffer = buffer_of(p);

	if (buffer->pool == w->pools->small && w->n_spare < WORKER_SPARE_PARCELS)
		w->spare[w->n_spare++] = p;
	else
		rte_pktmbuf_free(buffer);
}

static void send_datagram(void *arg, struct parcel *p, bool keep)
{
	struct worker *w = arg;
	struct rte_mbuf *buffer = buffer_of(p);

	if (keep) {
		buffer = pools_get(w->pools, p->len);
		if (buffer == NULL) {
			w->counters.reason[REASON_no_buffer]++;
			return;
		}
		memcpy(rte_pktmbuf_mtod(buffer, uint8_t *), p->bytes, p->len);
	}
	rte_pktmbuf_append(buffer, (uint16_t)p->len);
	net_output(w->net, buffer, p->listener, &p->destination, w->now);
}

static bool hand_over(void *arg, unsigned worker, struct parcel *p)
{
	struct worker *w = arg;

	return exchange_push_message(w->exchange, w->index, worker, buffer_of(p)) == 0;
}

// The listener itself, or another one of its side and transport that has the family: where a next
// hop that is a name has its address, the message did not know when its listener was chosen.
static uint16_t listener_for(const struct worker *w, uint16_t listener, enum ip_family family)
{
	const struct core_map_listener *all = w->map->listeners, *wanted = &all[listener];

	for (uint16_t l = 0; wanted->local.ip.family != family && l < w->map->n_listeners; l++) {
		if (all[l].local.ip.family == family && all[l].side == wanted->side &&
			all[l].local.transport == wanted->local.transport)
			return l;
	}
	return listener;
}

static int open_conn(void *arg, uint16_t listener, const struct endpoint *remote, uint64_t *conn)
{
	struct worker *w = arg;

	listener = listener_for(w, listener, (enum ip_family)remote->ip.family);
	return conns_open(w->conns, listener, remote, worker_ns(w, w->now), conn);
}

static uint64_t secure_listeners(const struct core_map *map)
{
	uint64_t bits = 0;

	for (unsigned l = 0; l < map->n_listeners; l++) {
		if (map->listeners[l].local.transport == TRANSPORT_TLS)
			bits |= UINT64_C(1) << l;
	}
	return bits;
}

int carrier_open(struct worker *w)
{
	const struct record_crypto_config crypto = {.n_keys = RECORD_N_KEYS_DEFAULT};
	const struct tcp_config *tcp = &w->map->tcp;
	const struct siphash_key *key = exchange_key(w->exchange);
	struct streams_config config;
	uint64_t memory = (uint64_t)tcp->n_chunks * tcp->chunk_bytes;

	if (w->conns == NULL)
		return 0;
	w->crypto = record_crypto_new(&crypto);
	if (w->crypto == NULL)
		return -errno;
	if (w->map->n_bodies > 0)
		w->bodies = rte_malloc_socket("bodies", bodies_memory_bytes(w->map->n_bodies),
			RTE_CACHE_LINE_SIZE, w->numa_node);
	if (w->map->n_bodies > 0 && w->bodies == NULL)
		return -ENOMEM;
	w->host = (struct relay_host){
		.arg = w,
		.get = get,
		.put = put,
		.send_datagram = send_datagram,
		.hand_over = hand_over,
		.open = open_conn,
	};
	streams_config_default(&config, tcp->n_conns);
	config.relay = w->relay;
	config.tcp = conns_engine(w->conns);
	config.host = &w->host;
	config.counters = w->counters.reason;
	config.worker = w->index;
	config.n_workers = w->map->n_workers;
	config.send_bytes_max = tcp->send_bytes_max;
	config.message_bytes_max = POOL_HUGE_BYTES - RELAY_GROWTH_BYTES;
	config.bodies = w->bodies;
	config.n_bodies = w->map->n_bodies;
	config.buffer_bytes = (uint32_t)RTE_MIN(memory, UINT32_MAX);
	config.n_holding =
		(uint32_t)RTE_MAX(memory / HOLDING_SHARE / config.message_bytes_max, HOLDING_MIN);
	config.n_again = w->map->n_packets / AGAIN_SHARE;
	config.n_waiting = w->map->n_packets / WAITING_SHARE;
	config.again_of_target = config.n_again / TARGET_SHARE;
	config.waiting_of_target = config.n_waiting / TARGET_SHARE;
	config.rests_weight = w->map->n_packets / REST_SHARE;
	config.secure = secure_listeners(w->map);
	config.crypto = w->crypto;
	config.key = *key;
	config.salt = siphash(key, &w->index, sizeof(w->index));
	config.tell_control = worker_tell_control;
	config.arg = w;
	w->streams = streams_new(&config);
	return w->streams != NULL ? 0 : -errno;
}

void carrier_close(struct worker *w)
{
	streams_free(w->streams);
	w->streams = NULL;
	rte_free(w->bodies);
	w->bodies = NULL;
	record_crypto_free(w->crypto);
	w->crypto = NULL;
	while (w->n_spare > 0)
		rte_pktmbuf_free(buffer_of(w->spare[--w->n_spare]));
}

void carrier_take(struct worker *w, struct rte_mbuf *buffer, const struct relay_out *out)
{
	struct parcel *p = parcel_of(w, buffer);

	if (w->streams == NULL) {
		// A response to what another relay, which shares our key, has sent.
		w->counters.reason[REASON_sip_response_no_way]++;
		rte_pktmbuf_free(buffer);
		return;
	}
	parcel_describe(p, out);
	streams_take(w->streams, p, worker_ns(w, w->now));
}

unsigned carrier_poll(struct worker *w)
{
	struct rte_mbuf *messages[QUEUE_BURST];
	uint64_t now_ns = worker_ns(w, w->now);
	unsigned n = 0;

	if (w->steering.n_workers > 1)
		n = exchange_pop_messages(w->exchange, w->index, messages);
	for (unsigned i = 0; i < n; i++)
		streams_take_over(w->streams, rte_mbuf_to_priv(messages[i]), now_ns);
	return n + streams_poll(w->streams, now_ns);
}
