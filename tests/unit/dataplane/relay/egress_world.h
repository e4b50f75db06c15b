// SPDX-License-Identifier: BSD-3-Clause
// A small world around egress, in virtual time: workers with an engine and an egress each, a host
// made of malloc(), one engine that plays all partners, and a test in the place of control.

#pragma once

#include "dataplane/relay/egress.h"

#define WORLD_MS        UINT64_C(1000000)
#define WORLD_WORKERS   2
#define WORLD_TEXT      (1 << 20)
#define WORLD_MESSAGES  (1 << 16)
#define WORLD_CONNS     2048
#define WORLD_PARTNERS  4
#define WORLD_CHUNKS    512
#define WORLD_NO_SERVER 9 // number of one that has nobody on its port

struct world_worker {
	struct egress *egress;
	struct tcp *tcp;
	struct record_crypto *crypto;
	struct sessions *sessions;
	struct backlogs *backlogs;
	void *memory;
	uint64_t counters[REASON_N];
	uint16_t next_port;
	struct world *world;
	struct relay_host host;
};

// What a partner has read from one connection.
struct world_conn {
	tcp_conn_id id;
	unsigned partner;
	bool open;
	size_t n;
	char text[WORLD_TEXT];
};

struct world {
	uint64_t now; // ns
	unsigned n_workers;
	struct world_worker workers[WORLD_WORKERS];
	struct tcp *partner;
	void *partner_memory;
	uint64_t partner_counters[REASON_N];
	bool reads[WORLD_PARTNERS];  // partner by partner
	bool silent[WORLD_PARTNERS]; // nothing reaches it
	unsigned n_conns;
	struct world_conn *conns[WORLD_CONNS];

	// Host.
	unsigned n_parcels; // alive
	bool ring_full;
	bool no_ports;
	bool withdrawn[WORLD_PARTNERS]; // the policy has no such hop

	// Control.
	bool away;
	bool answers;        // every TARGET_WANTED with TARGET_OPEN
	unsigned n_answered; // of those told
	unsigned n_told;
	struct link_message told[WORLD_MESSAGES];
	unsigned told_worker[WORLD_MESSAGES];

	// Senders.
	unsigned n_refused;
	enum reason refused[WORLD_MESSAGES];
	char refused_text[WORLD_MESSAGES][8]; // how it begins
};

// n_workers ≤ WORLD_WORKERS; n_chunks: of buffer memory, each worker; change: NULL, or what is to
// be different from the default.
struct world *world_new(
	unsigned n_workers, uint32_t n_chunks, void (*change)(struct egress_config *));
void world_free(struct world *w);

// Partner number n's address.
struct endpoint world_partner(unsigned n);
// A message from worker 0 to partner n, of a pair; by slots connections.
void world_send(struct world *w, unsigned n, enum parcel_kind kind, uint32_t pair, unsigned slots,
	const char *text);
void world_send_parcel(struct world *w, struct parcel *p);
struct parcel *world_parcel(struct world *w, unsigned n, enum parcel_kind kind, uint32_t pair,
	unsigned slots, const char *text, size_t len);

// Lets ms milliseconds pass.
void world_run(struct world *w, unsigned ms);

// Carries what partners have sent to the workers' engines, and lets nobody look at it.
void world_carry(struct world *w);

// How many messages of a type control was told; and the last one.
unsigned world_count_told(const struct world *w, enum link_type type);
const struct link_message *world_last_told(const struct world *w, enum link_type type);
// Control's answer to the last TARGET_WANTED.
void world_open(struct world *w);
void world_refuse(struct world *w, uint32_t retry_ms);

// All that partner n has read, one connection after the other.
const char *world_read(struct world *w, unsigned n);
// Ends its open connections: by a reset, or by its FIN.
void world_reset(struct world *w, unsigned n);
void world_finish(struct world *w, unsigned n);
unsigned world_n_conns(const struct world *w, unsigned n); // open ones
uint64_t world_counter(const struct world *w, enum reason reason);
struct egress_usage world_usage(const struct world *w);
