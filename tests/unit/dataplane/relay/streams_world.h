// SPDX-License-Identifier: BSD-3-Clause
// A small world around streams, in virtual time: workers with a relay, an engine and streams each,
// a real policy, a host made of malloc(), one engine that plays all peers, and a control that lets
// everything be connected to.

#pragma once

#include "dataplane/relay/streams.h"
#include "lib/policy/decide.h"

#define TOWN_MS       UINT64_C(1000000)
#define TOWN_WORKERS  2
#define TOWN_PEERS    64
#define TOWN_SENT     256
#define TOWN_POLICIES 4
// Of streams, of which the engine has 64: to walk over all of them takes a few milliseconds.
#define TOWN_CONNS   20000
#define TOWN_SENDERS 2
// Of parts of messages of TLS connections.
#define TOWN_RESTS_WEIGHT 8

// domain            list   hop                  sources
// local.example     local  tcp 10.0.0.10        10.0.0.0/24
// local-udp.example local  udp 10.0.0.20        10.0.0.0/24
// partner.example   allow  tcp 198.51.100.10    198.51.100.0/24
// single.example    allow  tcp 198.51.100.10    198.51.100.0/24, one connection
// udp.example       allow  udp 198.51.100.20    198.51.100.0/24
// twin.example      allow  the same, and the same
// named.example     allow  tls sip.named.example:5061, known by its domain
// found.example     allow  as DNS says; names lead to 198.51.100.40:5061
// tls.example       allow  tls 198.51.100.40:5061   198.51.100.0/24, one connection
// two.example       allow  tcp 198.51.100.10, tcp 198.51.100.30:5070
enum town_listener {
	TOWN_INSIDE,      // tcp 10.0.0.1:5060
	TOWN_OUTSIDE,     // tcp 192.0.2.1:5060
	TOWN_INSIDE_UDP,  // udp 10.0.0.1:5060
	TOWN_OUTSIDE_UDP, // udp 192.0.2.1:5060
	TOWN_OUTSIDE_TLS, // tls 192.0.2.1:5061
	TOWN_LISTENERS,
};

// What a town may have otherwise.
struct town_sizes {
	uint32_t message_bytes_max, body_bytes_max;
	uint64_t key_records;
	uint32_t n_bodies; // units of memory for longer messages, of each worker
};

struct town_worker {
	struct streams *streams;
	struct relay *relay;
	struct tcp *tcp;
	struct record_crypto *crypto;
	void *memory, *bodies;
	uint64_t counters[REASON_N];
	uint16_t next_port;
	tcp_conn_id session;           // that control was last told of
	struct link_session_is listed; // likewise, when it asked
	struct town *town;
	struct relay_host host;
};

// A peer's end of a connection.
struct town_peer {
	tcp_conn_id id;
	struct endpoint local; // the peer's
	bool accepted, closed, finished;
	bool deaf; // reads nothing
	size_t n, room;
	char *text; // what it has read, NUL-terminated
};

struct town_datagram {
	struct endpoint to;
	uint16_t listener;
	size_t n;
	char *text;
};

struct town {
	uint64_t now; // ns
	unsigned n_workers;
	struct town_sizes sizes;
	struct town_worker workers[TOWN_WORKERS];
	struct tcp *peers_tcp;
	void *peers_memory;
	uint64_t peers_counters[REASON_N];
	uint16_t next_port;
	unsigned n_peers;
	struct town_peer peers[TOWN_PEERS];
	unsigned n_sent;
	struct town_datagram sent[TOWN_SENT];
	unsigned n_parcels;  // alive
	unsigned weight;     // of a parcel; 0: 1
	unsigned room;       // parcels that may be alive; 0: any number
	bool refuses;        // control, every target
	unsigned n_policies; // published; the last one holds
	struct town_policy {
		void *bytes;
		size_t n_bytes;
		struct image *image;
		struct decider *deciders[TOWN_WORKERS];
	} policies[TOWN_POLICIES];
};

struct town *town_new(unsigned n_workers); // messages of 64000 bytes, bodies of 100000, no memory
// key_records: of a TLS session, as struct record_crypto_config has it.
struct town *town_new_with_keys(unsigned n_workers, uint64_t key_records);
struct town *town_new_of(unsigned n_workers, const struct town_sizes *sizes);
void town_free(struct town *t);
void town_run(struct town *t, unsigned ms);
// Publishes the same policy again, but for the domains in blocked, up to NULL: each on the block
// list now, its peer gone.
void town_publish(struct town *t, const char *const blocked[]);

// A connection of a peer at ip to that listener of the relay, TCP established; its traffic
// is worker's.
struct town_peer *town_connect(
	struct town *t, const char *ip, enum town_listener listener, unsigned worker);
// The n-th connection that the relay has opened to a peer at ip; NULL when there is none.
struct town_peer *town_accepted(struct town *t, const char *ip, unsigned n);
void town_say(struct town *t, struct town_peer *p, const char *text);
void town_say_bytes(struct town *t, struct town_peer *p, const void *bytes, size_t n);
// As the connection takes it, a millisecond after the other.
void town_say_all(struct town *t, struct town_peer *p, const void *bytes, size_t n);
void town_finish(struct town *t, struct town_peer *p);
void town_abort(struct town *t, struct town_peer *p);

// A datagram to a worker.
void town_datagram(struct town *t, unsigned worker, enum town_listener listener, const char *source,
	const char *text);

// A request, in a buffer of its own until the next but three.
const char *town_request(const char *method, const char *from, const char *to, const char *via,
	unsigned cseq, const char *body);
// The response to the last request in text, by its topmost Via lines.
const char *town_response(const char *request, const char *status);

uint64_t town_counter(const struct town *t, enum reason reason);
// How often a text stands in what a peer has read.
unsigned town_count(const char *hay, const char *needle);
