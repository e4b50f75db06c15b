// SPDX-License-Identifier: BSD-3-Clause
// What the files of flows share: flows.c has the connections, flows_read.c their messages. Nobody
// else includes it.

#pragma once

#include "lib/sip/frame.h"
#include "lib/sip/message.h"
#include "tests/load/flows.h"

#define FLOWS_MESSAGE_BYTES_MAX 65536

struct flow {
	tcp_conn_id conn; // 0: none
	uint64_t dial_ns; // of one that is kept: not before
	uint64_t begun_ns;
	uint32_t needed; // bytes of a message that has begun; until then there is nothing to read
	struct sip_frame frame; // of that message
	// open: messages may go; over TLS when the handshake is done.
	bool open, queued, finished, half_ping;
	bool is_connected; // TCP's part of opening is done
	bool is_cut;       // by us, to be dialed again at once
	uint16_t listener;
};

// Numbers of flows that wait for their turn, each once.
struct flow_queue {
	uint32_t first, n;
	uint32_t *list; // ring of n_max
};

struct flows {
	struct flows_config config;
	struct tcp *tcp;
	struct tls_flows *secure; // NULL: no TLS
	uint32_t n_kept, n_free;
	uint32_t next_kept;
	uint16_t kept_listener;
	struct endpoint kept_remote;
	// Those that may have messages, and those that may go on with a handshake: the latter take
	// long.
	struct flow_queue ready, shaking;
	uint64_t storm_ns; // since when not all are back; 0: no storm
	struct flows_counts counts;
	struct flow *all; // those that are kept first
	uint32_t *free;
	uint8_t joined[FLOWS_MESSAGE_BYTES_MAX]; // a message that lies in several pieces
	struct sip_message message;
};

// Messages may go from now on. Nothing happens for one that is open.
void flow_open(struct flows *s, uint32_t index, uint64_t now_ns);
// Takes what has come: steps of a handshake, or messages. True when it may have more to read.
bool flow_read(struct flows *s, uint32_t index, const struct hearer *hearer, uint64_t now_ns);
