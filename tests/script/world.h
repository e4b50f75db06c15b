// SPDX-License-Identifier: BSD-3-Clause
// The world that a script lives in: one engine, its clock, and the peers, who are the script's own
// hand. Nothing moves unless world_advance() is called. Every segment that the engine sends is
// read, checked against what must hold for each (watch.h) and queued for the script.

#pragma once

#include "lib/tcp/state.h"
#include "lib/tcp/tcp.h"
#include "tests/script/wire.h"

#define WORLD_PEERS_MAX   8192
#define WORLD_SENT_MAX    16384
#define WORLD_LOG_LINES   10
#define WORLD_LOG_BYTES   224
#define WORLD_PACKET_MAX  65600
#define WORLD_LOCAL_PORT  5060
#define WORLD_REMOTE_PORT 40000 // of peer 0
#define WORLD_LISTENER    7

// The same script must hold for each.
struct variant {
	const char *name;
	uint8_t family; // enum ip_family
	bool wraps;     // sequence numbers and timestamps of both sides wrap soon
	bool cuts;      // segments leave in one piece and are cut by the device
};

// The far end of one connection, or of several of the same endpoints one after the other.
// Sequence numbers are absolute here, relative to the first ones in scripts.
struct peer {
	unsigned number;
	struct endpoint local, remote;
	uint32_t isn, engine_isn;
	bool engine_isn_known;
	uint32_t ts_base;             // our timestamp when the world began
	uint32_t engine_ts, ts_first; // the last timestamp seen of the engine, and the first
	bool engine_ts_seen, ts_sent; // in a SYN of each
	bool ts_on, sack_sent, sack_on, scale_sent, scale_on;
	uint8_t window_scale, engine_window_scale;
	uint16_t mss;                            // that we announced; 0: none
	uint32_t sent_end, window_end, rcv_seen; // highest: our data, our window, its data
	uint32_t acked, offered_end;             // highest of the engine's ACKs and windows
	uint32_t fin_end;                        // after our FIN
	bool has_acked, has_fin, fin_acked;
	tcp_conn_id id;
	bool has_id, closed;
	uint8_t events; // not yet expected by the script
	enum reason reason;
	uint32_t n_read, n_written; // bytes of either stream
};

// A segment that the engine sent.
struct sent {
	uint64_t time;
	struct peer *peer;
	struct wire wire; // its payload has been checked and is gone
};

struct world {
	struct variant variant;
	struct tcp_config config;
	uint32_t payload_max;
	enum tcp_output_mode mode;
	bool holds; // the device takes nothing
	struct tcp *tcp;
	void *memory;
	uint64_t counters[REASON_N], before[REASON_N]; // before: the last input
	uint64_t now, origin;
	struct peer *peers[WORLD_PEERS_MAX];
	struct peer *last_peer; // that a segment came from
	struct sent *sent;
	unsigned n_sent, n_taken; // of them the script has seen the first n_taken
	uint64_t n_total;         // segments sent, ever
	char log[WORLD_LOG_LINES][WORLD_LOG_BYTES];
	unsigned n_logged;
	char complaint[256]; // the first thing that must never be; empty: none
	uint8_t packet[WORLD_PACKET_MAX];
};

// The engine is made by world_start(), so that config can be changed before. Exits without memory.
struct world *world_new(const struct variant *variant);
void world_start(struct world *w);
void world_free(struct world *w);

// Made when first asked for; NULL beyond WORLD_PEERS_MAX.
struct peer *world_peer(struct world *w, unsigned number);
// The same endpoints again, the peer's ISN further by step, nothing known of the engine.
void world_peer_again(struct world *w, struct peer *p, int64_t step);

// Bytes of the two streams: the peer's and the engine's, by their place.
uint8_t world_peer_byte(uint32_t at);
uint8_t world_engine_byte(uint32_t at);

// Segments of peers, in one burst. False where one is not a segment: it was counted and left out.
bool world_input(struct world *w, struct peer *peers[], const struct wire segments[], unsigned n);
// After any call with the engine: takes what it sends and what it reports.
void world_settle(struct world *w);
void world_advance(struct world *w, uint64_t ns);
// All that the script has not seen: NULL for nothing.
struct sent *world_next_sent(struct world *w);

uint64_t world_ms(const struct world *w);
__attribute__((format(printf, 2, 3))) void world_complain(struct world *w, const char *format, ...);
void world_log(struct world *w, const struct peer *p, bool in, const struct wire *wire);

// Ends all connections and lets time go by: nothing may be left over then.
void world_finish(struct world *w);
